"""A server like that of the published site, and a real browser that opens its pages; what tools/browser.py is made with.

Whatever a check has to know of a renderer stands here.
"""
import gzip
import mimetypes
import re
import threading
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.util import Finalize
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from environment import find_browser
from lanes import CheckFailed, need  # noqa: F401 - for the checks, which take all that they need from here

BASE = "/slm_overview/"  # where the published site is on its server
# smalldocs has a box in the page; Quarto has a button that lays one over the page
SEARCH_OPENER, SEARCH_BOX = ".aa-DetachedSearchButton", "#quarto-search input, .aa-DetachedContainer input"
SEARCH_RESULT, SEARCH_EMPTY = ":is(.smalldocs-search-results, .aa-Item) a", ":is(#quarto-search, .aa-Panel) :text('No results')"
IDS_GIVEN_TWICE = {"quarto-bootstrap", "quarto-text-highlighting-styles"}  # Quarto's own sheets, once for each theme
DARK = "[document.documentElement, document.body].some(part => getComputedStyle(part).colorScheme === 'dark')"
FORM, TABLE = 'form[data-for="catalogue"]', "#catalogue"  # the table of models, and what is above it
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PROBLEMS = {"serious", "critical"}
PATIENCE = 120_000  # milliseconds until something that does not come is given up
SAID = {"canonical", "alternate", "license", "author", "help", "next", "prev", "search"}  # links of a head that load nothing
# Tags that lead nowhere, load nothing and have no name, which are most of a page; a parser in Python is slow
NOTHING = re.compile(
    r"</(?!style|script|title|textarea)\w+>"
    r"|<(?:span|code|td|tr|p|em|strong|li|ul|ol|i|div|th|thead|tbody|sup|bdi|pre|h\d|section)(?: class=\"[^\"<>]*\")?>")
LOADED_BY_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s;]+)""")


@cache
def compressed(file, changed):
    "A file as it is sent; `changed`, its time in nanoseconds, makes a file that changed another one"
    return gzip.compress(file.read_bytes(), 6)


class Handler(BaseHTTPRequestHandler):
    "Files below a folder, compressed"
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        "Answer with a file"
        path = unquote(urlsplit(self.path).path)
        file = self.server.folder / path.removeprefix(BASE) if path.startswith(BASE) else None
        if file and file.is_dir(): file = file / "index.html"
        found = bool(file) and file.is_file()
        body = compressed(file, file.stat().st_mtime_ns) if found else b""
        self.send_response(200 if found else 404)
        kind = mimetypes.guess_type(file.name)[0] if found else "text/plain"
        for name, value in {"Content-Type": kind or "application/octet-stream", "Content-Length": len(body)}.items():
            self.send_header(name, str(value))
        if found: self.send_header("Content-Encoding", "gzip")
        if found and file.suffix in (".css", ".js", ".svg", ".woff"): self.send_header("Cache-Control", "max-age=3600")  # pages share them
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        "Say nothing"


@contextmanager
def served(folder):
    "The address of the site, for as long as the context lasts"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder = Path(folder)
    server.handle_error = lambda *_: None  # a browser that closes hangs up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try: yield f"http://127.0.0.1:{server.server_port}{BASE}"
    finally: server.shutdown()


@cache
def program():
    "The browser of this process: started when it is first needed, and closed when the process ends"
    path = find_browser()  # before playwright is started, after which it cannot be asked for its own browser
    play = sync_playwright().start()
    one = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
    Finalize(None, lambda: (one.close(), play.stop()), exitpriority=1)
    return one


def version():
    "Name and version of the browser"
    return f"{program().browser_type.name} {program().version}"


@contextmanager
def browser(**options):
    "A context of the browser, with nothing in it of another; nothing moves in it, and it waits long, since a busy machine is no fault"
    context = program().new_context(viewport=DESKTOP, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE)
    try: yield context
    finally: context.close()


@contextmanager
def opened(site, address, **options):
    "A page of the site in a context of its own"
    with browser(**options) as context:
        page = context.new_page()
        page.goto(f"{site}{address}")
        yield page


def settled(page):
    "Wait until a page has drawn what changed, and has done what its scripts put off until then: 50 ms at the most"
    page.evaluate("""() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))""")


def show(page, scheme, viewport):
    "Show a page in light or dark, in a window of some size, and wait until it is there"
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(viewport)
    page.wait_for_function(f"dark => ({DARK}) === dark", arg=scheme == "dark")
    settled(page)


def too_wide(page):
    "By how many pixels a page is wider than its window; not positive where it fits"
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def watch(page, site, found):
    "Note whatever goes wrong in a page"
    page.on("console", lambda message: found.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    def failed(request):
        "Note a request that failed; one that the next page cut off did not"
        if "ERR_ABORTED" not in (request.failure or ""): found.append(f"failed: {request.url}")
    page.on("requestfailed", failed)
    page.on("response", lambda reply: found.append(f"{reply.status}: {reply.url}") if reply.status >= 400 else None)
    own = (site, "data:", "blob:")
    page.on("request", lambda request: found.append(f"elsewhere: {request.url}") if not request.url.startswith(own) else None)


def violations(page, rules, within=None):
    "What axe finds that is serious, in one line each; in the whole page, or within a part of it"
    options = {"resultTypes": ["violations"], **rules}
    for one in Axe().run(page, context=within, options=options).response["violations"]:
        if one["impact"] in PROBLEMS: yield f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])} places)"


def open_search(page):
    "Lead the keyboard into the box of the search, as a reader would"
    page.wait_for_selector(f"{SEARCH_OPENER}, {SEARCH_BOX}", state="visible")
    if page.locator(SEARCH_OPENER).count():
        page.focus(SEARCH_OPENER)
        page.keyboard.press("Enter")
    page.wait_for_selector(SEARCH_BOX, state="visible")
    page.focus(SEARCH_BOX)


def addresses(folder):
    "Every page of the site"
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.html") if "site_libs" not in path.parts)


class Links(HTMLParser):
    "What a page points at, what it loads, and what can be pointed at in it, as often as it occurs"

    def __init__(self):
        super().__init__()
        self.targets, self.loads, self.ids, self.unnamed, self.style = [], [], [], [], False

    def handle_starttag(self, tag, attributes):
        "Collect addresses, ids, and pictures that nobody can hear"
        found = dict(attributes)
        self.style = tag == "style"
        if found.get("id"): self.ids.append(found["id"])
        linking = tag in ("a", "link", "img", "script", "source")
        self.targets += [found[name] for name in ("href", "src") if linking and found.get(name)]
        if tag == "img" and "alt" not in found: self.unnamed.append(str(found.get("src"))[:60])
        if tag == "link" and not SAID & set((found.get("rel") or "").split()): self.loads.append(found.get("href") or "")
        self.loads += [found[name] or "" for name in ("src", "data", "poster") if name in found]
        self.loads += [part.split()[0] for part in (found.get("srcset") or "").split(",") if part.strip()]
        self.loads += LOADED_BY_STYLE.findall(found.get("style") or "")

    def handle_data(self, data):
        "What a sheet in the page loads"
        if self.style: self.loads += LOADED_BY_STYLE.findall(data)

    def handle_endtag(self, tag):
        "A sheet in the page ends"
        self.style = False


def loads_elsewhere(folder):
    "Everything that a page or a sheet of the site loads from another server; a link that one follows loads nothing"
    for address in addresses(folder):
        found = {urlsplit(load) for load in read_page(folder / address).loads}
        yield from sorted(f"{address} loads {load.geturl()}" for load in found if load.netloc)
    for path in sorted(Path(folder).rglob("*.css")):
        found = set(LOADED_BY_STYLE.findall(path.read_text(encoding="utf-8", errors="replace")))
        yield from (f"{path.relative_to(folder).as_posix()} loads {load}" for load in sorted(found))


@cache
def read_page(path):
    "The links of a page"
    links = Links()
    links.feed(NOTHING.sub("", path.read_text(encoding="utf-8")))
    return links


def slugs_shown(page, table=TABLE):
    "The models in the rows that are shown, in their order"
    return page.eval_on_selector_all(f"{table} tbody tr:not([hidden])", "rows => rows.map(row => row.dataset.slug)")
