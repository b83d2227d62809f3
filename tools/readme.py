"Write README.md from nbs/index.ipynb, with its stored outputs; with --check, only say whether they agree."
import argparse
import re
import sys
from itertools import groupby
from pathlib import Path

import nbformat
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "<!-- Made from nbs/index.ipynb by tools/readme.py. Do not edit. -->"


def output_text(output):
    "What an output says in plain text, empty for progress bars and library notices (stderr)"
    if output.output_type == "stream": return output.text if output.name == "stdout" else ""
    return output.get("data", {}).get("text/plain", "")


def is_table(output):
    "Whether an output is a table in Markdown, which needs no frame"
    return output.get("data", {}).get("text/markdown", "").startswith("|")


def outputs_of(cell):
    "What the outputs of a cell say"
    return "\n".join(filter(None, (output_text(output).rstrip() for output in cell.outputs)))


def code_of(cell):
    "The code of a cell without its options"
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("#|")).strip()


def code_blocks(cells):
    "Cells of code in a row as Markdown: those that print nothing are joined with the next"
    parts, lines = [], []
    for cell in cells:
        if cell.source.startswith("#| echo: false"):
            parts += [output.data["text/markdown"] for output in cell.outputs if is_table(output)]
            continue
        lines.append(code_of(cell))
        if outputs_of(cell) or cell is cells[-1]:
            parts.append("```python\n" + "\n\n".join(lines) + "\n```")
            if outputs_of(cell): parts.append("```text\n" + outputs_of(cell) + "\n```")
            lines = []
    return parts


def readme(notebook):
    "The README that a notebook makes"
    parts = [NOTICE]
    shown = [cell for cell in notebook.cells if not (cell.cell_type == "code" and cell.source.startswith("#| hide"))]
    for kind, group in groupby(shown, key=lambda cell: cell.cell_type):
        cells = list(group)
        parts += code_blocks(cells) if kind == "code" else [cell.source for cell in cells]
    return absolute("\n\n".join(parts)) + "\n"


def absolute(text):
    "The text with links to notebooks as links to the pages of the site, since a README is read in many places"
    config = get_config()
    def address(link):
        "The address of a page"
        return f"]({config.doc_host}{config.doc_baseurl}/{_nbpath2html(Path(link[1] + '.ipynb')).as_posix()}{link[2] or ''})"
    return re.sub(r"\]\(([\w./-]+)\.ipynb(#[\w-]+)?\)", address, text)


def main():
    "Write or check"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if README.md is out of date")
    check = parser.parse_args().check
    text, target = readme(nbformat.read(ROOT / "nbs" / "index.ipynb", 4)), ROOT / "README.md"
    if not check: target.write_text(text, encoding="utf-8")
    elif target.read_text(encoding="utf-8") != text: sys.exit("README.md does not match nbs/index.ipynb: run python tools/readme.py")


if __name__ == "__main__": main()
