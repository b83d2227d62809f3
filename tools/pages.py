"""Open every page of the built site in light and dark, on a desktop and a phone; the check `pages` of tools/browser.py.

A page that was seen without a problem is kept beside the fingerprint of what it shows: its head and its text, every sheet and script of
the site, and the code that looks. It is opened again when one of them changes, when its turn comes by lot, and with --fresh. A page of
each kind is opened in every run, with the frame that all pages have in common: in light and in dark, on a desktop and on a phone, and in
all four pairs of them when it changed.
"""
import ast
import json
import os
import random
import re
import tempfile
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path

from browsing import DESKTOP, PHONE, addresses, browser, need, show, too_wide, version, violations, watch
from environment import ROOT

SETTINGS = [(scheme, viewport) for scheme in ("light", "dark") for viewport in (DESKTOP, PHONE)]
MAIN = (
    "index", "overview/small-language-models", "overview/comparison", "overview/chooser", "overview/considerations",
    "overview/corrections", "models/phi-2", "models/index", "tutorials/getting-started", "core", "reference",
)  # a page of each kind
LEAST_SHARE = 0.85  # of a phone's width, for the text
COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that take most of axe's time
EACH = 6  # of the pages of models and modules, which are of one form each, every sixth has its colours and its navigation looked at
ALIKE = 3  # words of one colour in the code of a page that are looked at; there are thousands, and all of a class have its colour
LEAVE_OUT = """most => {
  const seen = new Map();
  for (const word of document.querySelectorAll("pre code span[class]")) {
    if (word.childElementCount) continue;
    seen.set(word.className, (seen.get(word.className) ?? 0) + 1);
    if (seen.get(word.className) > most) word.replaceWith(...word.childNodes);
  }
}"""  # makes plain code of further words, which has a colour of its own
PARTS = 12  # pieces of work with pages, so that neither core waits for the other at the end
SEEN = ROOT / "benchmarks" / "truths" / "pages-in-a-browser.json"
DRAWN = 4  # pages that are opened in each run though nothing changed


def plan(every):
    "For each page the settings to see it in, each with what axe looks at: rules and a part of the page, None for no axe"
    form = {"models": [], "modules": []}  # pages that are many, and alike
    for address in every:
        folder = Path(address).parent.as_posix()
        form.get("modules" if folder == "." or (ROOT / "slm_overview" / folder).is_dir() else folder, []).append(address)
    alike = {address for some in form.values() for number, address in enumerate(some) if number % EACH}
    whole, colours = ({}, None), ({"runOnly": {"type": "rule", "values": [*COLOURS, "target-size"]}}, None)
    for address in every:
        if is_main(address): looks = [whole, whole, colours, colours]
        elif address in alike: looks = [({"rules": {name: {"enabled": False} for name in COLOURS}}, "main"), None]
        else: looks = [whole, colours]
        yield address, list(zip(SETTINGS if len(looks) == 4 else (SETTINGS[0], SETTINGS[-1]), looks, strict=True))


def is_main(address):
    "Whether a page is opened in every run, and a picture of it is taken"
    return address.removesuffix(".html") in MAIN


# ---- what was seen before

def looking():
    "The code that looks at a page, without what does not change what it does"
    return [ast.unparse(ast.parse(Path(__file__).with_name(name).read_text(encoding="utf-8"))) for name in ("pages.py", "browsing.py")]


@cache
def common(folder):
    "A fingerprint of what all pages have in common: the sheets, scripts and fonts of the site, and the code that looks"
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".css", ".js", ".woff", ".woff2", ".svg") and path.is_file())
    parts = [*(path.relative_to(folder).as_posix().encode() + path.read_bytes() for path in files), *(code.encode() for code in looking())]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def fingerprint(folder, address, settings):
    "What tells a page, as it is looked at, from every other one: 16 hexadecimal digits"
    text = (folder / address).read_text(encoding="utf-8")
    own = re.findall(r"<head>.*?</head>|<main\b.*?</main>", text, flags=re.DOTALL)
    return sha256(json.dumps([common(folder), own, settings]).encode()).hexdigest()[:16]


def seen_before():
    "The fingerprints that pages had when they were seen without a problem, by address; none if everything is asked again"
    if os.environ.get("SLM_OVERVIEW_FRESH") or not SEEN.is_file(): return {}
    return json.loads(SEEN.read_text(encoding="utf-8"))["pages"]


def keep(folder):
    "Keep that every page was seen without a problem"
    pages = {address: fingerprint(folder, address, settings) for address, settings in plan(addresses(folder))}
    SEEN.write_text(json.dumps({"browser": version(), "pages": pages}, indent=1) + "\n", encoding="utf-8")


@cache
def chosen(folder, seed):
    "The pages to open, each with its settings: those that changed, those of each kind in two settings, and some by lot"
    every, kept, lot = list(plan(addresses(folder))), seen_before(), random.Random(seed)  # noqa: S311 - pages, no secrets
    known = {address for address, settings in every if kept.get(address) == fingerprint(folder, address, settings)}
    drawn = lot.sample(sorted(alike := {address for address in known if not is_main(address)}), min(DRAWN, len(alike)))
    return [
        (address, lot.choice((settings[::3], settings[1:3])) if address in known and is_main(address) else settings)
        for address, settings in every if address not in alike or address in drawn
    ]


def notices(site, folder):
    "A page counts as another one when its text, its head, a sheet or what is looked at changes, and not when the frame does"
    parts = {"page.html": "<head><title>One</title></head><nav>Frame</nav><main id='a'>Text</main>", "site.css": "p { color: red }"}
    def told(changes, settings=SETTINGS):
        "The fingerprint of a small page with some changes"
        with tempfile.TemporaryDirectory() as place:
            for name, text in (parts | changes).items(): (Path(place) / name).write_text(text, encoding="utf-8")
            return fingerprint(Path(place), "page.html", settings)
    def page(old, new): return {"page.html": parts["page.html"].replace(old, new)}
    same = told({})
    need(told({}) == same == told(page("Frame", "Other")), "the same page counts as another one")
    others = [told(page("Text", "Tex")), told(page("One", "Two")), told({"site.css": ""}), told({"more.js": ""}), told({}, SETTINGS[1:])]
    need(len({same, *others}) == 6, f"a change is not noticed: {[same, *others]}")


# ---- looking

def pictures(page, address, settings):
    "Pictures of a page that is open, to be looked at"
    for (scheme, viewport), _ in settings:
        show(page, scheme, viewport)
        name = f"{address.removesuffix('.html').replace('/', '_')}-{scheme}-{viewport['width']}.png"
        page.screenshot(path=ROOT / "_screenshots" / name)


def look_at(page, settings):
    "What is wrong with a page that is open, in light and dark, on a desktop and a phone"
    page.evaluate(LEAVE_OUT, ALIKE)
    for (scheme, viewport), looks in settings:
        show(page, scheme, viewport)
        wide = too_wide(page)
        if wide > 0: yield f"{scheme}, {viewport['width']} pixels: the page is {wide} pixels too wide"
        share = page.evaluate("document.querySelector('main').getBoundingClientRect().width / innerWidth")
        if viewport is PHONE and share < LEAST_SHARE: yield f"{scheme}, {viewport['width']} pixels: the text has {share:.0%} of the window"
        if looks is not None: yield from (f"{scheme}, {viewport['width']} pixels: {one}" for one in violations(page, *looks))


def look(site, some):
    "Open some pages, and say what is wrong with them"
    problems, found = [], []
    with browser() as context:
        page = context.new_page()
        watch(page, site, found)
        for address, settings in some:
            page.goto(f"{site}{address}", wait_until="load")
            if is_main(address): pictures(page, address, settings)
            found += look_at(page, settings)
            problems += [f"{address}: {one}" for one in found]
            found.clear()
    return problems


def pages(site, folder, only="*", seed=0, part=0, parts=1):
    "Every page opens without an error or a request elsewhere, fits a phone, and has no serious problem of accessibility"
    if only == "*": work = chosen(folder, seed)
    else: work = [one for one in plan(addresses(folder)) if fnmatch(one[0], only)]
    need(work, f"no page is called {only}")
    work = sorted(work, key=lambda one: (len(one[1]), (folder / one[0]).stat().st_size), reverse=True)[part::parts]
    print(f"  {len(work)} pages")
    found = look(site, work)
    need(not found, f"{len(found)} problems on {len(work)} pages:\n" + "\n".join(found[:60]))
