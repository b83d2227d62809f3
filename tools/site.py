"Build the website into _docs, with Quarto where it is installed and with smalldocs otherwise."
import re
import shutil
import subprocess
import sys

from nbdev.config import get_config
from nbdev.doclinks import _build_modidx
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs
from smalldocs.site import build

TEXT_FILES = {".ipynb", ".md", ".qmd", ".yml"}


def page_names(folder):
    "The names that Quarto gives to pages, where they differ from the notebook's: `00_core.ipynb` becomes `core`"
    names = {}
    for path in folder.rglob("*.ipynb"):
        stated = re.search(r'output-file: ([^\\"]+)\.html', path.read_text(encoding="utf-8"))
        if stated and stated[1] != path.stem: names[path] = stated[1] + ".ipynb"
    return names


def give_quarto_names(folder):
    "Rename notebooks to the names of their pages, which smalldocs does not read, and mend every link to them"
    names = page_names(folder)
    for path in [path for path in folder.rglob("*") if path.suffix in TEXT_FILES]:
        before = path.read_text(encoding="utf-8")
        after = re.sub(r'output-file: [^\\"]+\.html\\n', "", before)
        for old, new in names.items(): after = after.replace(old.name, new)
        if after != before: path.write_text(after, encoding="utf-8")
        if path in names: path.rename(path.with_name(names[path]))


def build_with_smalldocs():
    "Process the notebooks with nbdev, and render the result; returns the warnings"
    config = get_config()
    refresh_quarto_yml()
    _build_modidx()
    working = config.config_path / "_proc_small"
    shutil.rmtree(working, ignore_errors=True)
    shutil.copytree(proc_nbs(force=True), working)
    give_quarto_names(working)
    site = build(working, quiet=True)
    shutil.rmtree(config.doc_path, ignore_errors=True)
    shutil.move(working / config.doc_path.name, config.doc_path)
    return site.warnings


def publish_data():
    "Put the catalogue and the schema of its records beside the pages, for programs and editors"
    config = get_config()
    for name in ("catalog.json", "record.schema.json"): shutil.copy(config.lib_path / "data" / name, config.doc_path / name)


def main():
    "Build, and say with what"
    if shutil.which("quarto"):
        print("Building with Quarto")
        code = subprocess.run(["nbdev_docs"], check=False).returncode
        if not code: publish_data()
        return code
    print("Quarto is not installed: building with smalldocs")
    warnings = build_with_smalldocs()
    publish_data()
    for warning in warnings: print("warning:", warning, file=sys.stderr)
    return 1 if warnings else 0


if __name__ == "__main__": sys.exit(main())
