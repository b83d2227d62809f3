"""What kills do to a job over rows: rows lost, rows doubled, bytes that differ, rows computed twice.

Run with `python benchmarks/bulk_kills.py`; with `--save` the result goes to benchmarks/results/bulk_kills.json. It needs
`pip install 'slm_overview[bulk]'`, and works where processes can be killed with signal 9. With `--engine ray` blocks are answered by an
actor of Ray, on a cluster of three nodes on this machine; it needs `pip install 'slm_overview[ray]'`, and saves to
benchmarks/results/bulk_kills_ray.json after each job.

A job labels questions of bank customers with banking-tiny, in a process of its own that is killed at a moment that is drawn from the time
that a whole job takes. It is run again, and killed again, until it comes to its end before its moment; then its output is held against
that of a job that nobody killed. In half of the jobs each run writes another number of rows at once. Beside that, jobs are killed at each
of their steps with files, one after the other; there the model counts characters. Most of the time of a short job on Ray goes by before
an actor is ready, so half of its moments are drawn from the time after its first flush; and in place of steps, one of the nodes is taken
away while two actors work.
"""
import argparse
import csv
import json
import logging
import os
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from startup import machine, versions
from tqdm import tqdm

from slm_overview.bulk.job import predict_file
from slm_overview.bulk.parts import MANIFEST, folder_of, read_manifest
from slm_overview.testing.killed import run_job
from slm_overview.tuning.table import banking77

_PLACE = Path(__file__).parent / "results"
RESULTS = {"local": _PLACE / "bulk_kills.json", "ray": _PLACE / "bulk_kills_ray.json"}
ENDINGS = ("csv", "jsonl", "parquet")
ROWS, BLOCK, FLUSHES = 1500, 64, (64, 192, 512)  # rows of the input, of a block, and of the flushes that runs draw from
LATE = 0.3  # seconds: about what is left of a job on Ray after its first flush
BAD = {100: "", 700: "x" * 3000}  # rows without an answer


def write_input(folder):
    "A CSV file of questions with ids, two of which cannot be answered"
    questions = list(dict.fromkeys(banking77("train").texts))[:ROWS]
    for place, text in BAD.items(): questions[place] = text
    with open(folder / "rows.csv", "w", newline="") as file:
        csv.writer(file).writerows([("key", "text"), *((f"q{number}", text) for number, text in enumerate(questions))])
    return folder / "rows.csv"


def keys_of(path):
    "The ids in an output, in their order"
    if path.suffix == ".csv":
        with open(path, newline="") as file: return [row["key"] for row in csv.DictReader(file)]
    if path.suffix == ".jsonl": return [json.loads(line)["key"] for line in path.read_text().splitlines()]
    from pyarrow import parquet

    return parquet.read_table(path).column("key").to_pylist()


def asked_in(log):
    "How many texts were asked of the model, in all runs of a job"
    return sum(map(int, log.read_text().split())) if log.exists() else 0


def where(target, wanted):
    "How far a job was when it was killed"
    done = sum(part.rows for part in read_manifest(folder_of(target))[0]) if folder_of(target).exists() else 0
    if target.exists(): return "the whole file was there"
    if done == wanted: return "all rows were there"
    return "some rows were there" if done else "no row was there"


def moment(draw, seconds, target):
    "After how many seconds a run is killed, and since when they count: on Ray for half of the runs since its first flush"
    if "RAY_ADDRESS" not in os.environ or draw.random() < 0.5: return dict(after=draw.uniform(0, seconds))
    return dict(after=draw.uniform(0, LATE), since=folder_of(target) / MANIFEST)


def one_job(folder, number, job, seconds, draw, kills):
    "Kill a job until it ends: what happened"
    ending, other = ENDINGS[number % 3], number % 2 == 1
    target, log = folder / f"{number}.{ending}", folder / f"{number}.log"
    flush, flushes, moments = draw.choice(FLUSHES), [], []
    while True:
        flushes.append(draw.choice(FLUSHES) if other else flush)
        arguments = job | {"target": target, "flush_rows": flushes[-1]}
        if len(moments) == kills or run_job(arguments, **moment(draw, seconds, target), log=str(log)) != 9: break
        moments.append(where(target, ROWS))
    if run_job(arguments, log=str(log)): raise SystemExit(f"job {number} failed")
    right, keys = (folder / f"right.{ending}").read_bytes(), Counter(keys_of(target))
    twice = None if "RAY_ADDRESS" in os.environ else asked_in(log) - (ROWS - len(BAD))  # actors count nothing
    return {
        "format": ending, "other flushes": other, "kills": len(moments), "moments": moments,
        "lost": sum(f"q{one}" not in keys for one in range(ROWS)),
        "doubled": sum(count - 1 for count in keys.values()),
        "same bytes": target.read_bytes() == right, "rows computed twice": twice,
        "at most": sum(flushes[: len(moments)]),
    }


def at_steps(folder):
    "Kill a job at each of its steps with files: how many steps there are, and how many outputs differ"
    rows = folder / "few.csv"
    rows.write_text("key,text\n" + "".join(f"{number},{'x' * (number + 1)}\n" for number in range(20)))
    outputs, step = [], 0
    while True:
        target = folder / f"step-{step}.csv"
        job = dict(source=rows, target=target, model="banking-tiny", id_column="key", flush_rows=8)
        ended = run_job(job, step=step, lengths=True)
        if run_job(job, lengths=True): raise SystemExit(f"step {step} failed")
        outputs.append(target.read_bytes())
        if step and ended == 0: break
        step += 1
    return {"steps": step - 1, "outputs that differ": sum(one != outputs[0] for one in outputs)}


@contextmanager
def cluster():
    "A cluster of Ray on this machine, of three nodes: one that keeps the books, and two with an actor's cores each"
    import ray
    import torch
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [made.add_node(num_cpus=torch.get_num_threads()) for _ in range(2)]
    os.environ["RAY_ADDRESS"] = made.address
    try: yield made, nodes
    finally:
        ray.shutdown()
        made.shutdown()


def lose_a_node(folder, job, made, nodes):
    "Take a node away while two actors work: what became of the job"
    import ray

    ray.init(address=made.address, log_to_driver=False, logging_level=logging.ERROR)
    target, lost = folder / "node.csv", []
    def take():
        "Take the first node away once some rows are there"
        while not (folder_of(target) / MANIFEST).exists(): time.sleep(0.01)
        lost.append(sum(part.rows for part in read_manifest(folder_of(target))[0]))
        made.remove_node(nodes[0], allow_graceful=False)
    watcher = threading.Thread(target=take, daemon=True)
    watcher.start()
    predict_file(**job | {"target": target, "actors": 2, "flush_rows": 128})
    watcher.join()
    predict_file(**job | {"target": folder / "here.csv", "engine": "local"})  # this process was not forked off, and has all its threads
    until = time.monotonic() + 60
    while all(node["Alive"] for node in ray.nodes()) and time.monotonic() < until: time.sleep(0.5)  # which Ray may note after the job's end
    return {"nodes": len(ray.nodes()), "nodes left": sum(node["Alive"] for node in ray.nodes()), "rows written when it was lost": lost[0],
            "same bytes": target.read_bytes() == (folder / "here.csv").read_bytes()}


def by_kind(jobs):
    "Kills, and what they did, by format and by whether flushes changed from run to run"
    found = {}
    for job in jobs:
        sums = found.setdefault(f"{job['format']}, {'other' if job['other flushes'] else 'same'} flushes", Counter())
        sums.update({name: job[name] for name in ("kills", "lost", "doubled")} | {"outputs that differ": not job["same bytes"]})
    return {kind: dict(sums) for kind, sums in sorted(found.items())}


def summary(jobs, typical, seed):
    "What happened to all jobs"
    twice = [(one["rows computed twice"], one["at most"]) for one in jobs if one["rows computed twice"] is not None]
    counted = {"rows computed twice": sum(rows for rows, _ in twice),
               "jobs that computed more than a flush for each kill twice": sum(rows > most for rows, most in twice)}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(),
        "versions": versions(["torch", "transformers", "pyarrow", *(["ray"] if "RAY_ADDRESS" in os.environ else [])]),
        "rows": ROWS, "block_rows": BLOCK, "flush_rows": FLUSHES, "seconds of a whole job": round(typical, 2), "seed": seed,
        "kills": sum(one["kills"] for one in jobs), "jobs": len(jobs), "most kills of a job": max(one["kills"] for one in jobs),
        "moments": dict(Counter(moment for one in jobs for moment in one["moments"])),
        "lost": sum(one["lost"] for one in jobs), "doubled": sum(one["doubled"] for one in jobs),
        "outputs that differ": sum(not one["same bytes"] for one in jobs),
        **(counted if twice else {}),
        "by kind": by_kind(jobs),
    }


def right_outputs(folder, job):
    "Run a job in each format, which nobody kills, in this machine alone: the usual seconds of one"
    seconds = []
    for ending in (*ENDINGS, *ENDINGS):  # the first job also imports
        started = time.perf_counter()
        (folder / f"right.{ending}").unlink(missing_ok=True)
        again = folder / f"right.{ending}.parts"
        if again.exists(): again.rename(folder / f"{ending}.before")
        if run_job(job | {"target": folder / f"right.{ending}", "flush_rows": 256}): raise SystemExit("the job failed")
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:])


def on_ray(folder, job):
    "The usual seconds of a job on Ray"
    started = time.perf_counter()
    if run_job(job | {"target": folder / "first.csv", "flush_rows": 256}): raise SystemExit("the job failed")
    return time.perf_counter() - started


def main():
    "Kill, compare, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="how many runs are killed")
    parser.add_argument("--engine", choices=list(RESULTS), default="local", help="who answers")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--save", action="store_true", help="keep the result")
    options = parser.parse_args()
    ray = options.engine == "ray"
    draw, jobs = random.Random(options.seed), []
    def keep(result):
        if options.save: RESULTS[options.engine].write_text(json.dumps(result, indent=1) + "\n")
    with tempfile.TemporaryDirectory() as place, tqdm(total=options.kills, unit="kill") as bar, cluster() if ray else nullcontext() as made:
        folder = Path(place)
        job = dict(source=write_input(folder), model="banking-tiny", id_column="key", block_rows=BLOCK, most_characters=1000)
        typical = right_outputs(folder, job)
        if ray:
            job |= {"engine": "ray"}
            typical = on_ray(folder, job)
            more = {"a node lost": lose_a_node(folder, job, *made)}
            made[0].add_node(num_cpus=2)  # in place of the one that was lost
        while (left := options.kills - sum(one["kills"] for one in jobs)) > 0:
            jobs.append(one_job(folder, len(jobs), job, typical, draw, left))
            bar.update(jobs[-1]["kills"])
            if ray: keep(summary(jobs, typical, options.seed) | more)
        if not ray: more = {"at each step with files": at_steps(folder)}
    result = summary(jobs, typical, options.seed) | more
    print(json.dumps(result, indent=1))
    keep(result)


if __name__ == "__main__": main()
