"""Open the built site in a real browser: every page, every link, the search, the table, the chooser, the keyboard, and accessibility.

Needs `python tools/site.py` first, and a Chromium or Chrome, which tools/environment.py installs where there is none. Words after the
options select checks by their names. Pictures of the main pages go to _screenshots.
"""
import argparse
import contextlib
import csv
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

from as_text import CHECKS as TEXT_CHECKS
from browsing import (
    DESKTOP,
    FORM,
    PHONE,
    SEARCH_BOX,
    SEARCH_RESULT,
    CheckFailed,
    addresses,
    browser,
    loads_elsewhere,
    need,
    open_search,
    opened,
    read_page,
    served,
    settled,
    slugs_shown,
    too_wide,
)
from environment import ROOT
from interaction import CHECKS as INTERACTIONS, cells_shown, going_along, unprobed
from pages import PARTS, keep, notices, pages
from quarto_like import quarto_traits

from slm_overview.catalog.models import Catalog, SmallModel
from slm_overview.catalog.records import Record
from slm_overview.site.data import catalogue_html
from slm_overview.site.write_up import anatomy, key_facts, licence, memory, not_found, plot_memory, scores, sources, verdict_table
from slm_overview.sizing.choose import PRECISIONS, choose
from slm_overview.sizing.size import format_bytes, size

MOST_BYTES = 300_000  # of the home page; its time is printed, and decides nothing
DOCS = ROOT / "_docs"


# ---- links, without a browser

def dead_links(folder):
    "Every link of the site to a page, a file or a place in a page that is not there"
    for address in addresses(folder):
        for target in set(read_page(folder / address).targets):
            parts = urlsplit(urljoin(f"https://here/{address}", target))
            if parts.netloc != "here" or parts.scheme != "https": continue
            path = folder / unquote(parts.path).lstrip("/")
            if path.is_dir(): path = path / "index.html"
            place = unquote(parts.fragment) if path.suffix == ".html" else ""
            if not path.is_file() or (place and place not in read_page(path).ids): yield f"{address}: {target}"


def links(site, folder):
    "Every link inside the site leads somewhere, and no page loads anything from another server"
    found, loads = sorted(dead_links(folder)), list(loads_elsewhere(folder))
    need(not found, f"{len(found)} links lead nowhere:\n" + "\n".join(found[:40]))
    need(not loads, f"{len(loads)} loads from another server:\n" + "\n".join(loads[:40]))


def images(site, folder):
    "Every picture has a text for those who do not see it"
    found = [f"{address}: {one}" for address in addresses(folder) for one in read_page(folder / address).unnamed]
    need(not found, "\n".join(found[:40]))


# ---- what people do

def search(site, folder):
    "The search finds a term, by pointer and by keyboard"
    with opened(site, "index.html") as page:
        open_search(page)
        page.fill(SEARCH_BOX, "grouped-query")
        page.wait_for_selector(SEARCH_RESULT)
        texts = page.locator(SEARCH_RESULT).all_inner_texts()
        need(any("grouped-query" in text.casefold() for text in texts), f"found: {texts[:3]}")


def values(page, key):
    "The exact values of a column, in the order that is shown"
    cells = f'#catalogue tbody tr:not([hidden]) [data-key="{key}"]'
    return page.eval_on_selector_all(cells, "cells => cells.map(cell => cell.dataset.value)")


def filters(site, folder):
    "The table is filtered and searched, and its address remembers it"
    with opened(site, "overview/comparison.html") as page:
        everything = slugs_shown(page)
        page.select_option(f"{FORM} [name=kind]", "encoder-only")
        left = slugs_shown(page)
        need(0 < len(left) < len(everything) and set(values(page, "kind")) == {"encoder-only"}, "the filter by kind does not hold")
        need("kind=encoder-only" in page.url, f"the address does not remember the filter: {page.url}")
        page.click(f"{FORM} [type=reset]")
        page.fill(f"{FORM} [name=q]", "qwen coder")
        need(slugs_shown(page) == ["qwen2.5-coder-1.5b"], f"the search shows {slugs_shown(page)}")
        page.fill(f"{FORM} [name=q]", "no such model")
        need("No model" in page.inner_text(".count"), "an empty table says nothing")
        page.click(f"{FORM} [type=reset]")
        need(slugs_shown(page) == everything, "the reset does not show everything")


def sorting(site, folder):
    "The table is sorted by numbers as numbers, and shows the columns that are chosen"
    with opened(site, "overview/comparison.html") as page:
        everything = slugs_shown(page)
        for wanted in (sorted, lambda numbers: sorted(numbers, reverse=True)):
            page.click('#catalogue th[data-key="parameters"] button')
            numbers = [int(value) for value in values(page, "parameters")]
            need(numbers == wanted(numbers) and len(numbers) == len(everything), "the parameters are not in order")
        page.click('#catalogue th[data-key="parameters"] button')
        need(slugs_shown(page) == everything, "the third press does not restore the order")
        page.click(".columns summary")
        page.check('.columns [value="attention"]')
        need(page.is_visible('#phi-2 [data-key="attention"]'), "a column that was chosen is not shown")


def deep_links(site, folder):
    "A row, and a state of the filters, can be linked to"
    with opened(site, "overview/comparison.html#phi-2") as page:
        need(page.is_visible("#phi-2.marked"), "the row is not marked")
        top = page.eval_on_selector("#phi-2", "row => row.getBoundingClientRect().top")
        need(0 < top < DESKTOP["height"], f"the row is at {top} pixels")
    with opened(site, "overview/comparison.html?licence=gemma&sort=-parameters") as page:
        numbers = [int(value) for value in values(page, "parameters")]
        need(set(values(page, "licence")) == {"gemma"}, "the address does not restore the filter")
        need(numbers == sorted(numbers, reverse=True), "the address does not restore the order")
    with opened(site, "overview/corrections.html#correction-3") as page:
        need(page.is_visible("#correction-3"), "the correction is not there")


def downloads(site, folder):
    "CSV and JSON hold the rows and columns that are shown, with exact values, and what belongs to them"
    with opened(site, "overview/comparison.html?kind=encoder-decoder", accept_downloads=True) as page:
        names, keys = slugs_shown(page), [*cells_shown(page, going_along(page))[0]]
        texts = {}
        for kind in ("csv", "json"):
            with page.expect_download() as waiting: page.click(f"[name={kind}]")
            texts[kind] = Path(waiting.value.path()).read_text(encoding="utf-8")
        numbers = values(page, "parameters")
    found = list(csv.DictReader(io.StringIO(texts["csv"])))
    need(list(found[0]) == keys and len(found) == len(names), f"the CSV has {list(found[0])}")
    need([row["parameters"] for row in found] == numbers, "the CSV has other numbers")
    need([str(row["parameters"]) for row in json.loads(texts["json"])] == numbers, "the JSON has other numbers")


def asked(draw, data):
    "A random question to the chooser"
    return {
        "memory": draw.choice(data["memories"]), "context": draw.choice(data["contexts"]),
        "task": draw.choice(["", *data["tasks"], *data["fine_tuned"]]),
        "commercial_use": draw.choice(["", "yes", "conditional"]), "language": draw.choice(["", "de", "en", "fr", "ar"]),
    }


def answer_of(page):
    "What the chooser shows: a dictionary for each row, in bytes"
    script = """rows => rows.map(row => Object.fromEntries([["slug", row.dataset.slug],
        ...[...row.querySelectorAll("td[data-key]")].map(cell => [cell.dataset.key, cell.dataset.value])]))"""
    return page.eval_on_selector_all("#chosen tbody tr", script)


def chooser(site, folder):
    "For 20 random questions the chooser gives the models of `choose`, with the bytes of `size`, and the reasons"
    seed = random.randrange(10**6)  # noqa: S311 - questions, no secrets
    draw, data = random.Random(seed), json.loads((folder / "chooser.json").read_text())  # noqa: S311
    print(f"  the questions are those of seed {seed}")
    with browser() as context:
        page = context.new_page()
        for _ in range(20):
            question = asked(draw, data)
            query = "&".join(f"{name}={value}" for name, value in question.items() if value != "")
            page.goto(f"{site}overview/chooser.html?{query}")
            page.wait_for_selector("details.rejected", state="attached")
            compare(page, question)


def compare(page, question):
    "The answer of the page and that of the package to one question"
    options = {name: value or None for name, value in question.items() if name in ("task", "context", "commercial_use")}
    with unprobed(): wanted = choose(memory=question["memory"], languages=question["language"] or (), **options)
    shown = answer_of(page)
    names = [one["slug"] for one in shown]
    need(names == [one.name for one in wanted.fits], f"{question}: {names}, not {[one.name for one in wanted.fits]}")
    for row in shown:
        exact = size(row["slug"], context=question["context"], **PRECISIONS[row["precision"]])
        parts = {name: str(getattr(exact, name)) for name in ("required", "weights", "vocabulary", "kv_cache", "activations")}
        need(all(row[name] == value for name, value in parts.items()), f"{question}: {row} is not {parts}")
    texts = page.eval_on_selector_all("details.rejected li", "items => items.map(item => [item.dataset.slug, item.textContent])")
    for slug, text in texts: need(text.endswith(f": {wanted.rejected[slug]}"), f"{question}: {text!r} is not {wanted.rejected[slug]!r}")
    need(len(texts) == len(wanted.rejected), f"{question}: {len(texts)} reasons")


def bytes_as_text(site, folder):
    "The page writes bytes as the package does, for numbers of every size"
    draw = random.Random(2)  # noqa: S311
    numbers = [draw.randrange(10 ** draw.randrange(1, 14)) for _ in range(2000)]
    numbers += [999, 1000, 99_950, 999_499, 999_500, 9_994_999_999, 9_995_000_000]
    with opened(site, "overview/chooser.html") as page:
        page.wait_for_selector("#chosen")
        cells = '#chosen [data-key="weights"], #chosen [data-key="kv_cache"]'
        shown = page.eval_on_selector_all(cells, "cells => cells.map(cell => [cell.dataset.value, cell.textContent])")
        source = (folder / "assets" / "chooser.js").read_text(encoding="utf-8")
        helpers = source[source.index("  const grouped"):source.index("  // ---- the rules")]
        texts = page.evaluate(f"numbers => {{ {helpers}; return numbers.map(formatBytes); }}", numbers)
    need(all(format_bytes(int(value)) == text for value, text in shown), f"one of {shown} is written in another way")
    wrong = [(number, text) for number, text in zip(numbers, texts, strict=True) if format_bytes(number) != text]
    need(not wrong, f"written in another way: {wrong[:5]}")


def focus_of(page):
    "What has the focus: its tag, name and whether a ring shows it"
    return page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
        return [e.tagName, e.name || e.className || e.id || "", s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0]; }""")


def keyboard(site, folder):
    "Everything can be reached and used with the keyboard, and shows where the focus is"
    with opened(site, "overview/comparison.html") as page:
        seen = []
        for _ in range(120):
            page.keyboard.press("Tab")
            seen.append(focus_of(page))
            if seen[-1][:2] == ["BUTTON", "reset"] or "csv" in seen[-1][1]: break
        names = [name for _, name, _ in seen]
        need("skip-link" in names[0], f"the first stop is {seen[0]}")
        need({"q", "kind", "licence", "max_parameters", "csv"} <= set(names), f"the keyboard reaches only {names}")
        dark = [stop for stop in seen if not stop[2]]
        need(not dark, f"no focus is to be seen on {dark[:4]}")
        page.focus('#catalogue th[data-key="released"] button')
        page.keyboard.press("Enter")
        need(page.get_attribute('#catalogue th[data-key="released"]', "aria-sort") == "ascending", "Enter does not sort")
    with opened(site, "overview/chooser.html") as page:
        page.wait_for_selector("#chosen")
        page.focus("[name=context]")
        before = page.get_attribute("[name=context]", "aria-valuetext")
        page.keyboard.press("ArrowRight")
        after = page.get_attribute("[name=context]", "aria-valuetext")
        tokens = after.split()[0].replace(",", "")
        need(before != after and f"context={tokens}" in page.url, f"the arrows move from {before} to {after}")


def without_scripts(site, folder):
    "Without JavaScript the pages read, and the tables are whole"
    with browser(java_script_enabled=False) as context:
        page = context.new_page()
        for address, rows in {"overview/comparison": 42 + 15, "index": 15, "models/phi-2": 20, "overview/chooser": 20}.items():
            page.goto(f"{site}{address}.html")
            found = page.locator("main table tbody tr").count()
            need(found >= rows, f"{address} has {found} rows")
            need(page.is_visible("main h1") and len(page.inner_text("main")) > 1500, f"{address} does not read")
        need("JavaScript" in page.inner_text("#chooser"), "the chooser does not say what is missing")


def home(site, folder):
    "The home page is light, and can be used"
    with browser() as context:
        page, requests = context.new_page(), []
        page.on("requestfinished", lambda request: requests.append(request))
        page.goto(f"{site}index.html", wait_until="networkidle")
        total = [request.sizes()["responseBodySize"] for request in requests]
        page.click('#catalogue th[data-key="parameters"] button')
    print(f"  {sum(total) / 1000:.0f} kB in {len(total)} requests")
    need(sum(total) < MOST_BYTES, f"the home page takes {sum(total):,} bytes")


def odd_record():
    "A record with markup, a script, a name without end, text from right to left, and nothing where something may be left out"
    model = Catalog.load()["phi-2"]
    raw = msgspec.to_builtins(model.record)
    raw["name"], raw["slug"] = "<script>alert(1)</script><img src=x onerror=alert(2)>" + "Name" * 60, "odd"
    raw["facts"]["developer"]["value"] = "שלום עולם <b onclick=alert(3)>bold</b> \"><svg onload=alert(4)>"
    raw["facts"]["attention"]["value"] = "word" * 100
    raw["facts"]["languages"]["value"] = {"codes": []}
    for name in ("paper", "overview"): raw.pop(name, None)
    raw["benchmarks"], raw["downloads"], raw["unverified"] = [], [], []
    return SmallModel(record=msgspec.convert(raw, Record, strict=False), terms=model.terms, count=model.count)


def odd_site(folder, target):
    "The site with two pages that show the odd record: its own page, and the table"
    shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns("notebooks", "cards"))
    odd = odd_record()
    shows = (key_facts, anatomy, memory, plot_memory, scores, licence, verdict_table, not_found, sources)
    own = "".join(show(odd)._repr_html_() for show in shows)
    for address, content in {"models/phi-2": own, "overview/comparison": catalogue_html(Catalog((odd,)), root="../")}.items():
        text = (folder / f"{address}.html").read_text(encoding="utf-8")
        start, end = text.index("</header>", text.index('id="title-block-header"')) + len("</header>"), text.rindex("</main>")
        (target / f"{address}.html").write_text(text[:start] + content + text[end:], encoding="utf-8")


def hostile(site, folder):
    "A record with markup, scripts, endless words and text from right to left is shown as text, and the layout holds"
    with tempfile.TemporaryDirectory() as place, browser() as context:
        odd_site(folder, Path(place) / "site")
        page, dialogs = context.new_page(), []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        with served(Path(place) / "site") as own:
            for address in ("models/phi-2", "overview/comparison"):
                for viewport in (DESKTOP, PHONE):
                    page.set_viewport_size(viewport)
                    page.goto(f"{own}{address}.html")
                    settled(page)
                    text = page.text_content("main")
                    need("<script>alert(1)</script>" in text and "שלום" in text, f"{address} does not show the texts as they are")
                    need("None" not in text and "nan" not in text.split() and "not published" in text, f"{address} shows what is not there")
                    wide = too_wide(page)
                    need(wide <= 0, f"{address} is {wide} pixels too wide at {viewport['width']}")
        need(not dialogs, f"a record ran a script: {dialogs}")


def theme(site, folder):
    "Dark and light follow the system, and the switch overrides it"
    with opened(site, "index.html", color_scheme="dark") as page:
        settled(page)
        script = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
        def brightness():
            "How bright the page is, from 0 to 765"
            return page.evaluate(script)
        need(brightness() < 200, "the page is not dark where the system is")
        page.click(".quarto-color-scheme-toggle")
        settled(page)
        need(brightness() > 600, "the switch does not make it light")


CHECKS = (
    links, images, notices, search, filters, sorting, deep_links, downloads, chooser, bytes_as_text, keyboard, without_scripts, hostile,
    home, theme, quarto_traits,
)


def attempt(check, *arguments):
    "Run a check in a process that has a browser; returns what it said, what failed, and how long it took"
    started, said = time.monotonic(), io.StringIO()
    try:
        with contextlib.redirect_stdout(said): check(*arguments)
    except Exception as error: failed = str(error) if isinstance(error, CheckFailed) else repr(error)
    else: failed = None
    return said.getvalue(), failed, time.monotonic() - started


def tasks(words, only):
    "The checks to run, each with its name and what it is given besides the site: those that take long first"
    parts, seed = PARTS if only == "*" else 1, random.randrange(10**6)  # noqa: S311 - which pages are opened, no secrets
    every = [(f"pages {part + 1} of {parts}" if parts > 1 else "pages", pages, (only, seed, part, parts)) for part in range(parts)]
    every += [(check.__name__, check, ()) for check in (*CHECKS, *TEXT_CHECKS, *INTERACTIONS)]
    return [task for task in every if not words or any(word in task[0] for word in words)]


def main():
    "Run the checks; returns 1 if one failed"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="run only checks with one of these words in their names")
    parser.add_argument("--folder", type=Path, default=DOCS, help="the site; _docs if not given")
    parser.add_argument("--pages", default="*", help="which pages the check `pages` opens, e.g. 'models/*'; all if not given")
    parser.add_argument("--keep", action="store_true", help="keep what was seen of the pages, if nothing is wrong; see tools/pages.py")
    options, failed = parser.parse_args(), []
    if options.keep and (options.words or options.pages != "*"): parser.error("--keep is for a whole run")
    # in a lane of tools/checks.py this would stay on one core, long after the other lanes have nothing left to do
    if hasattr(os, "sched_setaffinity"): os.sched_setaffinity(0, range(os.cpu_count()))
    (ROOT / "_screenshots").mkdir(exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        pool.submit(int).result()  # both processes are there before the server has threads
        with served(options.folder) as site:
            work = tasks(options.words, options.pages)
            running = {pool.submit(attempt, check, site, options.folder, *more): name for name, check, more in work}
            for done in as_completed(running):
                said, problem, seconds = done.result()
                outcome = f"FAILED  {running[done]}: {problem}" if problem is not None else f"passed  {running[done]} ({seconds:.1f} s)"
                if problem is not None: failed.append(outcome)
                print(f"{said}{outcome}", flush=True)
    if failed: print("\nWhat failed:", *failed, sep="\n")
    elif options.keep: keep(options.folder)
    return 1 if failed else 0


if __name__ == "__main__": sys.exit(main())
