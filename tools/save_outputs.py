"Run notebooks from top to bottom in fresh kernels and store their outputs: all of them, or those that are named."
import argparse
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent


def execute(path, folder=None, timeout=900):
    "A notebook after Run All in a fresh kernel, whose working directory is `folder` or the notebook's own"
    notebook = nbformat.read(path, 4)
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", record_timing=False, resources={"metadata": {"path": str(folder or path.parent)}}
    )
    return client.execute()


def joined(outputs):
    "The outputs of a cell without what went to stderr, with neighbouring pieces of what it printed as one"
    kept = []
    for output in outputs:
        if output.get("name") == "stderr": continue
        if kept and kept[-1].get("name") == output.get("name") == "stdout": kept[-1].text += output.text
        else: kept.append(output)
    return kept


def without_noise(notebook):
    "The same notebook without progress bars and notices of libraries, and with its text in one piece"
    for cell in notebook.cells:
        if cell.cell_type == "code": cell.outputs = joined(cell.outputs)
    return notebook


def main():
    "Run and store"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks; all below nbs/ if none is named")
    paths = parser.parse_args().notebooks or sorted(path for path in (ROOT / "nbs").rglob("*.ipynb") if "checkpoint" not in path.name)
    for path in paths:
        print(path, flush=True)
        nbformat.write(without_noise(execute(path.resolve())), path)
    return 0


if __name__ == "__main__": sys.exit(main())
