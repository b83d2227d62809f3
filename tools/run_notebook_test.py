"""Test tools/run_notebook.py and tools/network.py: what is wrong is found and nothing else, and no way leads out of this machine.

With --guard, the block is the guard in Python, even where the system can do better, and only the block is tested.
"""
import argparse
import base64
import io
import socket
import sys
import tempfile

from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from network import block_network
from run_notebook import compare, execute

def picture(*points):
    "A white picture of 100 x 100 with some grey points, in base64"
    image, file = Image.new("L", (100, 100), 255), io.BytesIO()
    for place, grey in points: image.putpixel(place, grey)
    image.save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def printed(source, text):
    "A cell with what it is said to print"
    return new_code_cell(source, outputs=[new_output("stream", text=text)])


def shown(fresh, stored):
    "A cell that shows a picture, with another one stored"
    source = f"from IPython.display import publish_display_data\npublish_display_data({{'image/png': {fresh!r}}})"
    return new_code_cell(source, outputs=[new_output("display_data", {"image/png": stored})])


def cells():
    "Cells with stored outputs, and what is to be said of each: nothing if nothing is wrong"
    line = [((column, 50), 0) for column in range(100)]
    yield printed("print('fresh')", "stored\n"), "text differs"
    yield printed("print(12)", "13\n"), "text differs"
    yield printed("print(0.52)", "0.53\n"), ""
    yield printed("print(0.52)", "0.54\n"), "text differs"
    yield printed("print(-0.1)", "0.1\n"), "text differs"
    yield printed("print('1.0e-05')", "1.1e-05\n"), ""
    yield printed("print('1.0e-05')", "1.0e-06\n"), "text differs"
    yield printed("print('2.13.0')", "2.13.1\n"), "text differs"
    yield printed("print('qwen2.5, phi-3.5')", "qwen2.5, phi-3.4\n"), "text differs"
    yield printed("print('one', end='')", "one\n"), "text differs"
    yield printed("pass", "stored\n"), "stored is stream, and a fresh run gives nothing"
    yield new_code_cell("print('fresh')"), "stored is nothing, and a fresh run gives stream"
    yield new_code_cell("import sys\nprint('a notice', file=sys.stderr)"), ""
    yield shown(picture(), picture()), ""
    yield shown(picture(), picture(((5, 5), 245))), ""
    yield shown(picture(*line), picture()), "a picture differs in 1.00%"
    yield printed("#| varies: the time\nimport time\nprint(time.time())", "1\n"), ""
    yield printed("#| varies: the time\n'text'", "1.5 s\n"), "stored is stream, and a fresh run gives text/plain"
    yield printed("#| varies:\nprint(2)", "1\n"), "gives no reason"
    yield new_code_cell("#| varies: the time\npass"), "stores nothing"
    yield printed("#| eval: false\n1 / 0", "stored\n"), ""
    yield printed("#| slow\n1 / 0", "stored\n"), ""


def failures_of_comparing(folder):
    "What the comparison says wrongly of these cells, all in one notebook, or of a cell that fails"
    given = list(cells())
    notebook = new_notebook(cells=[cell for cell, _ in given])
    found = dict(compare(notebook, execute(notebook, folder)))
    for number, (cell, said) in enumerate(given):
        right = said in found.get(number, "") if said else number not in found
        if not right: yield f"of {cell.source!r} it should say {said or 'nothing'!r}, and says {found.get(number)!r}"
    try: execute(new_notebook(cells=[new_code_cell(source) for source in ("1", "2 / 0", "3")]), folder)
    except RuntimeError as error: said = str(error)
    else: said = "nothing"
    right = said.startswith("cell 1: ") and "2 / 0" in said and "ZeroDivisionError" in said
    if not right: yield f"of a failing cell it says {said!r}"


def own_address():
    "The address of this machine in a network, None if it is in none; nothing is sent"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try: any_socket.connect(("192.0.2.1", 9))
        except OSError: return None
        return any_socket.getsockname()[0]


def failures_of_blocking(folder, server):
    "Ways from a notebook to a server that this process reaches, and one to the loopback that must stay open"
    here = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\nsocket.create_connection(server.getsockname(), timeout=5)"
    ways = {"the loopback is open": (here, True), "a name is looked up": ("import socket\nsocket.getaddrinfo('example.com', 80)", False)}
    if server:
        there = f"import socket\nsocket.create_connection({server.getsockname()}, timeout=5)"
        child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {there!r}], check=True, stderr=subprocess.DEVNULL)"
        packet = f"import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'', {server.getsockname()})"
        ways |= {"a notebook connects": (there, False), "its child connects": (child, False), "a packet leaves": (packet, False)}
    for what, (source, is_open) in ways.items():
        try: execute(new_notebook(cells=[new_code_cell(source)]), folder)
        except RuntimeError: worked = False
        else: worked = True
        if worked != is_open: yield f"{what}: {'it works' if worked else 'it does not work'}, and should {'' if is_open else 'not '}work"


def reachable_server():
    "A server at this machine's address in a network, after a connection to it; None if the machine is in no network"
    if not (address := own_address()): return None
    server = socket.create_server((address, 0))
    socket.create_connection(server.getsockname(), timeout=5).close()
    return server


def main():
    "Test, and say what failed"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guard", action="store_true")
    with_guard, server = parser.parse_args().guard, reachable_server()  # before the block: the same connection must fail afterwards
    print(f"the network is blocked by {block_network(with_guard)}", flush=True)
    if not server: print("this machine is in no network: that connections fail could be tried with names only")
    with tempfile.TemporaryDirectory() as folder:
        found = [*([] if with_guard else failures_of_comparing(folder)), *failures_of_blocking(folder, server)]
    print("\n".join(found) or "what is wrong is found, and nothing else; no way leads out")
    return 1 if found else 0


if __name__ == "__main__": sys.exit(main())
