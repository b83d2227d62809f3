"""Run a notebook as `nbdev_test` does, without a network, and compare what it prints with the outputs that are stored in it.

A cell whose output differs by nature, such as a time, says so: `#| varies: the times of this machine`. Of such a cell only the
kinds of outputs are compared. Elsewhere text must be equal; a number with a decimal point may differ by one in its last digit,
which is what another processor may round to, and a picture by a little noise.
"""
import argparse
import base64
import ctypes
import fcntl
import io
import os
import re
import socket
import struct
import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbdev.config import get_config
from PIL import Image

from save_outputs import joined

TIMEOUT = 900  # seconds for a cell
NEW_USERS, NEW_NETWORK = 0x10000000, 0x40000000  # flags of unshare(2)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # from linux/sockios.h and linux/if.h
OFFLINE = Path(__file__).resolve().parent / "offline"
DECIMAL = re.compile(r"\d+\.\d+")
PICTURE_NOISE = 2.0  # of 255, on the average of all pixels


# ---- no network but this machine's own

def leave_network():
    "Move this process to a network of its own, in which there is only the loopback; returns whether that was possible"
    if not sys.platform.startswith("linux"): return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NETWORK) and libc.unshare(NEW_USERS | NEW_NETWORK): return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))
    return True


def block_network():
    "Cut this process and its children off; returns how"
    try:
        if leave_network(): return "a network of its own"
    except OSError: pass  # the loopback could not be switched on: then there is no network at all, and the kernel would not start
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))
    return "a guard in Python"


# ---- running

def is_skipped(cell, flags):
    "Whether nbdev_test leaves a cell out"
    directives = {line[2:].strip().partition(":")[0].strip(): line.partition(":")[2].strip() for line in cell.source.splitlines()
                  if line.startswith("#|")}
    return directives.get("eval", "").lower() == "false" or bool(flags & set(directives)) or "nbdev_export(" in cell.source


def without_skipped(notebook, flags):
    "A copy in which the cells that are left out are empty"
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "code" and is_skipped(cell, flags): cell.source = ""
    return copy


def execute(notebook, folder):
    "The notebook after all of its cells ran in a fresh kernel"
    os.environ["IN_TEST"] = "1"
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False, resources=resources).execute()


# ---- comparing

def kinds(outputs):
    "What sort of outputs there are"
    return [(output.output_type, *sorted(output.get("data", {}))) for output in outputs]


def is_near(stored, fresh):
    "Whether two texts are equal but for the last digit of numbers with a decimal point"
    if DECIMAL.sub("", stored) != DECIMAL.sub("", fresh): return False
    for one, other in zip(DECIMAL.findall(stored), DECIMAL.findall(fresh), strict=True):
        digits = len(one.partition(".")[2])
        if one != other and (len(other.partition(".")[2]) != digits or abs(float(one) - float(other)) > 1.01 * 10**-digits): return False
    return True


def pixels(text):
    "A picture as numbers"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"), dtype=float)


def is_same_picture(stored, fresh):
    "Whether two pictures have the same size and look alike"
    one, other = pixels(stored), pixels(fresh)
    return one.shape == other.shape and float(np.abs(one - other).mean()) <= PICTURE_NOISE


def parts(output):
    "The kinds of content of an output, with their texts"
    if output.output_type == "stream": return {"text": output.text}
    return {mime: "".join(text) if isinstance(text, list) else str(text) for mime, text in output.get("data", {}).items()}


def differences(stored, fresh):
    "What differs between the outputs of a cell, in lines"
    if kinds(stored) != kinds(fresh):
        yield f"stored are {kinds(stored)}, and a fresh run gives {kinds(fresh)}"
        return
    for before, after in zip(map(parts, stored), map(parts, fresh), strict=True):
        for mime, text in before.items():
            if (is_same_picture if mime == "image/png" else is_near)(text, after[mime]): continue
            lines = unified_diff(text.splitlines(), after[mime].splitlines(), "stored", "fresh", n=0)
            yield "a picture differs" if mime == "image/png" else "\n".join(line[:300] for line in list(lines)[:12])


def compare(stored, fresh, flags):
    "Every cell of a notebook whose outputs are not what a fresh run gives, with what differs"
    for number, (before, after) in enumerate(zip(stored.cells, fresh.cells, strict=True)):
        if before.cell_type != "code" or is_skipped(before, flags): continue
        outputs = joined(before.outputs), joined(after.outputs)
        by_nature = re.search(r"^#\| varies: *\S", before.source, flags=re.MULTILINE) and kinds(outputs[0]) == kinds(outputs[1])
        found = [] if by_nature else list(differences(*outputs))
        if found: yield f"cell {number}: " + "\n".join(found)


def problems(path):
    "What is wrong with a notebook: a cell that fails, or outputs that are not those of a fresh run"
    flags = set(get_config().get("tst_flags", "").split())
    stored = nbformat.read(path, 4)
    try: fresh = execute(without_skipped(stored, flags), path.parent)
    except CellExecutionError as error: return [re.sub(r"\x1b\[[0-9;]*m", "", str(error))]
    return list(compare(stored, fresh, flags))


# ---- the comparison and the block, tested

def wrong_notebooks():
    "Notebooks in which something is wrong, by what it is; the last two have nothing wrong"
    def one(source, *outputs):
        "A notebook of one cell"
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, outputs=list(outputs))])
    def said(text): return nbformat.v4.new_output("stream", name="stdout", text=text)
    return {
        "another text": one("print('fresh')", said("stored\n")), "another integer": one("print(12)", said("13\n")),
        "a number too far": one("print(0.52)", said("0.54\n")), "no output": one("pass", said("stored\n")),
        "an output that is not stored": one("print('fresh')"), "a failing cell": one("1 / 0"),
        "a connection elsewhere": one("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=3)"),
        "another kind in a cell that varies": one("#| varies: the time\n'text'", said("1.5 s\n")),
        "": one("print(0.52)", said("0.53\n")), " ": one("#| varies: the time\nimport time\nprint(time.time())", said("1\n")),
    }


def self_test():
    "What must be found is found, and nothing else"
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for what, notebook in wrong_notebooks().items():
            path = Path(folder) / "one.ipynb"
            nbformat.write(notebook, path)
            if bool(problems(path)) != bool(what.strip()): failed.append(what or "a notebook with nothing wrong")
    return failed


def main():
    "Run, compare, and say what was found"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--self-test", action="store_true", help="check that wrong notebooks are found to be wrong")
    options, how = parser.parse_args(), block_network()
    print(f"the network is blocked by {how}", flush=True)
    if options.self_test:
        failed = self_test()
        print(f"not told apart: {', '.join(failed)}" if failed else "all wrong notebooks were found")
        return 1 if failed else 0
    found = [f"{path.name}: {problem}" for path in options.notebooks for problem in problems(path.resolve())]
    print("\n".join(found) or "the stored outputs are those of a fresh run")
    return 1 if found else 0


if __name__ == "__main__": sys.exit(main())
