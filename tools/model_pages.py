"Check that each model of the catalogue has a page, that all of these pages have one form, and that the newest come first in the sidebar."
import re
import sys

import nbformat
import yaml

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


def out_of_order(sidebar, catalog):
    "What is wrong with the sections of the sidebar that list models: each has those of its year, the newest first, and none is left out"
    found, last = [], None
    for section in sidebar:
        kind = re.fullmatch(r"Models (of|up to) (\d{4})", section["section"] if isinstance(section, dict) else "")
        if not kind: continue
        slugs, (until, year) = [page.removeprefix("models/").removesuffix(".ipynb") for page in section["contents"]], kind.groups()
        for slug in slugs:
            released = str(catalog[slug].released)
            fits = released[:4] == year or (until == "up to" and released[:4] < year)
            if not fits: yield f"{slug} of {released} is in {section['section']!r}"
            if last and released > last: yield f"{slug} of {released} comes after a model of {last}"
            last = released
        found += slugs
    for model in catalog:
        if found.count(model.slug) != 1: yield f"{model.slug} is {found.count(model.slug)} times in the sidebar"


def main():
    "Look, and say what was found"
    folder, catalog = ROOT / "nbs" / "models", Catalog.load()
    found = [f"{model.slug}: {one}" for model in catalog for one in problems(folder / f"{model.slug}.ipynb", model)]
    known = {model.slug for model in catalog} | {"index"}
    found += [f"{path.name}: no record has this name" for path in sorted(folder.glob("*.ipynb")) if path.stem not in known]
    sidebar = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"]
    found += out_of_order(sidebar, catalog)
    print("\n".join(found) or f"{len(catalog)} pages in one form.")
    return 1 if found else 0


if __name__ == "__main__": sys.exit(main())
