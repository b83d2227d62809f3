"What people do with the interactive pages, exhaustively: every filter, column, precision and key; tools/browser.py runs these checks."
import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from unittest import mock
from urllib.parse import unquote

from nbdev.config import get_config

from browsing import (
    DESKTOP,
    FORM,
    IDS_GIVEN_TWICE,
    PHONE,
    SEARCH_BOX,
    SEARCH_EMPTY,
    SEARCH_RESULT,
    TABLE,
    addresses,
    browser,
    need,
    open_search,
    opened,
    read_page,
    settled,
    slugs_shown,
    too_wide,
)

from slm_overview.catalog.models import Catalog
from slm_overview.errors import SlmError
from slm_overview.sizing.choose import PRECISIONS, choose
from slm_overview.sizing.size import size

COMPARISON, CHOOSER = "overview/comparison.html", "overview/chooser.html"
FILTERS = ("kind", "licence", "commercial_use", "task", "max_parameters")
# A stop of the Tab key: its number, a name for it, whether a ring or a shadow shows it, and whether it is in the window
STOP = """() => {
  const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
  const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
  e.dataset.stop ??= String(window.stops = (window.stops ?? 0) + 1);
  const text = (e.getAttribute("aria-label") || e.name || e.textContent || "").trim().slice(0, 30);
  const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  return { number: Number(e.dataset.stop), what: `${e.tagName.toLowerCase()} ${text}`, body: e === document.body, inside,
           ring: ring || s.boxShadow !== "none" };
}"""
STOPS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter(e => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true })).length"""
# Blocks of text inside of main that lie on each other, where neither is clipped by a box that scrolls
OVERLAPS = """() => {
  const seen = e => {
    const { left, top, right, bottom } = e.getBoundingClientRect(), box = { left, top, right, bottom };
    for (let outer = e.parentElement; outer; outer = outer.parentElement) {
      if (getComputedStyle(outer).overflowX === "visible") continue;
      const clip = outer.getBoundingClientRect();
      if (outer === document.documentElement || outer === document.body) continue;
      box.left = Math.max(box.left, clip.left); box.right = Math.min(box.right, clip.right);
      box.top = Math.max(box.top, clip.top); box.bottom = Math.min(box.bottom, clip.bottom);
    }
    return box;
  };
  const every = [...document.querySelectorAll("main :is(h1, h2, h3, p, pre, table, ul, ol, dl, form, details, figure, img)")];
  const blocks = every.filter(e => e.checkVisibility()).map(e => [e, seen(e)])
    .filter(([, box]) => box.right - box.left > 1 && box.bottom > box.top);
  const found = [], name = e => `${e.tagName} ${e.textContent.trim().slice(0, 30)}`;
  blocks.forEach(([a, one], i) => blocks.slice(i + 1).forEach(([b, other]) => {
    if (a.contains(b) || b.contains(a)) return;
    const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (wide > 2 && high > 2) found.push(`${name(a)} | ${name(b)}`);
  }));
  return found;
}"""


def cells_shown(page, also=()):
    "What is shown, and columns that are `also` wanted: for each row the exact values by column"
    script = """(rows, also) => rows.map(row => Object.fromEntries([...row.cells]
        .filter(cell => !cell.hidden || also.includes(cell.dataset.key)).map(cell => [cell.dataset.key, cell.dataset.value])))"""
    return page.eval_on_selector_all(f"{TABLE} tbody tr:not([hidden])", script, list(also))


def going_along(page):
    "The columns that are downloaded with those that are shown, also where they are hidden"
    heads = page.eval_on_selector_all(f"{TABLE} thead th:not([hidden])[data-along]", "heads => heads.map(head => head.dataset.along)")
    return {key for along in heads for key in along.split()}


# ---- the table

def kept_by(model, name, value):
    "Whether a model of the catalogue passes a filter of the table"
    if name == "max_parameters": return model.parameters <= float(value)
    if name == "task": return value in model.record.tasks
    return str(getattr(model, name)) == value


def choices(page, name):
    "What a filter offers"
    script = "options => options.map(option => option.value).filter(Boolean)"
    return page.eval_on_selector_all(f"{FORM} [name={name}] option", script)


def every_filter(site, folder):
    "Each choice of each filter leaves the models that the catalogue says, alone and together with another, and counts them"
    with opened(site, COMPARISON) as page:
        models = [model for model in Catalog.load() if model.slug in slugs_shown(page)]
        offered = {name: choices(page, name) for name in FILTERS}
        need(all(offered.values()), f"a filter offers nothing: {offered}")
        for name, values in offered.items():
            for value in values: expect(page, models, {name: value})
        rest = {"commercial_use": "yes", "max_parameters": offered["max_parameters"][1]}
        for value in offered["kind"]: expect(page, models, {"kind": value, **rest})


def expect(page, models, chosen):
    "Choose in the filters, and compare with the catalogue what is left"
    for name in FILTERS: page.select_option(f"{FORM} [name={name}]", chosen.get(name, ""))
    wanted = {model.slug for model in models if all(kept_by(model, *one) for one in chosen.items())}
    shown, count = set(slugs_shown(page)), page.inner_text(f"{FORM} .count")
    need(shown == wanted, f"{chosen} shows {sorted(shown ^ wanted)} or leaves them out, and should not")
    need(count == f"{len(wanted)} of {len(models)} models" if wanted else "No model" in count, f"{chosen}: the count is {count!r}")
    need(all(f"{name}={value}" in unquote(page.url) for name, value in chosen.items()), f"{chosen} is not in {page.url}")


def in_order(values, number):
    "Whether values of a column are in ascending order, those that are missing last"
    there = [value for value in values if value != ""]
    if values != there + [""] * (len(values) - len(there)): return False
    if number: return [*map(float, there)] == sorted(map(float, there))
    return all(natural(one) <= natural(other) for one, other in zip(there, there[1:], strict=False))


def natural(text):
    "A key that puts numbers in a text into their order, and letters and digits alone"
    return [(1, int(part), "") if part.isdigit() else (2, 0, part) for part in re.findall(r"\d+|[^\W\d_]+", text.casefold())]


PLAIN = ("released", "kind", "licence", "commercial_use")  # columns of text in which the order of letters and digits is all there is


def every_column(site, folder):
    "Each heading sorts its column in both directions, what is missing last, and says so to those who listen"
    with opened(site, COMPARISON) as page:
        page.click(".columns summary")
        for box in page.query_selector_all('.columns [name="column"]'): box.check()
        heads = page.eval_on_selector_all(f"{TABLE} thead th", "heads => heads.map(head => [head.dataset.key, head.dataset.type])")
        for key, kind in heads:
            head = f'{TABLE} th[data-key="{key}"]'
            for direction in ("ascending", "descending"):
                page.eval_on_selector(f"{head} button", "button => button.click()")
                need(page.get_attribute(head, "aria-sort") == direction, f"{key} does not say that it is {direction}")
                values = [row[key] for row in cells_shown(page)]
                if kind != "number" and key not in PLAIN: continue  # long texts: in the order of the browser
                there = [value for value in values if value != ""]
                if direction == "descending": values = there[::-1] + values[len(there):]
                need(in_order(values, kind == "number"), f"{key} is not {direction}: {values}")
            need(page.locator(f"{TABLE} th[aria-sort]").count() == 1, "more than one column says that it is sorted")


def every_cell_downloads(site, folder):
    "CSV and JSON are what is shown, cell by cell, after filters, a sort and another choice of columns"
    with opened(site, f"{COMPARISON}?commercial_use=yes&sort=-released", accept_downloads=True) as page:
        page.click(".columns summary")
        page.check('.columns [value="languages"]')
        page.uncheck('.columns [value="licence"]')
        shown, texts = cells_shown(page), {}
        along = going_along(page)
        whole = cells_shown(page, along)
        for kind in ("csv", "json"):
            with page.expect_download() as waiting: page.click(f"{FORM} [name={kind}]")
            need(waiting.value.suggested_filename.endswith(f".{kind}"), f"the file is called {waiting.value.suggested_filename}")
            texts[kind] = Path(waiting.value.path()).read_bytes().decode("utf-8")
        page.reload()
        need(cells_shown(page) == shown, "the address does not restore rows, order and columns")
    need(shown and "languages" in shown[0] and "licence" not in shown[0], "the choice of columns does not hold")
    need("measured_in" in along and "measured_in" not in shown[0], f"the columns that go along are {along}")
    need([*csv.DictReader(io.StringIO(texts["csv"], newline=""))] == whole, "the CSV is not what is shown")
    told = [{key: "" if value is None else str(value) for key, value in row.items()} for row in json.loads(texts["json"])]
    need(told == whole, "the JSON is not what is shown")


# ---- the chooser

def unprobed():
    "A context in which `choose` does not know what was measured on this machine, which the page cannot know either"
    return mock.patch("slm_overview.sizing.choose.machine", lambda: SimpleNamespace(probe=None, fingerprint=""))


def sizes_in(precision, **need_of_text):
    "The models that only their size can exclude, with it in one precision, and None where no engine can"
    with unprobed(): rest = choose(memory=10**18, **need_of_text).fits
    for one in rest:
        try: yield one.name, size(one.name, context=need_of_text["context"], **PRECISIONS[precision])
        except SlmError: yield one.name, None


def each_precision(site, folder):
    "Asked for one precision, the chooser shows the models that fit in it, to the byte"
    with browser() as context:
        page = context.new_page()
        gigabyte = 10**9
        asked = {"float32": (2 * gigabyte, 512), "bfloat16": (4 * gigabyte, 2048), "int8": (3 * gigabyte, 4096), "Q4_K_M": (gigabyte, 1024)}
        for precision, (memory, tokens) in asked.items():
            page.goto(f"{site}{CHOOSER}?memory={memory}&context={tokens}&precision={precision}")
            page.wait_for_selector("details.rejected", state="attached")
            found = dict(sizes_in(precision, context=tokens))
            wanted = {name: str(one.required) for name, one in found.items() if one and one.required <= memory}
            script = """rows => Object.fromEntries(rows.map(row => [row.dataset.slug, ["precision", "required"]
                .map(key => row.querySelector(`[data-key="${key}"]`).dataset.value)]))"""
            shown = page.eval_on_selector_all("#chosen tbody tr", script)
            need(shown == {name: [precision, value] for name, value in wanted.items()}, f"{precision}: {shown}, not {wanted}")
            for name, one in found.items():
                if one: continue
                text = page.text_content(f'details.rejected li[data-slug="{name}"]')
                need(f"not in {precision}" in text, f"{precision}: the reason for {name} is {text!r}")


def controls(site, folder):
    "Each control of the chooser changes the answer and the address, the address restores it, and broken data is said"
    with opened(site, CHOOSER) as page:
        page.wait_for_selector("#chosen")
        data = json.loads((folder / "chooser.json").read_text(encoding="utf-8"))
        page.focus("[name=memory]")
        page.keyboard.press("End")
        for name, value in {"task": "code", "commercial_use": "yes", "language": "en", "precision": "Q4_K_M"}.items():
            page.select_option(f"#chooser [name={name}]", value)
            need(f"{name}={value}" in page.url, f"{name} is not in the address: {page.url}")
        shown, told = slugs_shown(page, "#chosen"), page.inner_text("#chooser .count")
        need(f"memory={data['memories'][-1]}" in page.url and told.startswith(f"{len(shown)} of "), f"the count is {told!r}")
        state = "#chooser form", "form => [...new FormData(form)].map(String)"
        before = page.eval_on_selector(*state)
        need(page.get_attribute("#chooser .count", "aria-live") == "polite", "the count is not read out")
        page.reload()
        page.wait_for_selector("#chosen")
        after = page.eval_on_selector(*state)
        need(slugs_shown(page, "#chosen") == shown and before == after, f"the address does not restore {before}, but {after}")
        page.click("#chooser .machines button")
        memory = page.get_attribute("#chooser .machines button", "data-bytes")
        need(f"memory={memory}" in page.url, "a common machine does not set the memory")
        page.goto(f"{site}{CHOOSER}?memory=abc&task=nothing&context=-1&precision=%3Cb%3E")
        page.wait_for_selector("details.rejected", state="attached")
        page.route("**/chooser.json", lambda route: route.abort())
        page.goto(f"{site}{CHOOSER}")
        page.wait_for_selector("#chooser [role=alert]")


# ---- the search

def search_leads_on(site, folder):
    "With the keyboard alone, a result of the search opens a page that has the word; a word that is nowhere is said to be"
    with opened(site, "index.html") as page:
        open_search(page)
        page.keyboard.type("grouped-query")
        first = page.locator(SEARCH_RESULT).first.and_(page.locator(":has-text('grouped-query')"))
        first.wait_for()  # what comes up for the first letters is replaced
        page.keyboard.press("ArrowDown")
        with page.expect_navigation(): page.keyboard.press("Enter")
        need("grouped-query" in page.text_content("main").casefold(), f"{page.url} does not have the word")
        page.goto(f"{site}index.html")
        open_search(page)
        page.fill(SEARCH_BOX, "qqzzxxjj")
        page.wait_for_selector(SEARCH_EMPTY)


# ---- the keyboard

def walk(page):
    "Press Tab from the top of a page until the focus is back there; says what is wrong"
    page.evaluate("() => { document.activeElement.blur(); getSelection().removeAllRanges(); }")
    last, problems, most = 0, [], page.evaluate(STOPS)
    for _ in range(most + 20):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["body"] or stop["number"] < last: break
        if stop["number"] == last: return [*problems, f"the focus is caught on {stop['what']}"]
        last = stop["number"]
        if not stop["ring"]: problems.append(f"no focus is to be seen on {stop['what']}")
        if not stop["inside"]: problems.append(f"{stop['what']} is out of sight")
    else: problems.append(f"the focus is caught: {most} places, and no end after {last}")
    if last < 0.8 * most: problems.append(f"Tab reaches {last} of {most} places")
    return problems


def tab_through(site, folder):
    "Tab goes through every place of a page of each kind, shows where it is, and comes out at the end"
    with browser() as context:
        for viewport, some in ((DESKTOP, ("index", "overview/chooser", "models/bert-tiny", "errors")), (PHONE, ("overview/chooser",))):
            for address in some:
                page = context.new_page()
                page.set_viewport_size(viewport)
                page.goto(f"{site}{address}.html")
                if address == CHOOSER.removesuffix(".html"): page.wait_for_selector("#chosen")
                settled(page)
                found = walk(page)
                need(not found, f"{address}: {len(found)} problems:\n" + "\n".join(found[:10]))
                page.close()


def keys(site, folder):
    "The link to the content, sorting with the space bar, columns, the theme, sections, and the menus of a phone work with keys"
    with opened(site, COMPARISON) as page:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        need(page.evaluate("document.activeElement.tagName") == "MAIN", "the skip link does not lead to the content")
        page.focus(f'{TABLE} th[data-key="parameters"] button')
        page.keyboard.press("Space")
        need(page.get_attribute(f'{TABLE} th[data-key="parameters"]', "aria-sort") == "ascending", "the space bar does not sort")
        page.focus(".columns summary")
        page.keyboard.press("Enter")
        page.focus('.columns [value="attention"]')
        page.keyboard.press("Space")
        need(page.is_visible(f'{TABLE} th[data-key="attention"]'), "the space bar does not choose a column")
        page.focus(".quarto-color-scheme-toggle")
        before = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.keyboard.press("Enter")
        settled(page)
        need(page.evaluate("getComputedStyle(document.body).backgroundColor") != before, "Enter does not change the theme")
        page.get_by_role("button", name="Tutorials", exact=True).press("Enter")
        page.wait_for_selector('#quarto-sidebar a[href$="getting-started.html"]', state="visible")
        page.set_viewport_size(PHONE)
        for button, menu in ((".navbar-toggler", "#navbarCollapse"), (".quarto-btn-toggle", "#quarto-sidebar")):
            page.focus(button)
            page.keyboard.press("Enter")
            page.wait_for_selector(f"{menu} a", state="visible")


# ---- without scripts, and what a parser sees

def nothing_overlaps(site, folder):
    "Without JavaScript no text lies on another, on a desktop and on a phone"
    with browser(java_script_enabled=False) as context:
        page = context.new_page()
        for viewport in (page.viewport_size, PHONE):
            page.set_viewport_size(viewport)
            for address in ("index", "overview/comparison", "overview/chooser", "models/phi-2", "overview/corrections"):
                page.goto(f"{site}{address}.html")
                found = page.evaluate(OVERLAPS)
                need(not found, f"{address}, {viewport['width']} pixels: " + "; ".join(found[:5]))
                wide = too_wide(page)
                need(wide <= 0, f"{address} is {wide} pixels too wide at {viewport['width']} without JavaScript")


def tables_fit(site, folder):
    "On a desktop no table of the pages of tables is cut, on a phone none that is made of records, and a date is on one line"
    cut = """() => [...document.querySelectorAll("main :is(.table-box, .cell-output-display, .sd-table)")]
        .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.querySelector("table")?.className)"""
    with browser() as context:
        page = context.new_page()
        for address in ("overview/comparison", "overview/corrections", "models/index", "overview/chooser"):
            page.goto(f"{site}{address}.html")
            if address == CHOOSER.removesuffix(".html"): page.wait_for_selector("#chosen")
            for viewport, names in ((DESKTOP, None), (PHONE, {"overview", "corrections", "chosen"})):
                page.set_viewport_size(viewport)
                settled(page)
                found = [kind for kind in page.evaluate(cut) if names is None or names & {*(kind or "").split()}]
                need(not found, f"{address} cuts {found} at {viewport['width']}")
                if names is None: need(not page.locator(".cut-note:visible").count(), f"{address} says that something is cut")
        page.goto(f"{site}models/phi-2.html")
        page.set_viewport_size(DESKTOP)
        settled(page)
        lines = page.eval_on_selector_all("table.sources td[data-whole]", "all => all.map(one => one.getClientRects()[0].width)")
        need(len(lines) > 5 and min(lines) > 60, f"the dates of sources are {lines} pixels wide")


def ids(site, folder):
    "No id is given twice on a page, so that each link to a place has one meaning"
    problems = []
    for address in addresses(folder):
        counts = Counter(read_page(folder / address).ids)
        twice = sorted(one for one, count in counts.items() if count > 1 and one not in IDS_GIVEN_TWICE)
        if twice: problems.append(f"{address}: {', '.join(twice[:8])}")
    need(not problems, "\n".join(problems[:20]))


def published(site, folder):
    "Whatever names the published site by its whole address (heads of pages, feed, site map, twins, llms.txt) names a file that is there"
    config = get_config()
    address, missing = re.compile(re.escape(config.doc_host + config.doc_baseurl) + r"/([^\s\"'<>)\]#?]*)"), set()
    for path in folder.rglob("*"):
        if path.suffix not in (".html", ".md", ".xml", ".txt") or "site_libs" in path.parts: continue
        for found in set(address.findall(path.read_text(encoding="utf-8"))):
            file = folder / unquote(found.rstrip(".,;:")) if found else folder
            if not (file / "index.html" if file.is_dir() else file).is_file(): missing.add(f"{path.relative_to(folder)}: {found}")
    need(not missing, f"{len(missing)} addresses lead nowhere:\n" + "\n".join(sorted(missing)[:30]))


CHECKS = (
    ids, published, every_filter, every_column, every_cell_downloads, each_precision, controls, search_leads_on, tab_through, keys,
    nothing_overlaps, tables_fit,
)
