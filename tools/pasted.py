"Check that the code of a page for readers can be pasted, from its first cell on: each name in it is made by a cell that is shown."
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from environment import ROOT

FOLDERS = ("overview", "tutorials", "models")  # studies are drawn from the stored results of the repository, and modules have their tests
UNKNOWN = re.compile(r"^(.+?\.py):\d+:\d+: F821 (.+)$", re.MULTILINE)


def shown(source):
    "Whether a reader sees the code of a cell"
    return not re.search(r"^#\| *(?:hide\b|hide_input|echo: *false)", source, flags=re.MULTILINE)


def pasted(path):
    "The code that a page shows, in its order, without options for nbdev"
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code" and shown(cell.source)]
    return "\n\n".join(re.sub(r"^#\|.*$", "", source, flags=re.MULTILINE) for source in cells)


def unknown(codes):
    "The names that are used and never made, in code by its name"
    with tempfile.TemporaryDirectory() as folder:
        for name, code in codes.items(): (Path(folder) / f"{name}.py").write_text(code, encoding="utf-8")
        options = ("--isolated", "--no-cache", "--select", "F821", "--output-format", "concise")
        said = subprocess.run([sys.executable, "-m", "ruff", "check", *options, folder], capture_output=True, text=True).stdout
    return sorted({(Path(path).stem, name) for path, name in UNKNOWN.findall(said)})


def main():
    "Look, and say what was found"
    lost = unknown({"lost": "import math\nmath.pi + found", "whole": "found = 1\nprint(found)"})
    if lost != [("lost", "Undefined name `found`")]: sys.exit(f"a name that is not made is not found: {lost}")
    places = [ROOT / "nbs" / "index.ipynb", *(path for folder in FOLDERS for path in sorted((ROOT / "nbs" / folder).glob("*.ipynb")))]
    found = unknown({"-".join(path.relative_to(ROOT / "nbs").with_suffix("").parts): pasted(path) for path in places})
    print("\n".join(f"{page}: {problem}" for page, problem in found) or f"The code of {len(places)} pages can be pasted.")
    return 1 if found else 0


if __name__ == "__main__": sys.exit(main())
