"""Check that each number in the prose of a page comes from somewhere: from a record, from the dossier, or from a cell of the page.

A number counts as traced if it occurs in an output or in the code of the page, in the record of the page's model, in that of a
model which the page links to, or in the dossier of general claims; also as a rounding of such a number (2.78 billion for
2,779,683,840). Numbers in code and in names (Phi-2, bfloat16) are not looked at.
"""
import argparse
import re
import sys
from functools import cache
from pathlib import Path

import nbformat

from environment import ROOT
from hygiene import text_of

DATA = ROOT / "slm_overview" / "data"
FOLDERS = ("models", "overview", "studies")  # pages in whose prose every number must be traced
NUMBER = re.compile(r"(?<![\w.,/-])\d[\d,]*(?:\.\d+)?")
UNSEEN = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|<[^>]+>|https?://\S+", re.DOTALL)
SCALES = (1, 10**3, 10**6, 10**9, 10**12)


def numbers(text):
    "The numbers of a text, without the commas between thousands"
    return {re.sub("[,_]", "", number) for number in re.findall(r"\d(?:[\d,_]*\d)?(?:\.\d+)?", text)}


@cache
def numbers_of(path):
    "The numbers of a file of data"
    return numbers(path.read_text(encoding="utf-8")) if path.exists() else set()


def is_rounding(number, known):
    "Whether a number is a rounding of one that is known: 2.78 of 2779683840, or 76 of 75.6"
    digits = len(number.partition(".")[2])
    for scale in SCALES:
        for one in known:
            value = float(one)
            if (scale == 1 or value >= scale / 10) and abs(round(value / scale, digits) - float(number)) < 10 ** -(digits + 2): return True
    return False


def known_to(path, notebook):
    "The numbers that a page may use"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [text_of(output) for cell in code for output in cell.outputs] + [cell.source for cell in code]
    linked = re.findall(r"\(([\w./-]*?)([\w.-]+)\.ipynb", "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))
    records = [DATA / "models" / f"{name}.yaml" for name in {path.stem, *(name for _, name in linked)}]
    sources = [DATA / "general.yaml", DATA / "references.bib", DATA / "licences.yaml", *records]
    return numbers("\n".join(outputs)).union(*(numbers_of(source) for source in sources))


def untraced(path):
    "The numbers of a page that come from nowhere, each with some words around it"
    notebook = nbformat.read(path, 4)
    known = known_to(path, notebook)
    for cell in notebook.cells:
        if cell.cell_type != "markdown": continue
        prose = UNSEEN.sub(" ", cell.source)
        for found in NUMBER.finditer(prose):
            number = found[0].rstrip(",").replace(",", "")
            if number not in known and not is_rounding(number, known):
                yield " ".join(prose[max(0, found.start() - 40) : found.end() + 20].split())


def pages():
    "The pages whose prose is looked at"
    return [path for folder in FOLDERS for path in sorted((ROOT / "nbs" / folder).glob("*.ipynb"))]


def main():
    "Look, and say what was found"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="pages; all that must be traced if none is named")
    found = [f"{path.name}: {words}" for path in parser.parse_args().notebooks or pages() for words in untraced(path)]
    print("\n".join(found) or "Every number of the prose is traced.")
    return 1 if found else 0


if __name__ == "__main__": sys.exit(main())
