"""Does a watch tell disturbed runs from quiet ones? Runs of ten seconds, quiet and beside neighbours that are started on purpose.

Run with `python benchmarks/disturbance.py`; with `--save` the result goes to benchmarks/results/disturbance.json. The machine must be idle
otherwise, which each run waits for; one that waits in vain is called `not idle` unless it has neighbours of its own. It takes ten minutes.

A run is a process of its own that multiplies 16 rows of numbers with eight matrices of 64 MB, over and over, in PyTorch with two threads:
the reading and arithmetic that a text of 16 tokens takes in a model of 135 million weights in float32. (For a single row PyTorch uses one
thread on the machine of the stored result, and one that is busy beside it costs little.) It is watched with
`slm_overview.measuring.disturbance.Watch` in the same process, and a reference is taken in the middle. Its speed is such products a second.

Neighbours are processes that the same parent starts before the run and ends after it: `one busy` and `two busy` compute in
Python, `memory` copies arrays that are larger than the caches, and `intermittent` computes for 0.3 to 1 second and sleeps twice as long.
In `unreported` the run itself starts two that copy, once the first reference is taken, so that their time counts as the run's own. So looks
a host that gives cores and memory to others and does not report it: no counter tells. It shows what the reference sees alone, and is not
among the kinds that have to be refused. The kinds take turns, and a quiet run comes before each that has neighbours.

What watching costs is the speed of the same work with and without a watch, in turns.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import msgspec
import psutil
from startup import machine, versions
from tqdm import tqdm

from slm_overview.measuring.disturbance import Disturbance, Watch
from slm_overview.sizing.machine import last_level_cache

RESULT = Path(__file__).parent / "results" / "disturbance.json"
SECONDS, THREADS = 10.0, 2  # of a run
TOKENS, MATRICES, SIDE = 16, 8, 4096  # of the work: rows, and matrices of SIDE × SIDE numbers
LEAD = 1.0  # seconds between the start of neighbours and that of a run
NEIGHBOURS = {"one busy": ["busy"], "two busy": ["busy"] * 2, "memory": ["memory"], "intermittent": ["intermittent"]}
UNREPORTED = "unreported"  # two that copy, and count as own
LIBRARIES = ("torch", "numpy", "psutil")


# ---- neighbours, each a process that works until it is ended

def busy(_): busy_until(float("inf"))  # without end


def busy_until(end):
    "Compute in Python until a moment"
    while time.monotonic() < end: sum(range(1000))


def intermittent(seed):
    "Compute for 0.3 to 1 second, and sleep for twice as long"
    chance = random.Random(seed)
    time.sleep(chance.uniform(0, 2))
    while True:
        burst = chance.uniform(0.3, 1.0)
        busy_until(time.monotonic() + burst)
        time.sleep(2 * burst)


def memory(_):
    "Copy an array that is larger than the caches"
    import numpy as np
    source = np.ones(max(4 * last_level_cache(), 256_000_000) // 8)
    target = np.empty_like(source)
    while True: np.copyto(target, source)


WORKS = {"busy": busy, "intermittent": intermittent, "memory": memory}


@contextmanager
def neighbour(name, seed):
    "A process beside the block"
    process = subprocess.Popen([sys.executable, __file__, "--neighbour", name, str(seed)], stdin=subprocess.PIPE)
    try: yield process
    finally:
        process.kill()
        process.wait()


def end_with_parent():
    "End this process when its parent is gone, which closes the pipe between them"
    sys.stdin.read()
    os._exit(0)


def be_neighbour(name, seed):
    "Work until ended"
    threading.Thread(target=end_with_parent, daemon=True).start()
    WORKS[name](int(seed))


# ---- runs

def make_work():
    "A call that does one product"
    import torch
    torch.set_num_threads(THREADS)
    rows = torch.ones(TOKENS, SIDE)
    matrices = [torch.full((SIDE, SIDE), 1 / SIDE) for _ in range(MATRICES)]

    def work():
        "The rows times each matrix"
        found = rows
        for matrix in matrices: found = torch.nn.functional.linear(found, matrix)
        return found
    with torch.inference_mode():
        for _ in range(5): work()
    return work


def series(work, seconds):
    "How long each call takes, in seconds, again and again"
    import torch
    times, end = [], time.perf_counter() + seconds
    with torch.inference_mode():
        while (started := time.perf_counter()) < end:
            work()
            times.append(time.perf_counter() - started)
    return times


def run(seconds, unreported):
    "A watched run in this process; neighbours that are not reported are children of it, and so count as its own"
    work, times = make_work(), []
    with Watch() as watch, ExitStack() as stack:
        for place in range(2 * unreported): stack.enter_context(neighbour("memory", place))
        if unreported: time.sleep(LEAD)
        for part in range(2):
            if part: watch.reference()
            times += series(work, seconds / 2)
    deciles = [round(1e3 * cut, 2) for cut in (min(times), *statistics.quantiles(times, n=10, method="inclusive"), max(times))]
    return {
        "per_second": round(len(times) / sum(times), 3), "call_ms_deciles": deciles, "looks": len(watch.looks),
        "look_seconds": round(watch.look_seconds, 5), "found": msgspec.to_builtins(watch.found),
    }


def cost(rounds, seconds):
    "Products a second of the same work with a watch and without, in turns"
    work, found = make_work(), {"without": [], "with": []}
    for number in range(2 * rounds):
        kind = ("without", "with")[(number + number // 2) % 2]
        with Watch() if kind == "with" else nullcontext(): times = series(work, seconds)
        found[kind].append(round(len(times) / sum(times), 3))
    return found


def idle(tries, most=0.1):
    "Wait until at most so many cores are busy for a second; how many were, None if that does not come"
    for _ in range(tries):
        before = psutil.cpu_times()
        time.sleep(1)
        after = psutil.cpu_times()
        working = sum(getattr(after, name, 0) - getattr(before, name, 0) for name in ("user", "nice", "system", "irq", "softirq"))
        if working <= most: return round(working, 3)
    return None


def in_own_process(*words):
    "What this program says when it is called with these words"
    done = subprocess.run([sys.executable, __file__, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def watched(kind, number, seconds, wait):
    "A run of a kind, beside its neighbours"
    before = idle(wait)
    words = ("--run", seconds, *(["--unreported"] if kind == UNREPORTED else []))
    with ExitStack() as stack:
        for place, name in enumerate(NEIGHBOURS.get(kind, [])): stack.enter_context(neighbour(name, 10 * number + place))
        if kind in NEIGHBOURS: time.sleep(LEAD)
        found = in_own_process(*words)
    return {"kind": "not idle" if kind == "quiet" and before is None else kind, "busy_before": before, **found}


def measure(rounds, seconds, wait, keep):
    "All runs, a round of all kinds after another; what there is is kept after each round"
    result = {
        "machine": machine(), "versions": versions(LIBRARIES), "seconds": seconds, "threads": THREADS,
        "work": f"{TOKENS} rows times {MATRICES} matrices of {SIDE} x {SIDE} float32",
        "cost": in_own_process("--cost", seconds / 4), "runs": [],
    }
    order = [kind for name in NEIGHBOURS for kind in ("quiet", name)] + [UNREPORTED]
    with tqdm(total=rounds * len(order)) as bar:
        for number in range(rounds):
            for kind in order:
                result["runs"].append(watched(kind, number, seconds, wait))
                bar.set_postfix_str(f"{kind}: {result['runs'][-1]['per_second']}/s")
                bar.update()
            keep(result | {"load_average_after": [round(load, 2) for load in os.getloadavg()]})


def save(result): RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def show(result):
    "Print each run in a line"
    for one in result["runs"]:
        found = msgspec.convert(one["found"], Disturbance)
        print(f"{one['kind']:14}{one['per_second']:8.2f}/s others {found.others:.3f} peak {found.others_peak:.3f} steal {found.steal:.4f} "
              f"peak {found.steal_peak:.4f} slower {found.slower[0]:.3f} {found.slower[1]:.3f}  {found.reasons or 'quiet'}")


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="runs of each kind of neighbour")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run")
    parser.add_argument("--wait", type=int, default=60, help="seconds for which each run waits until the machine is idle")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    parser.add_argument("--run", type=float, help=argparse.SUPPRESS)  # what the program calls itself with
    parser.add_argument("--unreported", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cost", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--neighbour", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.neighbour: be_neighbour(*options.neighbour)
    elif options.run: print(json.dumps(run(options.run, options.unreported)))
    elif options.cost: print(json.dumps(cost(10, options.cost)))
    else:
        kept = {}
        measure(options.rounds, options.seconds, options.wait, lambda result: (kept.update(result), options.save and save(result)))
        print(json.dumps(kept["cost"]))
        show(kept)


if __name__ == "__main__": main()
