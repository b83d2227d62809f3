"""A small site with the traits of Quarto 1.7 that our pages have to live with, and the check that they do.

Quarto itself is not at hand where the checks run. Its pages differ from those of smalldocs in what is written here: what they load, how
the search is made, and rules that are stronger than ours. Each part of the check fails when the mend that it is about is taken out.
"""
import json
import shutil
import tempfile
from pathlib import Path

import smalldocs
from nbdev.config import get_config

from browsing import (
    DESKTOP,
    PHONE,
    SEARCH_BOX,
    SEARCH_EMPTY,
    SEARCH_OPENER,
    SEARCH_RESULT,
    browser,
    loads_elsewhere,
    need,
    open_search,
    served,
    settled,
    show,
    too_wide,
    violations,
    watch,
)
from icons import trim_icons
from publish import Page, complete

ICONS = Path(smalldocs.__file__).parent / "assets" / "vendor" / "bootstrap-icons"
LIBRARIES = """
<script src="https://cdnjs.cloudflare.com/ajax/libs/require.js/2.3.6/require.min.js"
 integrity="sha512-AA==" crossorigin="anonymous"></script>
<script src="https://cdnjs.cloudflare.com/ajax/libs/jquery/3.5.1/jquery.min.js"
 integrity="sha512-AA==" crossorigin="anonymous" data-relocate-top="true"></script>
<script type="application/javascript">define('jquery', [],function() {return window.jQuery;})</script>
"""
LIGHT = """
*, ::before, ::after { box-sizing: border-box }
:root { --bs-link-color-rgb: 13,110,253 }
body { background: #fff; color: #212529; font-size: 17px; margin: 0 }
main a:not([class]) { color: rgba(var(--bs-link-color-rgb), 1) }
pre.sourceCode { overflow: visible !important }
div.sourceCode { overflow: auto hidden }
code { color: #7d12ba; font-size: .875em }
p code:not(.sourceCode), li code:not(.sourceCode), td code:not(.sourceCode) { background-color: #f6f6f6; padding: .2em }
table { caption-side: top }
.navbar, .navbar-container { align-items: center; display: flex; flex-wrap: wrap; width: 100% }
.breadcrumb { display: flex; flex-wrap: wrap; font-size: .875rem; line-height: 1.2; list-style: none; margin: 0 }
.breadcrumb-item + .breadcrumb-item::before { content: ">"; padding: 0 .5rem }
#quarto-search { order: 999 }
.aa-DetachedSearchButton { background: none; border: 0 }
.aa-DetachedSearchButtonPlaceholder, .aa-DetachedSearchButtonQuery { display: none }
.navbar .aa-DetachedSearchButtonIcon { color: #545555 }
.aa-DetachedOverlay { background: rgba(33, 37, 41, .4); height: 100vh; left: 0; position: fixed; right: 0; top: 0; z-index: 1100 }
.aa-DetachedContainer { background: rgba(255, 255, 255, .65); margin: 0 auto; max-width: 680px }
.aa-DetachedFormContainer { background: #fff; display: flex; padding: .5em }
.aa-DetachedCancelButton { background: none; border: 0; color: #212529; padding: .5em }
.aa-Panel { background: #fff }
.aa-List { list-style: none; margin: 0; padding: 0 }
.aa-DetachedOverlay li.aa-Item .search-item { background-color: #fff; color: #212529; padding: .5em }
.aa-DetachedOverlay li.aa-Item[aria-selected="true"] .search-item.search-item { background-color: #0d6efd }
.aa-DetachedOverlay li.aa-Item[aria-selected="true"] .search-item .search-result-title { background-color: #0d6efd; color: #fff }
.aa-DetachedOverlay a.search-result-link { color: inherit; text-decoration: none }
.sidebar nav[role="doc-toc"] ul > li > a { color: #595959; display: block; font-size: .875rem }
.sidebar nav[role="doc-toc"] ul > li > a.active { color: #0d6efd !important }
main.content > section:first-of-type > h2:first-child { margin-top: 0 }
@media (max-width: 991px) { #quarto-content section:first-of-type h2:first-of-type { margin-top: 1rem } }
details { margin-bottom: 1em }
.code-copy-button { background-color: transparent; border: 0; margin: 5px 5px 0 0; position: absolute; right: 0; top: 0; z-index: 3 }
.code-copy-button > .bi::before { content: ""; display: inline-block; height: 1rem; width: 1rem }
pre.sourceCode, div.sourceCode { position: relative }
.collapse:not(.show) { display: none }
div.sidebar-item-container { color: #595959; display: flex }
.sidebar-navigation a { color: inherit }
.page-navigation { display: flex; justify-content: space-between }
.nav-page a { color: rgba(33, 37, 41, .75); display: flex; align-items: center; text-decoration: none }
.nav-page .bi { font-size: 1.8rem }
.toc-actions a { color: inherit }
.toc-actions .bi::before { color: rgba(33, 37, 41, .75); font-size: .7rem }
.nav-footer, .nav-footer a { color: #757575 }
.page-columns { display: grid; grid-template-columns: [screen-start] 1.5em [screen-start-inset] 5fr
  [page-start page-start-inset body-start-outset body-start] 1.5em [body-content-start] minmax(auto, 750px) [body-content-end] 1.5em
  [body-end body-end-outset page-end-inset page-end] 5fr [screen-end-inset] 1.5em [screen-end] }
.page-columns > * { min-width: 0 }
.page-columns main.content { grid-column: body-content-start / body-content-end }
.page-columns #quarto-margin-sidebar { grid-column: body-end / screen-end }
@media (max-width: 991px) { .page-columns #quarto-margin-sidebar { display: none } }
"""
DARK = LIGHT + """
body { background: #272b30; color: #aaa }
a { color: #fff }
td code:not(.sourceCode) { background-color: #f8f9fa }
.navbar .aa-DetachedSearchButtonIcon { color: #16191c }
"""
# The search of Quarto: the button is made when the page is there, the rest when it is pressed, and the names are taken off again and again
SEARCH = """
document.addEventListener("DOMContentLoaded", () => {
  const words = JSON.parse(document.getElementById("quarto-search-options").textContent);
  const make = (tag, name, parent) => { const e = document.createElement(tag); e.className = name; parent?.append(e); return e; };
  const root = make("div", "aa-Autocomplete", document.getElementById("quarto-search"));
  document.getElementById("quarto-search").classList.add("type-overlay");
  const name = open => {
    const found = { role: "combobox", "aria-expanded": String(open), "aria-haspopup": "listbox" };
    for (const [key, value] of Object.entries(found)) root.setAttribute(key, value);
    root.setAttribute("aria-labelledby", "autocomplete-0-label");
    if (open) root.setAttribute("aria-owns", "autocomplete-0-list");
  };
  name(false);
  root.removeAttribute("aria-labelledby");
  const button = make("button", "aa-DetachedSearchButton", root);
  button.type = "button";
  make("div", "aa-DetachedSearchButtonIcon", button).innerHTML =
    '<svg class="aa-SubmitIcon" width="20" height="20" viewBox="0 0 24 24" fill="currentColor"><path d="M4 4h16v16H4z"/></svg>';
  make("div", "aa-DetachedSearchButtonPlaceholder", button);
  button.addEventListener("click", () => {
    const overlay = make("div", "aa-DetachedOverlay", document.body), box = make("div", "aa-DetachedContainer", overlay);
    const form = make("form", "aa-Form", make("div", "aa-DetachedFormContainer", box));
    form.innerHTML = '<label class="aa-Label" id="autocomplete-0-label"><button class="aa-SubmitButton" type="submit" title="Submit">'
      + '</button></label>'
      + '<input class="aa-Input" type="search" aria-autocomplete="both" aria-labelledby="autocomplete-0-label">';
    make("button", "aa-DetachedCancelButton", form.parentElement).textContent = "Cancel";
    const input = form.querySelector("input"), panel = make("div", "aa-Panel", box);
    const draw = () => {
      name(true);
      input.setAttribute("aria-labelledby", "autocomplete-0-label");
      const found = input.value ? words.pages.filter(page => page.text.includes(input.value)) : [];
      panel.innerHTML = "";
      if (!found.length) panel.innerHTML = '<div class="aa-SourceNoResults">No results</div><div id="autocomplete-0-list"></div>';
      if (!found.length) return;
      const list = make("ul", "aa-List", panel);
      list.id = "autocomplete-0-list";
      list.setAttribute("role", "listbox");
      list.setAttribute("aria-label", "Results");
      found.forEach((page, index) => {
        const item = make("li", "aa-Item", list);
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(index === 0));
        item.innerHTML = `<div class="search-item"><a class="search-result-link" href="${page.href}">`
          + `<p class="search-result-title"><i class="bi bi-${words.icon}"></i> ${page.title}</p></a></div>`;
      });
    };
    input.addEventListener("input", draw);
    form.addEventListener("submit", event => { event.preventDefault(); location.href = panel.querySelector("a").href; });
    draw();
    input.focus();
  });
});
"""
# What Bootstrap does with whatever opens something else
SECTIONS = """
document.addEventListener("click", event => {
  const pressed = event.target.closest("[data-bs-toggle='collapse']");
  if (!pressed) return;
  const open = document.querySelector(pressed.dataset.bsTarget).classList.toggle("show");
  for (const one of document.querySelectorAll(`[data-bs-target="${pressed.dataset.bsTarget}"]`)) one.ariaExpanded = String(open);
});
"""
SIDEBAR = """<nav id="quarto-sidebar" class="sidebar sidebar-navigation floating"><ul class="list-unstyled">
<li class="sidebar-item sidebar-item-section"><div class="sidebar-item-container">
<a class="sidebar-item-text sidebar-link text-start collapsed" data-bs-toggle="collapse" data-bs-target="#section-1" role="navigation"
 aria-expanded="false"><span class="menu-text">A closed section</span></a>
<a class="sidebar-item-toggle text-start collapsed" data-bs-toggle="collapse" data-bs-target="#section-1" role="navigation"
 aria-expanded="false" aria-label="Toggle section"><i class="bi bi-chevron-right ms-2"></i></a></div>
<ul id="section-1" class="collapse list-unstyled sidebar-section depth1"><li class="sidebar-item"><div class="sidebar-item-container">
<a href="wide.html" class="sidebar-item-text sidebar-link"><span class="menu-text">A page of the section</span></a></div></li></ul>
</li></ul></nav>"""
# What a reader of Quarto's pages does with the two themes, by the same names as its own script
THEME = """
{
  const query = matchMedia("(prefers-color-scheme: dark)");
  const turn = () => {
    const rel = query.matches ? "stylesheet" : "disabled-stylesheet";
    for (const sheet of document.querySelectorAll("link.quarto-color-alternate")) sheet.rel = rel;
    document.body.classList.toggle("quarto-dark", query.matches);
    document.body.classList.toggle("quarto-light", !query.matches);
  };
  for (const sheet of document.querySelectorAll("link.quarto-color-scheme-extra")) sheet.rel = "disabled-stylesheet";
  query.addEventListener("change", turn);
  turn();
}
"""
LONG = "a_name_without_an_end_" * 12
MAIN = f"""
<p>A link in a text, <a href="wide.html">to the wide page</a>, one with code, <a href="wide.html"><code>generate</code></a>, and
more text.</p>
<ul><li>A tight list with code: <code>Catalog.load(path="{'folder/' * 12}", strict=True)</code> and
<a href="wide.html"><code>code</code></a></li></ul>
<table class="caption-top table"><caption>A caption that cannot break: {LONG}</caption>
<thead><tr><th>call</th><th>what it does</th></tr></thead>
<tbody><tr><td><code>predict("a text")</code></td><td>labels</td></tr></tbody></table>
<div class="cell-output cell-output-display"><p>Shown by a notebook</p></div>
<table id="chosen" class="table"><tbody><tr><td><details><summary>Ways to run it</summary><p>One</p></details></td></tr></tbody></table>
<div class="sourceCode"><pre class="sourceCode python code-with-copy"><code class="sourceCode python">{'value = ' * 40}1</code><button
 title="Copy to Clipboard" class="code-copy-button"><i class="bi"></i></button></pre></div>
"""
COLUMNS = [f"Heading {number}" for number in range(24)]
HEADS = "".join(f"<th scope='col'>{name}</th>" for name in COLUMNS)
CELLS = "".join(f"<td class='number'>{10**8 + number:,}</td>" for number in range(len(COLUMNS) - 1))
WIDE = f"""<div class="table-box" tabindex="0" role="region" aria-label="Numbers"><table class="numbers"><caption>Numbers</caption>
<thead><tr>{HEADS}</tr></thead><tbody><tr><th scope="row">One</th>{CELLS}</tr></tbody></table></div>"""


def sheets():
    "The links to the two themes: light, dark, and light once more for those without scripts; and the sheets of code the same"
    for folder, name, place in (("bootstrap", "bootstrap", "quarto-bootstrap"), ("quarto-html", "code", "quarto-text-highlighting-styles")):
        for theme, kind in (("", ""), ("-dark", " quarto-color-alternate"), ("", "-extra")):
            mode = f' data-mode="{"dark" if theme else "light"}"' if folder == "bootstrap" else ""
            yield (f'<link href="site_libs/{folder}/{name}{theme}.min.css" rel="stylesheet" class="quarto-color-scheme{kind}" '
                   f'id="{place}"{mode}>')


def page_html(title, main, layout):
    "A page as Quarto writes it"
    found = [{"href": f"{name}.html", "title": name, "text": "grouped-query"} for name in ("wide", "index")]
    options = json.dumps({"icon": "file-richtext", "pages": found})
    return f"""<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en"><head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1.0, user-scalable=yes"><title>{title}</title>
<link href="assets/favicon.svg" rel="icon" type="image/svg+xml">
<style>
code{{white-space: pre;}}
</style>
<script src="site_libs/quarto-search/quarto-search.js"></script>
{"".join(sheets())}
<link href="site_libs/bootstrap/bootstrap-icons.css" rel="stylesheet">
<script id="quarto-search-options" type="application/json">{options}</script>
{LIBRARIES}
<script>{SECTIONS}</script>
<link rel="stylesheet" href="assets/site.css">
</head><body class="nav-sidebar floating nav-fixed quarto-light"><script>{THEME}</script>
<header id="quarto-header" class="headroom fixed-top"><nav class="navbar navbar-expand-lg" data-bs-theme="dark">
<div class="navbar-container container-fluid"><a class="navbar-brand" href="index.html">Title</a>
<div id="quarto-search" class="" title="Search"></div>
<a class="nav-link active" href="./other.html" aria-current="page">Other</a>
<a class="nav-link" href="./wide.html">Wide</a></div></nav>
<nav class="quarto-secondary-nav"><nav class="quarto-page-breadcrumbs" aria-label="breadcrumb">
<ol class="breadcrumb"><li class="breadcrumb-item"><a href="index.html">A section</a></li>
<li class="breadcrumb-item"><a href="wide.html">A page whose name takes more than one line of a phone</a></li></ol></nav></nav></header>
<div id="quarto-content" class="quarto-container page-columns page-rows-contents page-layout-{layout} page-navbar">
{SIDEBAR}
<div id="quarto-margin-sidebar" class="sidebar margin-sidebar">
<nav id="TOC" role="doc-toc" class="toc-active"><h2 id="toc-title">On this page</h2>
<ul><li><a href="#one" class="nav-link active" data-scroll-target="#one">One</a></li></ul>
<div class="toc-actions"><ul><li><a href="index.html" class="toc-action"><i class="bi bi-chat-right"></i>Report an issue</a></li></ul></div>
</nav></div>
<main class="content" id="quarto-document-content"><header id="title-block-header" class="quarto-title-block default">
<div class="quarto-title"><h1 class="title">{title}</h1></div></header>
<section id="one"><h2>One</h2>{main}</section>
<nav class="page-navigation"><div class="nav-page nav-page-previous"><a href="wide.html" class="pagination-link" aria-label="Before">
<i class="bi bi-arrow-left-short"></i> <span class="nav-page-text">Before</span></a></div><div class="nav-page nav-page-next"></div></nav>
</main></div>
<footer class="footer"><div class="nav-footer"><p>Said at the end, <a href="index.html">Feed</a></p></div></footer></body></html>"""


def build(docs):
    "Write the site into a folder, and complete it as the published one is"
    config = get_config()
    libs = docs / "site_libs"
    for folder in ("bootstrap", "quarto-html", "quarto-search"): (libs / folder).mkdir(parents=True)
    (libs / "bootstrap" / "bootstrap.min.css").write_text(LIGHT, encoding="utf-8")
    (libs / "bootstrap" / "bootstrap-dark.min.css").write_text(DARK, encoding="utf-8")
    for name in ("code.min.css", "code-dark.min.css"): (libs / "quarto-html" / name).write_text("", encoding="utf-8")
    (libs / "quarto-search" / "quarto-search.js").write_text(SEARCH, encoding="utf-8")
    icons = (ICONS / "bootstrap-icons.min.css").read_text(encoding="utf-8").replace("fonts/bootstrap-icons", "./bootstrap-icons")
    (libs / "bootstrap" / "bootstrap-icons.css").write_text(icons, encoding="utf-8")
    shutil.copy(ICONS / "fonts" / "bootstrap-icons.woff", libs / "bootstrap" / "bootstrap-icons.woff")
    shutil.copytree(config.nbs_path / "assets", docs / "assets")
    for name, main, layout in (("index", MAIN, "article"), ("wide", f"<p>grouped-query</p>{WIDE}", "full")):
        (docs / f"{name}.html").write_text(page_html(name, main, layout), encoding="utf-8")
        complete(Page(Path(f"{name}.md"), name, name, "", Path(f"{name}.md")), docs, config, config.doc_host + config.doc_baseurl)
    return trim_icons(docs)


RULES = {"rules": {"target-size": {"enabled": True}}}
OPEN_RULES = {"rules": {"nested-interactive": {"enabled": False}}}  # the search of Quarto has its links inside of options


def looks_right(page, site):
    "Every page fits and can be read, in light and dark, on a desktop and a phone, also while the search is open"
    for scheme in ("light", "dark"):
        for viewport in (DESKTOP, PHONE):
            where = f"{scheme}, {viewport['width']} pixels"
            for address in ("wide", "index"):
                page.goto(f"{site}{address}.html")
                show(page, scheme, viewport)
                wide, found = too_wide(page), list(violations(page, RULES))
                need(wide <= 0, f"{address}, {where}: {wide} pixels too wide")
                need(not found, f"{address}, {where}: " + "; ".join(found))
            colours = page.eval_on_selector_all("li a, li a code", "all => all.map(one => getComputedStyle(one).color)")
            need(len(colours) > 1 and len(set(colours[-2:])) == 1, f"{where}: the code in a link has not the colour of the link: {colours}")
            open_results(page)
            found = list(violations(page, OPEN_RULES))
            need(not found, f"the open search, {where}: " + "; ".join(found))


def open_results(page):
    "Open the search, and look for what both pages have"
    open_search(page)
    page.fill(SEARCH_BOX, "grouped-query")
    page.wait_for_selector(SEARCH_RESULT)
    settled(page)


def search_works(page, site):
    "The search comes last in the bar, is seen, leads on with the keyboard, and says when there is nothing"
    page.goto(f"{site}index.html")
    show(page, "dark", DESKTOP)
    order = page.eval_on_selector_all("#quarto-header a, #quarto-header button", "all => all.map(one => one.className)")
    need(order.index("nav-link") < order.index(SEARCH_OPENER[1:]), "Tab comes to the search before the links that it is shown behind")
    ink = page.eval_on_selector(".aa-DetachedSearchButtonIcon svg", "icon => getComputedStyle(icon).fill.match(/\\d+/g).map(Number)")
    need(sum(ink[:3]) > 450, f"the icon of the search is {ink} on a dark bar")
    open_search(page)
    page.fill(SEARCH_BOX, "nothing like it")
    page.wait_for_selector(SEARCH_EMPTY)
    need(page.get_by_role("searchbox", name="Search the site").count() == 1, "the box of the search is not called what it is")
    page.fill(SEARCH_BOX, "grouped-query")
    page.wait_for_selector(SEARCH_RESULT)
    shades = page.eval_on_selector_all(".aa-Item .search-item", "all => all.map(one => getComputedStyle(one).backgroundColor)")
    need(len(set(shades)) == 2, f"the result that Enter opens does not stand out: {shades}")
    with page.expect_navigation(): page.keyboard.press("Enter")
    need(page.url.endswith("wide.html"), f"the search leads to {page.url}")


def frame_works(page, site):
    "The bar marks the page that is shown, a section of the sidebar opens with keys, and headings, folds and buttons leave the text alone"
    for address, wanted in (("index", []), ("wide", ["Wide"])):
        page.goto(f"{site}{address}.html")
        marked = [page.locator(mark).all_inner_texts() for mark in ("[aria-current=page]", "#quarto-header .nav-link.active")]
        need(marked == [wanted, wanted], f"{address} marks {marked}")
    head, link = page.get_by_role("button", name="A closed section", exact=True), page.locator("#section-1 a")
    need(page.locator("#quarto-sidebar [role=navigation]:not([aria-hidden])").count() == 0, "a sign beside a section is read out as well")
    for key, open_ in (("Enter", True), ("Space", False)):
        head.press(key)
        need(link.is_visible() is open_ and head.get_attribute("aria-expanded") == str(open_).lower(), f"{key} leaves the section as it is")
    page.focus(".skip-link")
    stops = [page.keyboard.press("Tab") or page.evaluate("document.activeElement.textContent.trim()") for _ in range(10)]
    need(stops.count("A closed section") == 1, f"Tab does not come to a closed section, but to {stops}")
    page.goto(f"{site}index.html")
    need(link.is_visible() and head.get_attribute("aria-expanded") == "true", "the home page does not show what its first section has")
    for viewport in (DESKTOP, PHONE):
        show(page, "light", viewport)
        room = page.evaluate("""() => document.querySelector("main h2").getBoundingClientRect().top
            - document.querySelector("main header").getBoundingClientRect().bottom""")
        need(room > 35, f"the first heading has {room} pixels above it at {viewport['width']}")
    need(page.eval_on_selector("#chosen details", "fold => getComputedStyle(fold).marginBottom") == "0px", "a fold makes the row taller")
    ink = "button => Number(getComputedStyle(button).opacity)"
    need(page.eval_on_selector(".code-copy-button", ink) == 0, "the button for copying lies on the code")
    page.hover("div.sourceCode")
    need(page.eval_on_selector(".code-copy-button", ink) == 1, "the button for copying does not come when one points at the code")


def table_says_what_it_cuts(page, site):
    "A table uses the width that a page for tables has, and what is still cut is said above it"
    page.goto(f"{site}wide.html")
    show(page, "light", DESKTOP)
    width = page.evaluate("document.querySelector('main').getBoundingClientRect().width")
    need(width > 900, f"the page for wide tables leaves the text {width} pixels of {DESKTOP['width']}")
    said = page.locator(".cut-note").all_inner_texts()
    need(len(said) == 1 and "more columns to the right" in said[0], f"nothing says that the table goes on: {said}")
    script = "box => { box.before(document.createElement('form')); box.dispatchEvent(new Event('scroll')); }"
    page.eval_on_selector(".table-box", script)  # another script puts something above the table
    notes = [page.locator(one).count() for one in (".cut-note", ".cut-note + .table-box")]
    need(notes == [1, 1], f"of {notes[0]} notes {notes[1]} stand right above the table")
    page.eval_on_selector(".table-box", "box => { box.scrollLeft = box.scrollWidth; }")
    settled(page)
    need(not page.is_visible(".cut-note"), "at its right end the table is still said to go on")


def loads_little(requests, docs, kept):
    "One sheet of a theme, and a font of icons that has those that are shown"
    names = {Path(request.split("?")[0]).name for request in requests}
    need({name for name in names if name.startswith("bootstrap") and name.endswith("min.css")} == {"bootstrap.min.css"}, f"loaded: {names}")
    font = docs / "site_libs" / "bootstrap" / "bootstrap-icons.woff"
    need(font.name in names and font.stat().st_size < 20_000, f"the font of icons has {font.stat().st_size:,} bytes; loaded: {names}")
    need("file-richtext" in kept["site_libs/bootstrap/bootstrap-icons.css"], f"the icons that stay are {kept}")


def quarto_traits(site, folder):
    "On pages like those of Quarto, what is loaded, the search, the colours and the widths are as they should be"
    with tempfile.TemporaryDirectory() as place, browser() as context, served(Path(place) / "docs") as own:
        docs = Path(place) / "docs"
        docs.mkdir()
        kept = build(docs)
        loads = list(loads_elsewhere(docs))
        need(not loads, "; ".join(loads))
        page, found, requests = context.new_page(), [], []
        watch(page, own, found)
        page.on("request", lambda request: requests.append(request.url))
        looks_right(page, own)
        search_works(page, own)
        frame_works(page, own)
        table_says_what_it_cuts(page, own)
        need(not found, "; ".join(found))
        loads_little(requests, docs, kept)
