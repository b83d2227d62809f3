"Run notebooks from top to bottom in fresh kernels, as the checks do, and store their outputs: all of them, or those that are named."
import argparse
import sys
from pathlib import Path

import nbformat

from network import block_network
from run_notebook import execute, is_skipped_whole, own_cache

ROOT = Path(__file__).resolve().parent.parent


def store(notebook, path):
    "Write a notebook in one go: who reads it meanwhile gets the old one or the new one"
    written = path.with_name(path.name + ".new")
    nbformat.write(notebook, written)
    written.replace(path)


def main():
    "Run and store"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks; all below nbs/ if none is named")
    paths = parser.parse_args().notebooks or sorted(path for path in (ROOT / "nbs").rglob("*.ipynb") if "checkpoint" not in path.name)
    print(f"the network is blocked by {block_network()}", flush=True)
    with own_cache():
        for path in paths:
            print(path, flush=True)
            if not is_skipped_whole(path): store(execute(nbformat.read(path, 4), path.resolve().parent), path)
    return 0


if __name__ == "__main__": sys.exit(main())
