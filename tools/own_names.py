"""Lead a name of the package to the module that is meant, where several modules have one of that name.

nbdev knows each name once, and leads `predict` to the command of that name, on every page and from the signature in `core` too. Here a
name leads to the module of its own page, else to the one that the front door has it from, else to the only one in the same folder, else
to an error of that name. Where none of these is, the name stays and leads nowhere: a link to another thing of that name is worse than
none, and the word may be meant of something else altogether.
"""
import ast
import re
from functools import cache
from pathlib import Path

from slm_overview import _HOME_OF
from slm_overview._modidx import d as known

SETTINGS = known["settings"]
SITE = SETTINGS["doc_host"] + SETTINGS["doc_baseurl"]
NAME_LINK = re.compile(rf"\[`([\w.]+)(\(\))?`\]\({re.escape(SITE)}/([\w/]+)\.html#[\w.]+\)")
CODE_LINK = re.compile(r"\[`([^`\n]+)`\]\((?:https?://|[\w./-]+\.(?:html|ipynb))[^)\s]*\)")
SOURCE = re.compile(r"(\[source\]\(\S+?/blob/[^/]+/slm_overview/)([\w/]+)\.py#L\d+\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@cache
def homes():
    "For each name the modules that have it, as the addresses of their pages, each with the place on the page"
    found = {}
    for module, names in known["syms"].items():
        for whole, (place, _) in names.items():
            found.setdefault(whole.removeprefix(f"{module}."), {})[place.partition(".html")[0]] = place
    return found


def page_of(path):
    "The address of the page of a notebook, from its path below the folder of notebooks"
    return (path.parent / re.sub(r"^\d+[a-z]?_", "", path.stem)).as_posix()


def home_of(name, page, linked):
    "Which module's name is meant on a page, as the address of the module's page; None if that cannot be told"
    places, front = homes().get(name, {}), _HOME_OF.get(name.partition(".")[0], "").replace(".", "/")
    if not places: return linked  # a module, or a name with its module
    near = [place for place in places if Path(place).parent == Path(page).parent]
    return next((place for place in (page, front, *(near if len(near) == 1 else ()), "errors") if place in places), None)


def lead_home(text, page):
    "The Markdown of a page whose names lead to the modules that are meant; in code nothing is a link"
    def led(found):
        "A link of nbdev, mended"
        name, called, linked = found[1], found[2] or "", found[3]
        home = home_of(name, page, linked)
        if home == linked: return found[0]
        return f"[`{name}{called}`]({SITE}/{homes()[name][home]})" if home else f"`{name}{called}`"
    parts, end = [], 0
    for fence in FENCED.finditer(text):
        parts += [NAME_LINK.sub(led, text[end:fence.start()]), CODE_LINK.sub(r"`\1`", fence[0])]
        end = fence.end()
    return "".join([*parts, NAME_LINK.sub(led, text[end:])])


def line_of(module, name):
    "The line of a module in which a function, a class or a method is defined; of several definitions, the last is the one that works"
    nodes = ast.parse(module.read_text(encoding="utf-8")).body
    owner, _, last = name.rpartition(".")
    if owner: nodes = [part for node in nodes if isinstance(node, ast.ClassDef) and node.name == owner for part in node.body] or nodes
    return max((node.lineno for node in nodes if getattr(node, "name", None) == last), default=1)


def lead_to_source(text, page, package):
    "What nbdev shows of a name, with a link to its own source, on the page of a module"
    found, title = SOURCE.search(text), re.search(r"^### (\S+)$", text, flags=re.MULTILINE)
    if not found or not title or found[2] == page or page not in homes().get(title[1], {}): return text
    return text.replace(found[0], f"{found[1]}{page}.py#L{line_of(Path(package) / f'{page}.py', title[1])})", 1)
