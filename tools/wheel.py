"""Build a wheel, and install it with Jupyter into an environment of its own, as a user would: python tools/wheel.py FOLDER

The folder gets `dist` and `environment`, and at the end `result.json`: what went wrong, or null. It needs nothing but Python, so that
tools/test.py can run it beside the installation of what development needs.
"""
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ROOT, install, install_models, make_environment, pip_install

IGNORED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "_docs", "_proc*", "_screenshots", "build", "dist")


def build(folder):
    "Build an sdist of a copy of the sources, and a wheel from the sdist, which proves that the sdist is complete"
    source = shutil.copytree(ROOT, folder / "source", ignore=IGNORED)
    python = make_environment(folder / "builder")
    pip_install(python, "build")
    subprocess.run([str(python), "-m", "build", "--outdir", str(folder / "dist"), str(source)], check=True, stdout=subprocess.DEVNULL)
    return next((folder / "dist").glob("*.whl"))


def installed(folder):
    "Build and install; raises what any step raises"
    wheel = build(folder)
    python = make_environment(folder / "environment")
    install(python, f"{wheel}[notebook]")
    install_models(python, cwd=folder)


def main(folder):
    "Build and install, and leave the result where `wait` finds it"
    folder.mkdir(exist_ok=True, parents=True)
    problem = "it was ended"
    try:
        installed(folder)
        problem = None
    except (Exception, SystemExit) as error: problem = repr(error)
    finally:
        (folder / "result.part").write_text(json.dumps(problem), encoding="utf-8")
        (folder / "result.part").replace(folder / "result.json")
    return 0 if problem is None else 1


def wait(folder, seconds):
    "What went wrong, None if nothing did, once the program that was started elsewhere has ended"
    ends = time.monotonic() + seconds
    while not (folder / "result.json").exists():
        if time.monotonic() > ends: return f"it did not end within {seconds} s"
        time.sleep(0.2)
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def discard(environment):
    "Begin to delete an environment: its 50,000 files may take a minute, for which nobody need wait"
    elsewhere = environment.rename(Path(tempfile.mkdtemp()) / environment.name)
    program = "import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)"
    subprocess.Popen([sys.executable, "-c", program, str(elsewhere.parent)], start_new_session=True)


if __name__ == "__main__": sys.exit(main(Path(sys.argv[1]).resolve()))
