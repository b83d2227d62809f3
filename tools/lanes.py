"""Run checks in lanes, one for each core: whatever a lane runs stays on its core.

Two programs with two threads each, on two cores, wait for each other more than they work. One program with one thread on each does not.
"""
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from environment import ROOT

MOST_LANES = 4


class CheckFailed(Exception):
    "What did not hold, for people"


def need(holds, message):
    "Raise `CheckFailed` unless something holds"
    if not holds: raise CheckFailed(message)


class Lane:
    "A core, and a process on it that runs notebooks one after the other, each in a kernel of its own"

    def __init__(self, core, fresh):
        self.core, self.fresh, self.server = core, fresh, None

    def enter(self):
        "Keep this thread, and all that it starts, on the core, where the system can do that"
        if self.core is not None: os.sched_setaffinity(0, {self.core})
        else: os.environ["OMP_NUM_THREADS"] = "1"

    def notebook(self, path):
        "One notebook runs from top to bottom without a network, and its stored outputs are those of this run"
        if self.server is None:
            command = [sys.executable, "tools/run_notebook.py", "--serve", *(["--fresh"] if self.fresh else [])]
            self.said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - what libraries print beside the notebooks
            self.server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True)
        answer = ""
        try:
            print(path, file=self.server.stdin, flush=True)
            answer = self.server.stdout.readline()
        except BrokenPipeError: pass
        if not answer:
            code, self.server = self.server.wait(), None
            self.said.seek(0)
            raise CheckFailed(f"the process that runs notebooks ended with {code}\n{self.said.read()[-4000:]}")
        need(not (found := json.loads(answer)), "\n".join(found))

    def leave(self):
        "End the process that runs notebooks"
        if self.server is None: return
        self.server.stdin.close()
        self.server.wait()


def attempt(name, check):
    "Run one check and say how it went; returns its name, what failed (None if nothing did), and how many seconds it took"
    started = time.monotonic()
    try: check()
    except (Exception, SystemExit) as error:
        failed = str(error) if isinstance(error, CheckFailed) else repr(error)
        print(f"FAILED  {name}\n{failed}\n", flush=True)
        return name, failed, time.monotonic() - started
    seconds = time.monotonic() - started
    print(f"passed  {name} ({seconds:.0f} s)", flush=True)
    return name, None, seconds


def work(lane, chains, results):
    "Take chains until there are no more, and run their steps; a step that is given the lane runs a notebook there"
    lane.enter()
    while True:
        try: chain = chains.get_nowait()
        except queue.Empty: return lane.leave()
        for name, check in chain.items(): results.append(attempt(name, partial(lane.notebook, check) if isinstance(check, Path) else check))


def run_in_lanes(chains, fresh):
    "The results of all steps of all chains"
    waiting, results = queue.SimpleQueue(), []
    for chain in chains: waiting.put(chain)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else [None] * (os.cpu_count() or 1)
    lanes = [threading.Thread(target=work, args=(Lane(core, fresh), waiting, results)) for core in cores[:MOST_LANES]]
    for lane in lanes: lane.start()
    for lane in lanes: lane.join()
    return results
