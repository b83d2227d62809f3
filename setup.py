"Everything is read from settings.ini: edit there, not here."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
parser = ConfigParser(delimiters=["="])
parser.read(root / "settings.ini", encoding="utf-8")
settings = parser["DEFAULT"]
library = settings["lib_path"]
first_python = int(settings["min_python"].split(".")[1])
licences = {"apache2": "Apache-2.0"}


def words(key):
    "The entries of a setting that lists several"
    return settings.get(key, "").split()


setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=(root / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=settings["author"],
    author_email=settings["author_email"],
    license=licences[settings["license"]],
    license_files=["LICENSE"],
    keywords=settings["keywords"],
    url=settings["git_url"],
    project_urls={"Documentation": settings["doc_host"] + settings["doc_baseurl"]},
    packages=find_packages(include=[library, f"{library}.*"]),
    package_data={library: words("package_data")},
    python_requires=f">={settings['min_python']}",
    install_requires=words("requirements"),
    extras_require={
        key.removesuffix("_requirements"): words(key) for key in settings if key.endswith("_requirements")
    },
    entry_points={
        "console_scripts": words("console_scripts"),
        "nbdev": [f"{library}={library}._modidx:d"],
    },
    classifiers=[
        f"Intended Audience :: {settings['audience']}",
        f"Natural Language :: {settings['language']}",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(first_python, 14)),
    ],
)
