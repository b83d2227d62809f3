"""What starting costs: the import of the package, commands that need no model, and the catalogue, beside a bare interpreter.

Run with `python benchmarks/startup.py`; with `--save` the result goes to benchmarks/results/startup.json.
"""
import argparse
import importlib.metadata
import json
import platform
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
from tqdm import tqdm

PROGRAMS = {
    "bare interpreter": "pass",
    "import slm_overview": "import slm_overview",
    "slm --help": "import sys; sys.argv = ['slm', '--help']; from slm_overview.cli.main import main; main()",
    "slm list": "import sys; sys.argv = ['slm', 'list']; from slm_overview.cli.main import main; main()",
    "Catalog.load()": "from slm_overview.catalog.models import Catalog; Catalog.load()",
}


def milliseconds(program):
    "How long a Python process that runs a program takes, from start to end"
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return 1000 * (time.perf_counter() - started)


def measure(rounds):
    "Times of each program, in milliseconds: all of them once a round, so that a busy moment meets them all"
    for program in PROGRAMS.values(): milliseconds(program)  # fills the cache of the file system
    times = {name: [] for name in PROGRAMS}
    for _ in tqdm(range(rounds)):
        for name, program in PROGRAMS.items(): times[name].append(milliseconds(program))
    return times


def machine():
    "The machine, and how busy it was"
    named = (line.partition(":")[2].strip() for line in lines_of("/proc/cpuinfo") if line.startswith("model name"))
    return {
        "processor": next(named, platform.processor()), "cores": psutil.cpu_count(), "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(), "load_average": [round(load, 2) for load in psutil.getloadavg()],
    }


def versions(names):
    "The versions of the distributions of these names that are installed"
    found = {}
    for name in names:
        with suppress(importlib.metadata.PackageNotFoundError): found[name] = importlib.metadata.version(name)
    return found


def lines_of(path):
    "The lines of a file, none if it is not there"
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def summary(times):
    "Median and quartiles of each program, and the median of what each takes beyond the bare interpreter in the same round"
    bare = times["bare interpreter"]
    return {
        name: {
            "median_ms": round(statistics.median(taken), 1),
            "quartiles_ms": [round(cut, 1) for cut in statistics.quantiles(taken, n=4)],
            "over_bare_ms": round(statistics.median(mine - base for mine, base in zip(taken, bare, strict=True)), 1),
        }
        for name, taken in times.items()
    }


def main():
    "Measure, print, and save if asked"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="how often each program is started")
    parser.add_argument("--save", action="store_true", help="store the result in benchmarks/results")
    options = parser.parse_args()
    result = {"machine": machine(), "rounds": options.rounds, "programs": summary(measure(options.rounds))}
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if options.save:
        target = Path(__file__).parent / "results" / "startup.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__": main()
