"""What kills do to a job over rows: rows lost, rows doubled, bytes that differ, rows computed twice.

Run with `python benchmarks/bulk_kills.py`; with `--save` the result goes to benchmarks/results/bulk_kills.json. It needs
`pip install 'slm_overview[bulk]'`, and works where processes can be killed with signal 9.

A job labels questions of bank customers with banking-tiny, in a process of its own that is killed at a moment that is drawn from the time
that a whole job takes. It is run again, and killed again, until it comes to its end before its moment; then its output is held against
that of a job that nobody killed. In half of the jobs each run writes another number of rows at once. Beside that, jobs are killed at each
of their steps with files, one after the other; there the model counts characters.
"""
import argparse
import csv
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from startup import machine, versions
from tqdm import tqdm

from slm_overview.bulk.parts import folder_of, read_manifest
from slm_overview.testing.killed import run_job
from slm_overview.tuning.table import banking77

RESULT = Path(__file__).parent / "results" / "bulk_kills.json"
ENDINGS = ("csv", "jsonl", "parquet")
ROWS, BLOCK, FLUSHES = 1500, 64, (64, 192, 512)  # rows of the input, of a block, and of the flushes that runs draw from
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


def one_job(folder, number, job, seconds, draw, kills):
    "Kill a job until it ends: what happened"
    ending, other = ENDINGS[number % 3], number % 2 == 1
    target, log = folder / f"{number}.{ending}", folder / f"{number}.log"
    flush, flushes, moments = draw.choice(FLUSHES), [], []
    while True:
        flushes.append(draw.choice(FLUSHES) if other else flush)
        arguments = job | {"target": target, "flush_rows": flushes[-1]}
        if len(moments) == kills or run_job(arguments, draw.uniform(0, seconds), log=str(log)) != 9: break
        moments.append(where(target, ROWS))
    if run_job(arguments, log=str(log)): raise SystemExit(f"job {number} failed")
    right, keys = (folder / f"right.{ending}").read_bytes(), Counter(keys_of(target))
    twice = asked_in(log) - (ROWS - len(BAD))
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


def by_kind(jobs):
    "Kills, and what they did, by format and by whether flushes changed from run to run"
    found = {}
    for job in jobs:
        sums = found.setdefault(f"{job['format']}, {'other' if job['other flushes'] else 'same'} flushes", Counter())
        sums.update({name: job[name] for name in ("kills", "lost", "doubled")} | {"outputs that differ": not job["same bytes"]})
    return {kind: dict(sums) for kind, sums in sorted(found.items())}


def main():
    "Kill, compare, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="how many runs are killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--save", action="store_true", help="keep the result")
    options = parser.parse_args()
    draw, jobs = random.Random(options.seed), []
    with tempfile.TemporaryDirectory() as place, tqdm(total=options.kills, unit="kill") as bar:
        folder = Path(place)
        job = dict(source=write_input(folder), model="banking-tiny", id_column="key", block_rows=BLOCK, most_characters=1000)
        seconds = []
        for ending in (*ENDINGS, *ENDINGS):  # the first job also imports
            started = time.perf_counter()
            (folder / f"right.{ending}").unlink(missing_ok=True)
            again = folder / f"right.{ending}.parts"
            if again.exists(): again.rename(folder / f"{ending}.before")
            if run_job(job | {"target": folder / f"right.{ending}", "flush_rows": 256}): raise SystemExit("the job failed")
            seconds.append(time.perf_counter() - started)
        typical = statistics.median(seconds[1:])
        while (left := options.kills - sum(one["kills"] for one in jobs)) > 0:
            jobs.append(one_job(folder, len(jobs), job, typical, draw, left))
            bar.update(jobs[-1]["kills"])
        steps = at_steps(folder)
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(),
        "versions": versions(["torch", "transformers", "pyarrow"]),
        "rows": ROWS, "block_rows": BLOCK, "flush_rows": FLUSHES, "seconds of a whole job": round(typical, 2), "seed": options.seed,
        "kills": sum(one["kills"] for one in jobs), "jobs": len(jobs), "most kills of a job": max(one["kills"] for one in jobs),
        "moments": dict(Counter(moment for one in jobs for moment in one["moments"])),
        "lost": sum(one["lost"] for one in jobs), "doubled": sum(one["doubled"] for one in jobs),
        "outputs that differ": sum(not one["same bytes"] for one in jobs),
        "rows computed twice": sum(one["rows computed twice"] for one in jobs),
        "jobs that computed more than a flush for each kill twice": sum(one["rows computed twice"] > one["at most"] for one in jobs),
        "by kind": by_kind(jobs),
        "at each step with files": steps,
    }
    print(json.dumps(result, indent=1))
    if options.save: RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__": main()
