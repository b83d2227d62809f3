"Install what development needs, then run every notebook and check; what follows the name of the program goes to tools/checks.py."
import subprocess
import sys

from environment import ROOT, install, install_models, this_environment

def main():
    "Install and check; returns the exit code of the checks"
    python = this_environment()
    install(python, "-e", ".[dev]")
    install_models(python)
    return subprocess.run([str(python), str(ROOT / "tools" / "checks.py"), *sys.argv[1:]], cwd=ROOT, check=False).returncode


if __name__ == "__main__": sys.exit(main())
