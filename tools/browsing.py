"A server like that of the published site, and a real browser that opens its pages; what tools/browser.py is made with."
import gzip
import mimetypes
import threading
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

from environment import find_browser

BASE = "/slm_overview/"  # where the published site is on its server
SEARCH_BOX, SEARCH_RESULT = "#quarto-search input", ".smalldocs-search-results a"  # the one place that knows the renderer
FORM, TABLE = 'form[data-for="catalogue"]', "#catalogue"  # the table of models, and what is above it
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


class CheckFailed(Exception):
    "What did not hold, for people"


def need(holds, message):
    "Raise `CheckFailed` unless something holds"
    if not holds: raise CheckFailed(message)


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


@contextmanager
def browser(**options):
    "A browser and a context of it"
    program = find_browser()  # before the context below, in which playwright cannot be asked for its own browser
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        try: yield one.new_context(viewport=DESKTOP, **options)
        finally: one.close()


@contextmanager
def opened(site, address, **options):
    "A page of the site in a browser of its own"
    with browser(**options) as context:
        page = context.new_page()
        page.goto(f"{site}{address}")
        yield page


def addresses(folder):
    "Every page of the site"
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.html") if "site_libs" not in path.parts)


class Links(HTMLParser):
    "What a page points at, and what can be pointed at in it, as often as it occurs"

    def __init__(self):
        super().__init__()
        self.targets, self.ids, self.unnamed = [], [], []

    def handle_starttag(self, tag, attributes):
        "Collect addresses, ids, and pictures that nobody can hear"
        found = dict(attributes)
        if found.get("id"): self.ids.append(found["id"])
        linking = tag in ("a", "link", "img", "script", "source")
        self.targets += [found[name] for name in ("href", "src") if linking and found.get(name)]
        if tag == "img" and "alt" not in found: self.unnamed.append(str(found.get("src"))[:60])


@cache
def read_page(path):
    "The links of a page"
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def slugs_shown(page, table=TABLE):
    "The models in the rows that are shown, in their order"
    return page.eval_on_selector_all(f"{table} tbody tr:not([hidden])", "rows => rows.map(row => row.dataset.slug)")
