"""Run a notebook as `nbdev_test` does, without a network, and compare what it shows with the outputs that are stored in it.

A cell whose output differs by nature, such as a time, begins with the reason: `#| varies: the times of this machine`. Of such a
cell only the kinds of outputs are compared. Elsewhere text must be equal, but a number with a decimal point may differ by one in
its last digit, which is what another processor may round to, and a picture by a few of its points.
"""
import argparse
import base64
import io
import json
import os
import re
import sys
import tempfile
import traceback
from contextlib import contextmanager
from difflib import SequenceMatcher
from functools import reduce
from itertools import zip_longest
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbdev.config import get_config
from nbdev.frontmatter import FrontmatterProc
from nbdev.process import NBProcessor, extract_directives
from PIL import Image, ImageChops

from network import block_network
from warm_kernels import Factory, can_fork

TIMEOUT = 1800  # seconds for a cell, after which it counts as hanging
# A number that another processor may round otherwise: not a version (2.13.0), and not a part of a name (qwen2.5, phi-3.5, 1.7B)
DECIMAL = re.compile(r"(?<![\w.])(?<![A-Za-z]-)\d+\.\d+(?:(?=e[+-]?\d)|(?!\w|\.\d|-[A-Za-z]))")
FAINT = 16  # of 255: what a point of a picture may change by and count as the same
FEW = 1e-4  # the share of the points of a picture that may differ: less than one digit on an axis has
MOST_SHOWN, WIDTH = 6, 160  # lines of a difference, and characters of a line


# ---- running

@contextmanager
def own_cache():
    "Let notebooks find no figure that was measured on this machine before: what they show and test does not hang on it"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        yield folder


def directives(cell):
    "What the first lines of a cell say to nbdev, with their words: `#| eval: false` gives `{'eval:': ['false']}`"
    return extract_directives(cell, remove=False)


def is_skipped(cell, flags):
    "Whether nbdev_test leaves a cell out; see `nbdev.test.test_nb`"
    said = directives(cell)
    return "nbdev_export(" in cell.source or said.get("eval:", [""])[:1] == ["false"] or bool(flags & said.keys())


def is_skipped_whole(path):
    "Whether nbdev_test leaves a notebook out, since its front matter says `skip_exec: true`"
    front = NBProcessor(path, procs=FrontmatterProc, process=True).nb.frontmatter_
    return str(front.get("skip_exec", False)).lower() in ("true", "1", "yes", "on")


def skip_flags():
    "The directives that make nbdev_test leave a cell out"
    return set(get_config().get("tst_flags", "").split())


def joined(outputs):
    "The outputs of a cell without what went to stderr, with neighbouring pieces of what it printed as one"
    kept = []
    for output in outputs:
        if output.get("name") == "stderr": continue
        if kept and kept[-1].get("name") == output.get("name") == "stdout": kept[-1].text += output.text
        else: kept.append(output.copy())
    return kept


def where(notebook):
    "The cell in which a run stopped: the last that began"
    began = [number for number, cell in enumerate(notebook.cells) if cell.get("execution_count") or cell.get("outputs")]
    return f"cell {max(began, default=0)}"


def execute(notebook, folder, managers=None):
    """A copy of a notebook after its cells ran in a fresh kernel, but for those that are skipped; raises `RuntimeError` with the place.

    `managers` is the class that starts kernels, Jupyter's own if None.
    """
    os.environ["IN_TEST"] = "1"
    fresh, flags = nbformat.from_dict(notebook), skip_flags()
    skipped = {number for number, cell in enumerate(fresh.cells) if cell.cell_type == "code" and is_skipped(cell, flags)}
    for number, cell in enumerate(fresh.cells):
        if number in skipped: cell.source = ""
        elif cell.cell_type == "code": cell.outputs, cell.execution_count = [], None
    options = {"kernel_manager_class": managers} if managers else {}
    client = NotebookClient(fresh, timeout=TIMEOUT, kernel_name="python3", record_timing=False, force_raise_errors=True,
                            extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(folder)}}, **options)
    try: client.execute()
    except (CellControlSignal, DeadKernelError) as error:
        raise RuntimeError(f"{where(fresh)}: " + re.sub(r"\x1b\[[0-9;]*m", "", str(error))) from error
    for number, (cell, before) in enumerate(zip(fresh.cells, notebook.cells, strict=True)):
        if number in skipped: cell.source, cell.outputs = before.source, before.outputs
        elif cell.cell_type == "code": cell.outputs = joined(cell.outputs)
    return fresh


# ---- comparing

def kinds(outputs):
    "What sort of outputs there are, in words"
    names = ["+".join(sorted(output.get("data", {}))) or output.output_type for output in outputs]
    return ", ".join(names) or "nothing"


def is_near(stored, fresh):
    "Whether two texts are equal but for the last digit of numbers with a decimal point"
    if DECIMAL.sub("0.0", stored) != DECIMAL.sub("0.0", fresh): return False
    numbers, others = DECIMAL.findall(stored), DECIMAL.findall(fresh)
    if len(numbers) != len(others): return False
    for one, other in zip(numbers, others, strict=True):
        digits = len(one.partition(".")[2])
        if len(other.partition(".")[2]) != digits or abs(int(one.replace(".", "")) - int(other.replace(".", ""))) > 1: return False
    return True


def share_changed(stored, fresh):
    "The share of the points in which two pictures in base64 differ; 1 if they have not the same size"
    one, other = (Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA") for text in (stored, fresh))
    if one.size != other.size: return 1.0
    changed = reduce(ImageChops.lighter, ImageChops.difference(one, other).split())
    return sum(changed.histogram()[FAINT + 1:]) / (one.width * one.height)


def parts(output):
    "The kinds of content of an output, with their texts"
    if output.output_type == "stream": return {"text": output.text}
    return {kind: "".join(text) if isinstance(text, list) else str(text) for kind, text in output.get("data", {}).items()}


def different_lines(stored, fresh):
    "The first lines that two texts do not share, each from a little before the place where they part"
    before, after = stored.splitlines(keepends=True), fresh.splitlines(keepends=True)
    for what, first, last, other_first, other_last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal": continue
        for one, other in zip_longest(before[first:last], after[other_first:other_last]):
            if one and other and is_near(one, other): continue
            start = max(0, len(os.path.commonprefix([one or "", other or ""])) - 40)
            if one is not None: yield f"    stored: {one[start:start + WIDTH]!r}"
            if other is not None: yield f"    fresh:  {other[start:start + WIDTH]!r}"


def differences(stored, fresh):
    "What differs between the outputs of a cell, in lines"
    if kinds(stored) != kinds(fresh):
        yield f"stored is {kinds(stored)}, and a fresh run gives {kinds(fresh)}"
        return
    for before, after in zip(map(parts, stored), map(parts, fresh), strict=True):
        for kind, text in before.items():
            if text == after[kind]: continue
            if kind == "image/png":
                if (share := share_changed(text, after[kind])) > FEW: yield f"a picture differs in {share:.2%} of its points"
            elif not is_near(text, after[kind]):
                yield "\n".join([f"{kind} differs", *list(different_lines(text, after[kind]))[:MOST_SHOWN]])


def compare(stored, fresh):
    "The numbers of the cells whose outputs are not what a fresh run gives, with what differs"
    flags = skip_flags()
    for number, (before, after) in enumerate(zip(stored.cells, fresh.cells, strict=True)):
        if before.cell_type != "code" or is_skipped(before, flags): continue
        outputs, said = (joined(before.outputs), joined(after.outputs)), directives(before)
        if "varies" in said: yield number, "says `varies` and gives no reason"
        elif "varies:" in said and not outputs[0]: yield number, "says `varies`, and stores nothing that could"
        elif "varies:" in said and kinds(outputs[0]) == kinds(outputs[1]): continue
        elif found := list(differences(*outputs)): yield number, "\n".join(found)


def problems(path, managers=None):
    "What is wrong with a notebook: a cell that fails, or outputs that are not those of a fresh run"
    if is_skipped_whole(path): return []
    stored = nbformat.read(path, 4)
    try: fresh = execute(stored, path.parent, managers)
    except RuntimeError as error: return [str(error)]
    return [f"cell {number}: {what}" for number, what in compare(stored, fresh)]


def found_in(path, managers=None):
    "The same, for a notebook of which anything may be wrong: a file that is no notebook, a kernel that does not start"
    try: return problems(path, managers)
    except Exception: return [traceback.format_exc()]


def serve(managers):
    "Answer each line with the path of a notebook by a line of JSON with what is wrong with it"
    for line in sys.stdin: print(json.dumps(found_in(Path(line.strip()).resolve(), managers)), flush=True)


def run(options, blocked):
    "What the command line asks for"
    factory = Factory() if can_fork() and not options.fresh and (options.serve or len(options.notebooks) > 1) else None
    managers = factory.manager() if factory else None
    if options.serve: return serve(managers)
    print(f"the network is blocked by {blocked}", flush=True)
    failed = False
    for path in options.notebooks:
        for problem in found_in(path.resolve(), managers):
            failed = True
            print(f"{path.name}: {problem}", flush=True)
    if not failed: print("the stored outputs are those of a fresh run")
    return 1 if failed else 0


def main():
    "Run, compare, and say what was found"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--fresh", action="store_true", help="start each kernel as Jupyter does, and fork none")
    parser.add_argument("--serve", action="store_true", help="read the paths of notebooks from the standard input")
    options = parser.parse_args()
    with own_cache(): return run(options, block_network())


if __name__ == "__main__": sys.exit(main())
