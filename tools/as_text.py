"""What the built site must be as text, whatever a browser makes of it; checks of tools/browser.py that need no browser.

Those that look for a fault are tried on a small site that has it as well, so that one that finds nothing has looked.
"""
import posixpath
import re
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from browsing import addresses
from environment import ROOT
from hygiene import MACHINE_PATH
from lanes import need
from own_names import home_of, homes

TEXTS = {".html", ".md", ".json", ".xml", ".txt", ".bib", ".ipynb", ".js", ".css", ".svg"}
SYSTEM = {"/", "/usr", "/usr/local", "/root"}  # where Python may be, and which may be spoken of as such
NAME = re.compile(r'<a href="([^"#]*)#[^"]*"[^>]*><code[^>]*>([\w.]+)(?:\(\))?</code></a>')
SOURCE = re.compile(r'<a href="[^"]*/blob/[^/"]+/slm_overview/([\w/]+)\.py#L\d+"[^>]*>source</a>')
NOTEBOOK = re.compile(r"(?<![/\w])nbs/[\w/.-]+\.ipynb")
LINK_IN_CODE = re.compile(r"\[`[^`\n]+`\]\((?:https?://|[\w./-]+\.html)[^)\s]*\)")
EMPTY_SIGNATURE = re.compile(r"\b\w+:Annotated\b|\bobject at 0x[0-9a-f]{6,}")  # types and help left out, a place in the builder's memory
DASHED = re.compile(r"(?<![\w–])–[a-z][a-z-]+")  # an option whose two hyphens became one dash
BROKEN = re.compile(r"<td(?![^>]*\bdata-whole)[^>]*>(?:\d{4}-\d\d(?:-\d\d)?|[\d.,]+ [kMGT]?B)</td>")
TOUCHING = re.compile(r"</(?:td|th|caption)><(?:td|th|tr|thead|tbody)\b")


@cache
def own_places():
    "Where things are on the machine that builds: the project, the environment, what it was made of, and the home of who builds"
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    found = {ROOT, sys.prefix, sys.base_prefix, Path.home(), tempfile.gettempdir(), *libraries}
    return sorted({str(place).rstrip("/") for place in found} - SYSTEM - {""}, key=len, reverse=True)


def machine_paths(folder):
    "Each file of the site that names a folder of a machine, with what it names; compiled code and pictures are not read"
    for path in sorted(path for path in folder.rglob("*") if path.suffix in TEXTS and "site_libs" not in path.parts):
        text = path.read_text(encoding="utf-8")
        own = next((place for place in own_places() if f"{place}/" in text), None)
        found = own or ((one := MACHINE_PATH.search(text)) and one[0])
        if found: yield f"{path.relative_to(folder).as_posix()} names {found}"


def main_of(text):
    "The part of a page that is its own"
    return text[text.find("<main"):text.rfind("</main>")]


def names_astray(folder, address):
    "Names of the package on a page that lead to another thing of that name, and signatures whose source is another module's"
    page, text = address.removesuffix(".html"), main_of((folder / address).read_text(encoding="utf-8"))
    for href, name in NAME.findall(text):
        linked = posixpath.normpath(posixpath.join(posixpath.dirname(page), href)).removesuffix(".html") if href else page
        if linked in homes().get(name, {}) and home_of(name, page, linked) != linked: yield f"{address}: `{name}` leads to {linked}"
    module = page if (ROOT / "slm_overview" / f"{page}.py").is_file() else None
    for source in set(SOURCE.findall(text)) if module else ():
        if source != module: yield f"{address}: a signature has its source in {source}"


def run_together(folder, address):
    """What does not read: links that are not made, in code, cells with nothing between them, which a search takes for one word, options
    that nobody can type, and cells in which a browser may break a date or a size"""
    text = main_of((folder / address).read_text(encoding="utf-8"))
    for code in re.findall(r"<pre\b.*?</pre>", text, flags=re.DOTALL):
        plain = re.sub("<[^>]+>", "", code)
        if raw := LINK_IN_CODE.search(plain) or EMPTY_SIGNATURE.search(plain): yield f"{address}: in code stands {raw[0]}"
    for one in (*DASHED.findall(re.sub(r"<pre\b.*?</pre>|<[^>]+>", " ", text, flags=re.DOTALL)), *BROKEN.findall(text)):
        yield f"{address}: {one} is not as it is typed, or may be broken"
    if touching := TOUCHING.search(text): yield f"{address}: nothing stands between {text[touching.start() - 60:touching.end() + 20]!r}"


def not_there(folder, address):
    "Notebooks that a page or its twin names as files, and that are not there; words in capitals are for the reader to fill in"
    for path in (folder / address, folder / f"{address}.md"):
        named = set(NOTEBOOK.findall(path.read_text(encoding="utf-8"))) if path.is_file() else ()
        yield from (f"{path.name}: {name}" for name in sorted(named) if not Path(name).stem.isupper() and not (ROOT / name).is_file())


def twins_astray(folder):
    "Links of the twins of pages to files of the site that are not there; code is not read"
    for path in sorted(folder.rglob("*.html.md")):
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        named = {one for one in re.findall(r"\]\(([^\s():#?]+)(?:[#?][^\s()]*)?\)", text) if not one.startswith(("/", "mailto"))}
        yield from (f"{path.relative_to(folder)}: {one}" for one in sorted(named) if not (path.parent / one).exists())


def of_all(look, folder):
    "What is wrong with the pages of a folder"
    return [problem for address in addresses(folder) for problem in look(folder, address)]


def faulty(look, name, text):
    "What is found wrong with a site that has one file"
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return list(look(Path(place)))


def no_machine(site, folder):
    "No page, twin, index or notebook of the site names a folder of the machine that built it, or of any other"
    for name in ("a/page.html", "page.html.md", "search.json", "llms.txt", "notebooks/one.ipynb"):
        for told in (f"path={ROOT}/slm_overview/data", "'/home/someone/file.txt'"):
            need(len(faulty(machine_paths, name, f"<p>{told}</p>")) == 1, f"{told} in {name} is not found")
    need(not faulty(machine_paths, "page.html", "https://example.org/home/one"), "an address is taken for a path")
    found = list(machine_paths(folder))
    need(not found, f"{len(found)} files name a folder of a machine:\n" + "\n".join(found[:40]))


def names_lead_home(site, folder):
    "A name that several modules have leads to the one that is meant, and a signature to its own source"
    wrong = '<main><a href="../cli/labelling.html#predict"><code>predict</code></a></main>'
    need(len(faulty(lambda place: of_all(names_astray, place), "models/one.html", wrong)) == 1, "a name that leads elsewhere is not found")
    wrong = '<main><a href="https://x.org/blob/main/slm_overview/cli/labelling.py#L59">source</a></main>'
    need(len(faulty(lambda place: of_all(names_astray, place), "core.html", wrong)) == 1, "a source of another module is not found")
    found = of_all(names_astray, folder)
    need(not found, f"{len(found)} names lead astray:\n" + "\n".join(found[:40]))


def true_paths(site, folder):
    "Whatever a page names as a notebook of the repository is there under this name, whichever name its page has"
    wrong = "<main>nbs/core.ipynb, nbs/NAME.ipynb</main>"
    need(len(faulty(lambda place: of_all(not_there, place), "one.html", wrong)) == 1, "a notebook that is not there is not found")
    found = of_all(not_there, folder)
    need(not found, "\n".join(found))


def twins_lead_on(site, folder):
    "What a twin links to is there, as what its page links to is"
    links = "[a page](../00_core.html.md#predict) and [itself](one.html.md)"
    need(len(faulty(twins_astray, "a/one.html.md", links)) == 1, "a lost link is not found")
    found = list(twins_astray(folder))
    need(not found, f"{len(found)} links of twins lead nowhere:\n" + "\n".join(found[:40]))


def reads_as_text(site, folder):
    "Code holds no link that is not made, and words in cells that follow each other are words of their own"
    raw = "<main><pre>x # what [`size`](https://x.org/size.html#size) gives</pre></main>"
    cells = "<td>42</td><td>MIT</td>", "<td>2026-11-30</td>", "<td>1.23 GB</td>", "<p>To measure it: slm machine –probe.</p>"
    for wrong in (raw, "<main><pre>def size(name:Annotated)</pre></main>", *(f"<main>{one}</main>" for one in cells)):
        need(len(faulty(lambda place: of_all(run_together, place), "one.html", wrong)) == 1, f"{wrong} is not found")
    found = of_all(run_together, folder)
    need(not found, f"{len(found)} places do not read:\n" + "\n".join(found[:40]))


def sidebar_of(text):
    "The pages of the sidebar of the home page, in their order, and the sections that are open on it, by their headings"
    side = text[text.index('id="quarto-sidebar"'):text.index("<main")]
    pages = re.findall(r'<a\b[^>]*href="(?:\./)?([\w./-]+\.html)"', side)
    heads = re.findall(r'<a\b(?=[^>]*aria-expanded="true")(?=[^>]*sidebar-item-text)[^>]*>.*?</a>', side, flags=re.DOTALL)
    return pages, [re.sub("<[^>]+>", "", head).strip() for head in heads], side.count("sidebar-section depth1 show")


def leads_on(site, folder):
    "Each page leads to the next of the sidebar, the bar marks no other page, all functions are listed, and home shows this year's models"
    pages, heads, opened = sidebar_of((folder / "index.html").read_text(encoding="utf-8"))
    need(len(heads) == opened == 2 and heads[0] == "Read" and heads[1].startswith("Models of "), f"open on the home page are {heads}")
    newest = next(page.removeprefix("models/") for page in pages if page.startswith("models/") and page != "models/index.html")
    rows = re.findall(r'<tr\b.*?href="([^"]*)"', main_of((folder / "models" / "index.html").read_text(encoding="utf-8")), flags=re.DOTALL)
    need(rows and posixpath.basename(rows[0]) == newest, f"the page of models begins with {rows[:1]}, and the sidebar with {newest}")
    problems = []
    for place, address in enumerate(pages):
        text = (folder / address).read_text(encoding="utf-8")
        next_ones = re.findall(r'<div class="nav-page nav-page-next">\s*<a\b[^>]*href="([^"]*)"', text)
        wanted = pages[place + 1:place + 2]
        if [posixpath.normpath(posixpath.join(posixpath.dirname(address), one)) for one in next_ones] != wanted:
            problems.append(f"{address} leads on to {next_ones}, not {wanted}")
        bar = text[text.index("<nav"):text.index('id="quarto-sidebar"')]
        for href in re.findall(r'<a\b(?=[^>]*aria-current)[^>]*href="([^"]*)"', bar):
            if posixpath.basename(href) != posixpath.basename(address): problems.append(f"{address} marks {href} in the bar")
        if 'id="TOC"' in text and 'data-toc-expanded="99"' not in text: problems.append(f"{address} hides a part of its table of contents")
    need(len(pages) > 100 and not problems, f"{len(pages)} pages:\n" + "\n".join(problems[:40]))


CHECKS = (no_machine, names_lead_home, true_paths, twins_lead_on, reads_as_text, leads_on)
