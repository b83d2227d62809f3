"""Complete a rendered site, in the same way for both renderers: data, twins in Markdown, the feed, cards, and the head of each page."""
import html
import json
import posixpath
import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import yaml
from nbdev.config import get_config
from nbdev.doclinks import _nbpath2html
from nbformat import reads
from PIL import Image, ImageDraw, ImageFont

from environment import ROOT
from icons import trim_icons
from readme import code_of

from slm_overview.catalog.models import Catalog
from slm_overview.measuring.stored import measured_data, read_measured
from slm_overview.site.data import chooser_data, feed, llms_txt, model_data
from slm_overview.site.literature import bibtex
from slm_overview.sizing.size import format_bytes, size

SCRIPTS = {  # besides site.js, which is on every page
    "catalog.js": ("overview/comparison", "overview/corrections", "index", "models/index"), "chooser.js": ("overview/chooser",),
}
HEAD_ENDS, TITLE_ENDS = "</head>", "</header>"
# What Quarto adds to a page whose notebook has an output in HTML: two libraries from another server, which none of our pages uses
NOTEBOOK_LIBRARIES = re.compile(
    r"""\s*<script\b[^>]*\bsrc=["']https?://[^"'>]*/(?:require|jquery)(?:\.min)?\.js["'][^>]*>\s*</script>"""
    r"""|\s*<script\b[^>]*>\s*define\(["']jquery["'],[^<]*</script>""")
WHOLE = re.compile(r"<(td|th)\b([^>]*)>(\d{4}-\d\d(?:-\d\d)?|[\d.,]+ [kMGT]?B)</\1>")
SHEET = re.compile(r"<link\b[^>]*>")


@dataclass(frozen=True)
class Page:
    "A page of the site, and where it comes from"
    source: Path  # relative to nbs/
    address: str  # relative to the root of the site, without .html
    title: str
    description: str
    processed: Path  # the file that was rendered

    @property
    def root(self): return "../" * self.address.count("/")


def front_matter(path):
    "What is said at the top of a processed notebook or a Markdown file: its title, and perhaps a description and an address"
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
        return {"title": re.search(r"^# (.*)$", text, flags=re.MULTILINE)[1]}
    first = next((cell for cell in reads(path.read_text(encoding="utf-8"), 4).cells if cell.cell_type == "raw"), None)
    return yaml.safe_load(first.source.strip().strip("-")) if first else {}


def pages_of(processed):
    "Every page of the site"
    found = []
    for path in sorted(path for path in processed.rglob("*") if path.suffix in (".ipynb", ".md")):
        source = path.relative_to(processed)
        if any(part.startswith(("_", ".")) for part in source.parts): continue
        known = front_matter(path)
        address = _nbpath2html(source).with_suffix("").as_posix() if path.suffix == ".ipynb" else source.with_suffix("").as_posix()
        if str(known.get("output-file", "")).endswith(".html"): address = (source.parent / known["output-file"][:-5]).as_posix()
        found.append(Page(source, address, str(known.get("title", source.stem)), str(known.get("description", "")), path))
    return found


def output_text(output):
    "What an output says in Markdown"
    if output.output_type == "stream": return f"```text\n{output.text.rstrip()}\n```" if output.name == "stdout" else ""
    data = output.get("data", {})
    if "text/markdown" in data: return data["text/markdown"]
    text = data.get("text/plain", "")
    return "" if not text or text.startswith(("<IPython", "<Figure")) else f"```text\n{text.rstrip()}\n```"


def cell_text(cell):
    "A cell of a processed notebook in Markdown"
    if cell.cell_type != "code": return "" if cell.source.startswith("<!--") else cell.source
    options = "\n".join(line for line in cell.source.splitlines() if line.startswith("#|"))
    code = code_of(cell)
    shown = f"```python\n{code}\n```" if code and not re.search(r"echo: *false", options) else ""
    outputs = "" if re.search(r"output: *false", options) else "\n\n".join(filter(None, map(output_text, cell.outputs)))
    return "\n\n".join(filter(None, [shown, outputs]))


def to_twins(text, page, addresses):
    "The text of a page whose links to other pages lead to their twins; `addresses` are those of the pages by their source"
    def led(link):
        "A link to the twin of the page that it names, or as it was if it names none"
        source = posixpath.normpath((page.source.parent / link[1]).as_posix())
        if source not in addresses: return link[0]
        return f"]({posixpath.relpath(addresses[source], page.source.parent.as_posix())}.html.md{link[2] or ''})"
    return re.sub(r"\]\(([\w./-]+\.(?:ipynb|md))(#[\w.-]*)?\)", led, text)


def twin(page):
    "A page in Markdown, for programs"
    if page.processed.suffix == ".md": return page.processed.read_text(encoding="utf-8")
    cells = [cell_text(cell) for cell in reads(page.processed.read_text(encoding="utf-8"), 4).cells if cell.cell_type != "raw"]
    title = [f"# {page.title}", f"> {page.description}" if page.description else ""]
    return "\n\n".join(filter(None, [*title, *cells])) + "\n"


def notebook_links(page, config):
    "Where a page of a notebook can be opened and downloaded"
    if page.source.suffix != ".ipynb": return ""
    place = f"nbs/{page.source.as_posix()}"
    colab = f"https://colab.research.google.com/github/{config.user}/{config.repo}/blob/{config.branch}/{place}"
    here = f"{page.root}notebooks/{page.source.as_posix()}"
    return f'<p class="notebook-links"><a href="{colab}">Open in Colab</a> <a href="{here}" download>Download notebook</a></p>'


def head(page, site_url, title):
    "What stands in the head of a page for browsers, for programs, and for whoever shows a link to it"
    card = page.address if page.address.startswith("models/") and page.source.stem != "index" else "site"
    url, about = f"{site_url}/{page.address}.html", page.description or title
    metas = {"og:title": page.title, "og:description": about, "og:type": "article", "og:url": url, "og:site_name": title,
             "og:image": f"{site_url}/cards/{card.rpartition('/')[2]}.png", "og:image:alt": f"{page.title}: {about}"}
    scripts = ["site.js", *(name for name, places in SCRIPTS.items() if page.address in places)]
    return "\n".join([
        f'<link rel="canonical" href="{html.escape(url)}">',
        f'<link rel="alternate" type="text/markdown" href="{page.root}{html.escape(page.address)}.html.md">',
        f'<link rel="alternate" type="application/rss+xml" title="Changes of the catalogue" href="{page.root}feed.xml">',
        *(f'<meta property="{name}" content="{html.escape(value)}">' for name, value in metas.items()),
        '<meta name="twitter:card" content="summary_large_image">',
        *(f'<script defer src="{page.root}assets/{name}"></script>' for name in scripts), HEAD_ENDS,
    ])


def open_first(text, most=2):
    "The home page with the first sections of the sidebar open: what there is to read, and this year's models; a renderer opens none"
    section = r'<ul id="([^"]+)" class="collapse list-unstyled sidebar-section depth1'
    for place in re.findall(section, text)[:most]:
        def opened(found):
            "What opens the section, as it is once it is open"
            return re.sub(r'\bcollapsed\b', "", found[0]).replace('aria-expanded="false"', 'aria-expanded="true"')
        text = re.sub(rf'<a\b[^>]*data-bs-target="#{re.escape(place)}"[^>]*>', opened, text)
        text = re.sub(rf'(<ul id="{re.escape(place)}" class="[^"]*?depth1)\s*"', r'\1 show"', text)
    return text


def keep_whole(text):
    "A page whose dates, and numbers with a unit, stay on one line in the cells of tables; a browser would break a date after its hyphen"
    return WHOLE.sub(r'<\1\2 data-whole>\3</\1>', text)


@cache
def places_in(path):
    "The places of a page that a link can lead to; completing a page adds none"
    return set(re.findall(r'\bid="([^"]*)"', path.read_text(encoding="utf-8"))) if path.is_file() else set()


def own_link(link, page, docs):
    "A link of nbdev to a name of the package, so that it works wherever the site is; names without a place of their own lead to the page"
    place = link[2] if link[2] and link[2][1:] in places_in(docs / link[1]) else ""
    return f'href="{page.root}{link[1]}{place}"'


def attribute(tag, name):
    "An attribute of a tag, None if it has none of this name"
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found and found[1]


def one_theme(text):
    """The sheet of the light theme in place of that of the dark one, so that a page loads one, not two of 60 kB each.

    All that is left of the dark theme is the sign by which the renderers switch; its colours are those of site.css.
    """
    sheets = [tag for tag in SHEET.findall(text) if attribute(tag, "data-mode") in ("light", "dark") and attribute(tag, "href")]
    light = next((attribute(tag, "href") for tag in sheets if attribute(tag, "data-mode") == "light"), None)
    for tag in sheets if light else ():
        if attribute(tag, "data-mode") == "dark": text = text.replace(tag, tag.replace(attribute(tag, "href"), light))
    return text


def mark_current(text, page):
    """The page with the entry of the bar marked that leads to this page, and no other.

    Quarto marks the first entry of the bar that the sidebar has as well, whatever page is shown.
    """
    def marked(found):
        "A link of the bar, with or without the mark"
        tag = re.sub(r'\s+aria-current="[^"]*"', "", found[0])
        names = [name for name in (attribute(tag, "class") or "").split() if name != "active"]
        here = posixpath.normpath(posixpath.join(posixpath.dirname(page.address), attribute(tag, "href") or "")) == f"{page.address}.html"
        tag = tag.replace(f'class="{attribute(tag, "class")}"', f'class="{" ".join(names + ["active"] * here)}"')
        return tag[:-1] + ' aria-current="page">' if here else tag
    bar = re.search(r'<nav\b[^>]*class="navbar\b.*?</nav>', text, flags=re.DOTALL)
    return text.replace(bar[0], re.sub(r'<a\b[^>]*class="nav-link[^>]*>', marked, bar[0]), 1) if bar else text


def complete(page, docs, config, site_url):
    "Put what all pages have into the HTML of one; raises if the renderer left out what it stands beside"
    path = docs / f"{page.address}.html"
    text = path.read_text(encoding="utf-8")
    text = re.sub(rf'href="{re.escape(site_url)}/([^"#]*)(#[^"]*)?"', lambda link: own_link(link, page, docs), text)
    text = keep_whole(mark_current(one_theme(NOTEBOOK_LIBRARIES.sub("", text)), page))
    if page.address == "index": text = open_first(text)
    found = re.search(r'<header[^>]*id="title-block-header"', text)
    if HEAD_ENDS not in text or not found: raise ValueError(f"{path.name} has no head, or no header with its title")
    text = text[: found.end()] + text[found.end():].replace(TITLE_ENDS, TITLE_ENDS + notebook_links(page, config), 1)
    if page.description and '<meta name="description"' not in text:
        text = text.replace(HEAD_ENDS, f'<meta name="description" content="{html.escape(page.description)}">\n{HEAD_ENDS}', 1)
    path.write_text(text.replace(HEAD_ENDS, head(page, site_url, config.title), 1), encoding="utf-8")


@cache
def fonts():
    "The fonts that matplotlib brings, in two sizes"
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / "DejaVuSans-Bold.ttf", 72), ImageFont.truetype(folder / "DejaVuSans.ttf", 38)


def card(title, lines, target):
    "A picture that stands beside a link to a page"
    picture = Image.new("RGB", (1200, 630), "#12303f")
    draw, (large, small) = ImageDraw.Draw(picture), fonts()
    while draw.textlength(title, large) > 1060 and len(title) > 10: title = title[:-2].rstrip("…") + "…"
    draw.rectangle((0, 0, 18, 630), fill="#e8b04a")
    draw.text((80, 120), title, "#ffffff", large)
    for number, line in enumerate(lines): draw.text((80, 270 + 64 * number), line, "#cfe3ea", small)
    draw.text((80, 540), "slm_overview: small language models, with sources", "#8fb3c0", small)
    picture.save(target)


def cards(docs, catalog):
    "A card for the site, and one for each model"
    (docs / "cards").mkdir(exist_ok=True)
    numbers = [f"{len(catalog)} models, each fact with its source", "How much memory, which licence, what fits"]
    card("Small language models", numbers, docs / "cards" / "site.png")
    for model in catalog:
        context = min(4096, model.context_length)
        needs = format_bytes(size(model, dtype="bfloat16", context=context).required)
        count = f"{model.parameters / 1e9:.2f} billion" if model.parameters >= 1e9 else f"{model.parameters / 1e6:.1f} million"
        lines = [f"{count} parameters, {model.kind}", f"{needs} in 16 bits for {context:,} tokens",
                 f"{model.terms.name[:44]}"]
        card(model.name, lines, docs / "cards" / f"{model.slug}.png")


def write_data(docs, data, catalog, site_url):
    "What programs and scripts read"
    for name in ("catalog.json", "record.schema.json"): shutil.copy(data / name, docs / name)
    (docs / "models").mkdir(exist_ok=True)
    measured = measured_data(read_measured(ROOT / "benchmarks" / "results" / "measured", catalog))
    for model in catalog:
        known = model_data(model, measured["models"].get(model.slug, ()))
        (docs / "models" / f"{model.slug}.json").write_text(json.dumps(known, default=str, indent=1))
    (docs / "measured.json").write_text(json.dumps(measured, indent=1))
    (docs / "chooser.json").write_text(json.dumps(chooser_data(catalog), separators=(",", ":")))
    (docs / "references.bib").write_text(bibtex(), encoding="utf-8")
    (docs / "feed.xml").write_text(feed(site_url, catalog), encoding="utf-8")


def sections(pages, site_url):
    "The pages by the sections of the sidebar, for the index"
    places = {page.source.as_posix(): page for page in pages}
    found = {}
    def visit(entries, heading):
        "Collect the pages of a list of the sidebar"
        for entry in entries:
            if isinstance(entry, dict) and "section" in entry: visit(entry.get("contents", []), entry["section"])
            elif (name := entry if isinstance(entry, str) else entry.get("href", "")) in places:
                page = places[name]
                found.setdefault(heading, []).append((page.title, f"{site_url}/{page.address}.html.md", page.description))
    config = yaml.safe_load((Path(get_config().config_path) / "_quarto.yml").read_text(encoding="utf-8"))
    sidebars = config["website"]["sidebar"]
    for sidebar in sidebars if isinstance(sidebars, list) else [sidebars]: visit(sidebar["contents"], sidebar.get("title", "Start"))
    return found


def add_beside(page, docs, nbs, addresses):
    "Put the twin of a page beside it, and its notebook where it can be downloaded"
    (docs / f"{page.address}.html.md").write_text(to_twins(twin(page), page, addresses), encoding="utf-8")
    if page.source.suffix != ".ipynb": return
    target = docs / "notebooks" / page.source
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(nbs / page.source, target)


def write_index(docs, config, pages, site_url):
    "The index for language models"
    summary = "A sourced catalogue of small language models, and tools to size, choose, run and measure them on hardware you own."
    files = {"catalog.json": "every record, with its sources", "chooser.json": "memory of each model by context and precision",
             "references.bib": "the literature", "record.schema.json": "what a record may hold"}
    data = [(name, f"{site_url}/{name}", about) for name, about in files.items()]
    (docs / "llms.txt").write_text(llms_txt(config.title, summary, sections(pages, site_url) | {"Data": data}), encoding="utf-8")


def publish(docs, processed, only=None):
    "Complete the site in a folder, or only some of its pages"
    config = get_config()
    site_url, pages = config.doc_host + config.doc_baseurl, pages_of(processed)
    shutil.copytree(config.nbs_path / "assets", docs / "assets", dirs_exist_ok=True)
    addresses = {page.source.as_posix(): page.address for page in pages}
    for page in pages:
        if only is not None and page.address not in only: continue
        complete(page, docs, config, site_url)
        add_beside(page, docs, config.nbs_path, addresses)
    if only is not None: return
    trim_icons(docs)
    catalog = Catalog.load()
    write_data(docs, config.lib_path / "data", catalog, site_url)
    cards(docs, catalog)
    write_index(docs, config, pages, site_url)
