"""Say in the processed notebooks what the classes of the package are made of, and name no folder of this machine.

nbdev shows the signature of a msgspec struct as `*args, **kwargs`, because that is what Python sees. The source has the fields. And it
shows a path that an argument is by default as it is on the machine that renders; the pages have it from the root of the project.
"""
import ast
import json
import os
import re
from pathlib import Path

from environment import ROOT

HIDDEN = re.compile(r"def (\w+)\(\n    \*args, \*\*kwargs\n\):")
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


def with_fields(text, known):
    "The text that documents a name, with the fields of a class in place of arguments that say nothing"
    module = re.search(r"/slm_overview/([\w/]+\.py)#L\d+\)", text)
    hidden, text = HIDDEN.search(text), text.replace(f"{ROOT}/", "")
    if not hidden: return INNER.sub("", text)
    fields = known.get((module[1] if module else "", hidden[1]), [])
    shown = f"class {hidden[1]}:\n" + ("\n".join(f"    {field}" for field in fields) or "    ...")
    return INNER.sub("", text.replace(hidden[0], shown, 1))


def mend(path, known):
    "Mend the outputs of a processed notebook"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    before = json.dumps(notebook)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/markdown", ""))
            if text.startswith("---\n\n[source](") or HIDDEN.search(text): output["data"]["text/markdown"] = with_fields(text, known)
    if json.dumps(notebook) == before: return
    times = path.stat()
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1), encoding="utf-8")
    os.utime(path, (times.st_atime, times.st_mtime))


def mend_signatures(processed, package):
    "Mend all processed notebooks of a folder"
    known = classes(package)
    for path in Path(processed).rglob("*.ipynb"): mend(path, known)
