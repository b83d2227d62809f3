"Check that each model of the catalogue has a page, and that all of these pages have one form."
import sys

import nbformat

from environment import ROOT

from slm_overview.catalog.models import Catalog

SECTIONS = (
    "What it is", "How it is built", "Where it is strong, and where it fails", "What the licence asks", "Run it here",
    "What the overview said of it", "Choose it when", "Look elsewhere when", "Sources",
)
SHOWN = ("key_facts", "anatomy", "plot_memory", "memory", "measured_runs", "scores", "licence", "verdict_table", "not_found", "sources")


def problems(path, model):
    "What is missing on the page of a model, or out of order"
    if not path.exists():
        yield "there is no page"
        return
    cells = nbformat.read(path, 4).cells
    ours = model.record.overview is not None
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    titles = [line[3:].strip() for line in prose.splitlines() if line.startswith("## ")]
    wanted = [title for title in SECTIONS if ours or title != SECTIONS[5]]
    if titles != wanted: yield f"its sections are {titles}, not {wanted}"
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    called = [name for name in SHOWN if any(f"\n{name}(small_model)" in source for source in code)]
    if called != [name for name in SHOWN if ours or name != "verdict_table"]: yield f"it shows only {called}"
    if not any(f'Catalog.load()["{model.slug}"]' in source for source in code): yield "it is drawn from another record"
    if cells[0].source.splitlines()[0] != f"# {model.name}": yield f"its title is not the name, {model.name}"
    if not any("weights_here(" in source and "load_small_model(" in source for source in code): yield "it does not say how the model is run"


def main():
    "Look, and say what was found"
    folder, catalog = ROOT / "nbs" / "models", Catalog.load()
    found = [f"{model.slug}: {one}" for model in catalog for one in problems(folder / f"{model.slug}.ipynb", model)]
    known = {model.slug for model in catalog} | {"index"}
    found += [f"{path.name}: no record has this name" for path in sorted(folder.glob("*.ipynb")) if path.stem not in known]
    print("\n".join(found) or f"{len(catalog)} pages in one form.")
    return 1 if found else 0


if __name__ == "__main__": sys.exit(main())
