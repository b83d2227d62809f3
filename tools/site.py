"""Build the website into _docs, with Quarto where it is installed and with smalldocs otherwise.

With --changed, the site that is there is kept, and only pages whose notebooks are newer are made again, with smalldocs. That takes
seconds, and is meant for looking at a page while one writes it: the index of the search and the files of data stay as they were.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from nbdev.config import get_config
from nbdev.doclinks import _build_modidx
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs
from smalldocs.config import load
from smalldocs.layout import SiteNav, page as layout_page
from smalldocs.site import Site, build

from processed import mend_processed
from publish import publish

QUARTO_ONLY = {f"format.html.{key} is ignored" for key in ("respect-user-color-scheme", "html-table-processing")}  # by smalldocs
TEXT_FILES = {".ipynb", ".md", ".qmd", ".yml"}


def page_names(folder):
    "The names that Quarto gives to pages, where they differ from the notebook's: `00_core.ipynb` becomes `core`"
    names = {}
    for path in folder.rglob("*.ipynb"):
        stated = re.search(r'output-file: ([^\\"]+)\.html', path.read_text(encoding="utf-8"))
        if stated and stated[1] != path.stem: names[path] = stated[1] + ".ipynb"
    return names


def renamed(text, old, new, suffix):
    "A text whose links lead to a notebook under its new name; whatever else names the file means the file"
    if suffix == ".yml": return text.replace(old, new)
    return re.sub(rf"(\]\((?:[\w./-]*/)?){re.escape(old)}(?=[#)])", lambda link: link[1] + new, text)


def give_quarto_names(folder):
    "Rename notebooks to the names of their pages, which smalldocs does not read, and mend every link to them"
    names = page_names(folder)
    for path in [path for path in folder.rglob("*") if path.suffix in TEXT_FILES]:
        before = path.read_text(encoding="utf-8")
        after = re.sub(r'output-file: [^\\"]+\.html\\n', "", before)
        for old, new in names.items(): after = renamed(after, old.name, new, path.suffix)
        if after != before:
            times = path.stat()
            path.write_text(after, encoding="utf-8")
            os.utime(path, (times.st_atime, times.st_mtime))  # the time tells later which pages are old
        if path in names: path.rename(path.with_name(names[path]))


def process(changed):
    "Let nbdev process the notebooks: all of them, or those that changed; returns the folder with the result"
    refresh_quarto_yml()
    _build_modidx()
    processed = proc_nbs(force=not changed, n_workers=0)  # each worker would import again what all pages import
    mend_processed(processed, get_config().lib_path)
    return processed


def render_with_quarto(processed, docs):
    "Render as `nbdev_docs` does; returns what went wrong"
    done = subprocess.run(["quarto", "render", "--no-cache"], cwd=processed, check=False)
    if done.returncode: return [f"quarto ended with {done.returncode}"]
    shutil.rmtree(docs, ignore_errors=True)
    shutil.move(processed / docs.name, docs)
    return []


def working_copy(processed):
    "A copy whose pages have the names that Quarto gives them, and the times of their notebooks"
    working = processed.with_name("_proc_small")
    shutil.rmtree(working, ignore_errors=True)
    shutil.copytree(processed, working)
    give_quarto_names(working)
    return working


def render_with_smalldocs(processed, docs):
    "Render a working copy; returns the warnings"
    working = working_copy(processed)
    site = build(working, quiet=True)
    shutil.rmtree(docs, ignore_errors=True)
    shutil.move(working / docs.name, docs)
    return site.warnings


def render_changed(processed, docs):
    "Render the pages that are older than their processed notebooks; returns their addresses"
    working = working_copy(processed)
    site = Site(load(working), quiet=True)
    site.pages = {source: site.read(source) for source in site.discover()}
    nav = SiteNav(site)
    def is_old(page):
        "Whether a page was written before its notebook was processed"
        written = docs / page.out
        return not written.exists() or written.stat().st_mtime < (working / page.src).stat().st_mtime
    changed = [page for page in site.pages.values() if is_old(page)]
    for page in changed:
        site.render_page(page)
        (docs / page.out).write_text(layout_page(site, nav, page), encoding="utf-8")
    return {page.out.with_suffix("").as_posix() for page in changed}


def build_changed(docs):
    "Make the changed pages again, and say which"
    started = time.monotonic()
    processed = process(changed=True)
    changed = render_changed(processed, docs)
    publish(docs, processed, changed)
    print(f"made again: {', '.join(sorted(changed)) or 'nothing'} ({time.monotonic() - started:.1f} s)")
    return 0


def is_published(warning, docs):
    "Whether a warning is of a link to a file that only came into being after the pages were rendered"
    found = re.fullmatch(r"(\S+): broken link ([\w./-]+)", warning)
    return bool(found) and (docs / Path(found[1]).parent / found[2]).resolve().is_file()


def main():
    "Build, and say with what and how long it took"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changed", action="store_true", help="make only the pages again whose notebooks changed")
    config, quarto = get_config(), shutil.which("quarto")
    if parser.parse_args().changed and Path(config.doc_path).exists(): return build_changed(Path(config.doc_path))
    print("Building with Quarto" if quarto else "Quarto is not installed: building with smalldocs", flush=True)
    times = [time.monotonic()]
    processed = process(changed=False)
    times.append(time.monotonic())
    warnings = (render_with_quarto if quarto else render_with_smalldocs)(processed, Path(config.doc_path))
    times.append(time.monotonic())
    if not warnings or not quarto: publish(Path(config.doc_path), processed)
    warnings = [warning for warning in warnings if warning not in QUARTO_ONLY and not is_published(warning, Path(config.doc_path))]
    times.append(time.monotonic())
    steps = zip(("processed", "rendered", "published"), times, times[1:], strict=False)
    print(", ".join(f"{name} in {after - before:.1f} s" for name, before, after in steps))
    for warning in warnings: print("warning:", warning, file=sys.stderr)
    return 1 if warnings else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take a hundred notebooks' shells down, one by one, would take as long as the site
