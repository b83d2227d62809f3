"""What kills do to rows that other libraries read, have answered and write: rows lost, rows doubled, rows asked again.

Run with `python benchmarks/bulk_recipes.py`; with `--save` the result goes to benchmarks/results/bulk_recipes.json, after each recipe.
It needs `pip install 'slm_overview[ray]' datasets`, and works where processes can be killed with signal 9.

Each recipe answers the same 1,500 rows in batches of 64, with a model that takes 20 ms for each and counts characters. Its process is
killed at a moment that is drawn from the time that it takes when nobody kills it, and started again, and killed again, until it comes to
its end before its moment. Then the rows of its output are counted by their ids. What a reader would find in between is counted too: how
many kills left an output that looks whole and is not. Ray keeps its own processes, on a cluster of one node that outlives all kills; half
of the moments are drawn from the time after its first row was answered, since most of a short job goes by before.
"""
import argparse
import csv
import json
import multiprocessing
import os
import random
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from startup import machine, versions

RESULT = Path(__file__).parent / "results" / "bulk_recipes.json"
ROWS, BATCH, SECONDS = 1500, 64, 0.02


def count(texts, log):
    "How many characters each text has, after some time, and how many were asked"
    time.sleep(SECONDS)
    with open(log, "a", encoding="ascii") as file: file.write(f"{len(texts)}\n")
    return [len(text) for text in texts]


class Counting:
    "What Ray Data calls with a batch"
    def __init__(self, log): self.log = log

    def __call__(self, batch):
        return {"key": batch["key"], "length": count(list(batch["text"]), self.log)}


class Slow:
    "What answers for predict_file"
    columns, block = {"length": "int64"}, BATCH

    def __init__(self, log): self.log = log

    def __call__(self, texts): return [(found,) for found in count(texts, self.log)]


def with_predict_file(folder, log):
    "This package"
    from slm_overview.bulk import answers
    from slm_overview.bulk.job import predict_file

    with patch.object(answers, "load_answers", lambda *_: (Slow(log), None)), patch.object(answers, "warm"):
        predict_file(folder / "rows.csv", folder / "out.csv", "banking-tiny", id_column="key", flush_rows=2 * BATCH)


def with_datasets(folder, log):
    "A map over batches (https://huggingface.co/docs/datasets/about_map_batch), then a file"
    from datasets import load_dataset

    rows = load_dataset("csv", data_files=str(folder / "rows.csv"), cache_dir=str(folder / "cache"))["train"]
    found = rows.map(lambda batch: {"length": count(batch["text"], log)}, batched=True, batch_size=BATCH, remove_columns=["text"])
    found.to_csv(folder / "out.csv", batch_size=BATCH)


def _on_ray(folder, log, checkpoint):
    "Read, answer and write, with or without a checkpoint"
    import ray
    from bulk_recipes import Counting as Named  # by a name that Ray's processes find

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    if checkpoint:
        from ray.data.checkpoint import CheckpointConfig

        context.checkpoint_config = CheckpointConfig(id_column="key", checkpoint_path=str(folder / "checkpoint"))
    rows = ray.data.read_parquet(str(folder / "rows"))
    found = rows.map_batches(Named, fn_constructor_args=(log,), batch_size=BATCH, compute=ray.data.ActorPoolStrategy(size=1))
    found.write_parquet(str(folder / "out"))


def with_ray(folder, log):
    "An actor answers batches (https://docs.ray.io/en/latest/data/transforming-data.html), and Ray Data writes"
    _on_ray(folder, log, checkpoint=False)


def with_ray_and_checkpoint(folder, log):
    "The same with Ray Data's own checkpoint (in beta), which is to have a job continued"
    _on_ray(folder, log, checkpoint=True)


RECIPES = {"predict_file": with_predict_file, "datasets.map": with_datasets, "Ray Data": with_ray,
           "Ray Data with its checkpoint": with_ray_and_checkpoint}


def write_input(folder):
    "Rows as a CSV file, and as 24 Parquet files for Ray Data, which answers and writes file by file"
    import pyarrow as pa
    from pyarrow import parquet

    rows = [(f"q{number}", "x" * (1 + number % 80)) for number in range(ROWS)]
    with open(folder / "rows.csv", "w", newline="") as file: csv.writer(file).writerows([("key", "text"), *rows])
    (folder / "rows").mkdir()
    for first in range(0, ROWS, BATCH):
        keys, texts = zip(*rows[first : first + BATCH], strict=True)
        parquet.write_table(pa.table({"key": keys, "text": texts}), folder / "rows" / f"{first:05}.parquet")


def keys_in(folder):
    "The ids in an output, whoever wrote it"
    from pyarrow import parquet

    if (folder / "out").is_dir():
        return [key for path in (folder / "out").glob("*.parquet") for key in parquet.read_table(path).column("key").to_pylist()]
    if not (folder / "out.csv").exists(): return []
    with open(folder / "out.csv", newline="") as file: return [row["key"] for row in csv.DictReader(file)]


def asked(folder):
    "How many rows were asked of the model in all runs"
    return sum(map(int, (folder / "log").read_text().split())) if (folder / "log").exists() else 0


def run(name, folder, after=None, since=False):
    "Run a recipe in a process of its own: whether it was killed"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["startup", "pandas", "pyarrow.parquet", "datasets", "slm_overview.bulk.answers",
                                    "slm_overview.bulk.job"])
    process, before = context.Process(target=RECIPES[name], args=(folder, str(folder / "log"))), asked(folder)
    process.start()
    if after is not None:
        while since and process.is_alive() and asked(folder) == before: time.sleep(0.005)
        process.join(after)
        process.kill()
    process.join()
    if process.exitcode not in (0, -9): raise SystemExit(f"{name} failed by itself")
    return process.exitcode == -9


def one_job(name, place, seconds, draw, kills):
    "Kill a recipe until it ends: what happened"
    folder, done = Path(place), 0
    write_input(folder)
    torn = 0
    while done < kills:
        late = "Ray" in name and draw.random() < 0.5
        if not run(name, folder, draw.uniform(0, ROWS / BATCH * SECONDS * 2 if late else seconds), late): break
        found, done = keys_in(folder), done + 1
        torn += 0 < len(found) != ROWS
    else: run(name, folder)  # that came to its end is not run again
    counted = Counter(keys_in(folder))
    return {"kills": done, "outputs that looked whole and were not": torn, "rows lost": ROWS - len(counted),
            "rows doubled": sum(counted.values()) - len(counted), "rows asked again": asked(folder) - ROWS}


def of_recipe(name, kills, seed):
    "What so many kills did to the jobs of a recipe"
    draw, total, jobs = random.Random(seed), Counter(), 0
    with tempfile.TemporaryDirectory() as place:
        write_input(Path(place))
        run(name, Path(place))  # imports, for the first time
    with tempfile.TemporaryDirectory() as place:
        write_input(Path(place))
        started = time.perf_counter()
        run(name, Path(place))
        seconds = time.perf_counter() - started
        if sorted(keys_in(Path(place))) != sorted(f"q{number}" for number in range(ROWS)): raise SystemExit(f"{name} is not right")
    while total["kills"] < kills:
        with tempfile.TemporaryDirectory() as place: total.update(one_job(name, place, seconds, draw, kills - total["kills"]))
        jobs += 1
        print(name, jobs, dict(total), flush=True)
    return {"jobs": jobs, **total, "seconds of a whole job": round(seconds, 2)}


def main():
    "Kill, count, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="of each recipe")
    parser.add_argument("--only", nargs="*", default=list(RECIPES), choices=list(RECIPES), help="which recipes")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--save", action="store_true", help="keep the result")
    options = parser.parse_args()
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {"recipes": {}}
    made = None
    if any("Ray" in name for name in options.only):
        import ray.data
        from ray.cluster_utils import Cluster

        os.environ["PYTHONPATH"] = f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
        os.environ["RAY_ADDRESS"] = made.address
    result |= {"machine": machine(), "rows": ROWS, "rows of a batch": BATCH, "seconds of a batch": SECONDS, "seed": options.seed}
    try:
        for name in options.only:
            libraries = {"predict_file": "slm_overview", "datasets.map": "datasets"}
            found = of_recipe(name, options.kills, options.seed) | {"versions": versions([libraries.get(name, "ray")])}
            result["recipes"][name] = found | {"date": datetime.now(UTC).isoformat(timespec="seconds")}
            if options.save: RESULT.write_text(json.dumps(result, indent=1) + "\n")
    finally:
        if made: ray.shutdown(), made.shutdown()
    print(json.dumps(result, indent=1))


if __name__ == "__main__": main()
