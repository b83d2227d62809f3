"""Install what development needs, then run every notebook and check; what follows the name of the program goes to tools/checks.py.

The wheel is built and installed at the same time, on the core that waits otherwise.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, install, install_models, this_environment

def main():
    "Install and check; returns the exit code of the checks"
    python, words = this_environment(), sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, (Path(folder) / "log").open("w") as log:
        beside = None
        if not words: beside = subprocess.Popen([sys.executable, "tools/wheel.py", folder], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            install(python, "-e", ".[dev]")
            install_models(python)
            there = [] if beside is None else ["--wheel", folder]
            return subprocess.run([str(python), str(ROOT / "tools" / "checks.py"), *there, *words], cwd=ROOT, check=False).returncode
        finally:
            if beside is not None:
                beside.terminate()
                beside.wait()


if __name__ == "__main__": sys.exit(main())
