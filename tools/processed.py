"""Mend what nbdev makes of the notebooks, before a renderer gets them.

nbdev shows the signature of a msgspec struct as `*args, **kwargs`, because that is what Python sees. The source has the fields. Of what a
command takes it shows `Annotated`, and leaves out the type and the help; the source has those too. It shows
a path that an argument is by default as it is on the machine that renders; the pages have it from the root of the project. It makes
names links, in signatures too, where they stay what they are in Markdown; see tools/own_names.py. And both renderers take the words of a
page for their search as they stand in it, so that cells of a table with nothing between them would be one word. They make one dash of
two hyphens, also of those of an option, where it does not stand as code. And a source that is shown unfolded is a page long or less.
"""
import ast
import json
import os
import re
from functools import cache
from pathlib import Path

from environment import ROOT
from own_names import FENCED, SOURCE, lead_home, lead_to_source, page_of

HIDDEN = re.compile(r"def (\w+)\(\n    \*args, \*\*kwargs\n\):")
# A signature with what is somewhere in the memory of the builder
LIVING = re.compile(r"def (\w+)\(\n(?=(?:(?!\n\)).)*<\S+ object at 0x).*?\n\)(?:->\w+)?:", re.DOTALL)
ANNOTATED = re.compile(r"def (\w+)\(\n(?=[^)]*:Annotated\b).*?\n\)->", re.DOTALL)
SHOWN = ("text/markdown", "text/html")  # kinds of outputs
TOUCHING = re.compile(r"(</(?:td|th|tr|caption|thead|tbody|li|p|summary|details)>)(?=<)")
OPTION = re.compile(r"(`+).+?\1|\]\([^)\s]*\)|<[^>]*>|((?:\bslm [a-z]+ )?(?<!\S)--[a-z][a-z-]*|(?<=\()--[a-z][a-z-]*)", re.DOTALL)
LONG = 40  # lines of a source, which is folded if it has more
INNER = re.compile(r"__main__\.|collections\.abc\.")  # where a name happened to be defined while the notebook was processed


def fields_of(node, lines):
    "The fields of a class, as the source has them"
    return [lines[part.lineno - 1].strip() for part in node.body if isinstance(part, ast.AnnAssign) and part.lineno == part.end_lineno]


def classes(folder):
    "The fields of every class of the package, by the file of the module and the name of the class"
    found = {}
    for path in Path(folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        nodes = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
        found |= {(path.relative_to(folder).as_posix(), node.name): fields_of(node, text.splitlines()) for node in nodes}
    return found


@cache
def commands(folder):
    "What the functions behind the commands take, as lines of their signatures, by the file of the module and the name of the function"
    trees = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("cli/*.py"))}
    own = {module: {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign) and is_annotated(node.value)}
           for module, tree in trees.items()}
    found = {}
    for module, tree in trees.items():
        brought = {alias.asname or alias.name: own.get((node.module or "").rpartition(".")[2], {}).get(alias.name)
                   for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        types = {name: kind for name, kind in brought.items() if kind} | own[module]
        for node in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            taken = [*node.args.args, *node.args.kwonlyargs]
            defaults = [None] * (len(node.args.args) - len(node.args.defaults)) + [*node.args.defaults, *node.args.kw_defaults]
            found[f"cli/{module}.py", node.name] = [parameter_line(*pair, types) for pair in zip(taken, defaults, strict=True)]
    return found


def is_annotated(node):
    "Whether an expression is a type with something that is said of it"
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Annotated"


def parameter_line(parameter, default, types):
    "What a command takes, on a line: its name, its type, its default and the help"
    kind = parameter.annotation
    if isinstance(kind, ast.Name): kind = types.get(kind.id, kind)
    told = ""
    if is_annotated(kind):
        kind, option = kind.slice.elts[:2]
        helps = [word.value for word in getattr(option, "keywords", ()) if word.arg == "help"]
        if helps and isinstance(helps[0], ast.Constant): told = f" # {helps[0].value}"
    typed = f":{ast.unparse(kind)}" if kind is not None else ""
    return f"{parameter.arg}{typed}{'' if default is None else '=' + ast.unparse(default)},{told}"


def with_parameters(text, package):
    "The text that documents the function behind a command, with what it takes"
    module, shown = SOURCE.search(text), ANNOTATED.search(text)
    lines = commands(package).get((f"{module[2]}.py", shown[1])) if module and shown else None
    if not lines: return text
    return text.replace(shown[0], f"def {shown[1]}(\n" + "\n".join(f"    {line}" for line in lines) + "\n)->", 1)


def with_fields(text, known):
    "The text that documents a name, with the fields of a class in place of arguments that say nothing"
    module = re.search(r"/slm_overview/([\w/]+\.py)#L\d+\)", text)
    hidden, text = HIDDEN.search(text) or LIVING.search(text), text.replace(f"{ROOT}/", "")
    if not hidden: return INNER.sub("", text)
    fields = known.get((module[1] if module else "", hidden[1]), [])
    shown = f"class {hidden[1]}:\n" + ("\n".join(f"    {field}" for field in fields) or "    ...")
    return INNER.sub("", text.replace(hidden[0], shown, 1))


def keep_options(text):
    "Markdown in which the options of a command stand as code"
    parts, end = [], 0
    def as_code(found): return f"`{found[2]}`" if found[2] else found[0]
    for fence in FENCED.finditer(text):
        parts += [OPTION.sub(as_code, text[end:fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, OPTION.sub(as_code, text[end:])])


def folded(source):
    "A cell of code whose source begins folded if it is long"
    return source.replace("#| code-fold: show\n", "#| code-fold: true\n", 1) if source.count("\n") > LONG else source


def mended(text, page, known, package):
    "The Markdown of a cell or an output, mended"
    text = keep_options(lead_home(text, page))
    if not (text.startswith("---\n\n[source](") or HIDDEN.search(text)): return text
    return with_fields(with_parameters(lead_to_source(text, page, package), package), known)


def mend(path, page, known, package):
    "Mend the text and the outputs of a processed notebook"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    before = json.dumps(notebook)
    for cell in notebook["cells"]:
        texts = [(cell, "source")]
        texts += [(output["data"], kind) for output in cell.get("outputs", []) for kind in SHOWN if kind in output.get("data", {})]
        for place, key in texts:
            text = "".join(place[key])
            if key == "text/html": better = TOUCHING.sub(r"\1\n", text)
            else: better = folded(text) if place is cell and cell["cell_type"] == "code" else mended(text, page, known, package)
            if better != text: place[key] = better
    if json.dumps(notebook) == before: return
    times = path.stat()
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), encoding="utf-8")
    os.utime(path, (times.st_atime, times.st_mtime))


def mend_processed(processed, package):
    "Mend all processed notebooks of a folder"
    known = classes(package)
    for path in Path(processed).rglob("*.ipynb"): mend(path, page_of(path.relative_to(processed)), known, package)
