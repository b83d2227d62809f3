"What is wrong with the form of a notebook: everything that a reader would stumble over or a renderer would drop."
import ast
import re
from functools import cache

import nbformat
from nbdev.doclinks import NbdevLookup

MOST_CELLS, MOST_LINES = 80, 40
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:root|home|Users|work|tmp|var/folders)/\w[\w./-]*")
ONE_RENDERER = re.compile(r"\[@[\w-]+\]|(?<!\w)@(?:fig|tbl|sec|eq)-\w+|\.panel-tabset")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+\.(?:ipynb|html))\b")  # to another page of the site
FORMULA = re.compile(r"(?<![\\$\w])\$(?=\S)[^$\n]+(?<=\S)\$(?!\w)|\$\$")  # what renderers draw with a library from another server
LINK_TEXT = re.compile(r"\[((?:`[^`]*`|[^\[\]`])+)\]\(")  # what a reader sees of a link
CODE, FENCED = re.compile(r"`([^`\s]+?)(?:\(\))?`"), re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
IMPORTS = (ast.Import, ast.ImportFrom)


def tree_of(source):
    "The syntax tree of a cell, None if it is not plain Python (a shell line, a magic)"
    try: return ast.parse(source)
    except SyntaxError: return None


def is_shown(source):
    "Whether readers see a cell and what it prints"
    return not re.match(r"#\|\s*(hide|export|default_exp|eval: false)", source)


def prints(tree):
    "Whether a cell calls print outside of functions and classes, or ends in a name"
    loose = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = (node.func for part in loose for node in ast.walk(part) if isinstance(node, ast.Call))
    ends_in_name = bool(tree.body) and isinstance(tree.body[-1], ast.Expr) and isinstance(tree.body[-1].value, ast.Name)
    return ends_in_name or any(isinstance(function, ast.Name) and function.id == "print" for function in calls)


def text_of(output):
    "What an output holds, as text"
    return output.get("text", "") + "".join(str(part) for part in output.get("data", {}).values())


def problems_of_outputs(cell, tree):
    "What is wrong with what a cell left behind"
    kinds = [output.output_type for output in cell.outputs]
    if "error" in kinds: yield "a stored traceback"
    if any(output.get("name") == "stderr" for output in cell.outputs): yield "stored notices of libraries (stderr)"
    if is_shown(cell.source) and prints(tree) and not kinds: yield "prints, and no output is stored: run tools/save_outputs.py"
    for output in cell.outputs:
        if found := MACHINE_PATH.search(text_of(output)): yield f"its output names a path of one machine: {found[0]}"


def problems_of_definitions(tree):
    "What is wrong with the functions of an exported cell"
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef): continue
        lines = node.end_lineno - node.lineno + 1
        if not isinstance(node, ast.ClassDef) and lines > MOST_LINES: yield f"{node.name} has {lines} lines, and {MOST_LINES} is the most"
        if not node.name.startswith("_") and not ast.get_docstring(node): yield f"{node.name} has no docstring"


def problems_of_code(cell):
    "What is wrong with a cell of code"
    tree = tree_of(cell.source)
    if tree is None: return
    imports = [node for node in tree.body if isinstance(node, IMPORTS)]
    if imports and len(imports) < len(tree.body): yield "imports, and does something else: imports go in a cell of their own"
    if any(alias.name == "*" for node in imports for alias in node.names): yield "imports *"
    if re.match(r"#\|\s*exports?\b", cell.source): yield from problems_of_definitions(tree)
    yield from problems_of_outputs(cell, tree)


def problems_of_links(source, folder):
    "The links of a cell of text to a notebook that is not there: a notebook has its own name, not that of its page"
    for target in LINK.findall(source):
        if not (folder / target).exists(): yield f"links to {target}, and there is no such notebook"


def problems_of_place(cells, path):
    "A notebook that does not stand where its module does; the first one has a number, and the front door and the program have no own name"
    said = next((found[1] for cell in cells if (found := re.match(r"#\|\s*default_exp (\S+)", cell.source))), None)
    if said is None or said in ("core", "__init__", "__main__"): return
    wanted = f"nbs/{said.replace('.', '/')}.ipynb"
    if not path.as_posix().endswith(wanted): yield f"exports {said}, and should be {wanted}"


@cache
def lookup():
    "What nbdev knows of the names of the package, and of those of other packages that are documented with it"
    return NbdevLookup()


def problems_of_link_texts(source):
    "Code in the text of a link that nbdev would make a link once more, which no renderer can show"
    for text in LINK_TEXT.findall(FENCED.sub("", source)):
        for name in CODE.findall(text):
            if lookup().doc(name): yield f"[{text}](…) is a link, and nbdev makes `{name}` in it one more: leave the code out"


def problems_of_formulas(source):
    "A formula, for which a page would load a library from another server"
    found = FORMULA.search(re.sub("`[^`]*`", "", FENCED.sub("", source)))
    if found: yield f"has a formula, {found[0]}: write it in words, or as code"


def problems(path):
    "Every problem of a notebook, as a line with the number of the cell"
    cells = nbformat.read(path, 4).cells
    yield from problems_of_place(cells, path)
    if len(cells) > MOST_CELLS: yield f"{len(cells)} cells, and {MOST_CELLS} is the most: make it two notebooks"
    for number, cell in enumerate(cells):
        found = list(problems_of_code(cell)) if cell.cell_type == "code" else []
        if cell.cell_type == "markdown":
            found += problems_of_links(cell.source, path.parent)
            found += problems_of_link_texts(cell.source)
            found += problems_of_formulas(cell.source)
            if one := ONE_RENDERER.search(cell.source): found.append(f"only one renderer knows {one[0]}")
        if here := MACHINE_PATH.search(cell.source): found.append(f"names a path of one machine: {here[0]}")
        yield from (f"cell {number}: {problem}" for problem in found)
