"The font of icons that a renderer brings, cut down to the icons that the site shows: of two thousand fewer than a hundred."
import logging
import re

from fontTools import subset
from fontTools.ttLib import TTFont

RULE = re.compile(r"""\.bi-([a-z0-9-]+)::?before\s*\{\s*content:\s*["']\\([0-9a-f]{4,6})["'];?\s*\}\s*""", re.IGNORECASE)
SOURCE = re.compile(r"""\bsrc:\s*[^;}]*?url\(["']?([^"')?#]+\.woff)\b[^;}]*""")  # the sources of a font, of which one is a woff
CONTENT = re.compile(r"""content:\s*["']\\([0-9a-f]{4,6})["']""", re.IGNORECASE)
CLASS, WORD = re.compile(r"\bbi-([a-z0-9-]+)"), re.compile(r"[\w-]+")
SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)


logging.getLogger("fontTools").setLevel(logging.ERROR)  # it says of each font that its names have two bytes too many


def used_in(docs, sheet, known):
    """The names of the icons that the site shows: those of classes, those that another sheet shows by their code, and each word of a
    script, in a file or in a page, that is the name of an icon, since scripts put the names of classes together"""
    found, codes = set(), {code: name for name, code in known.items()}
    for path in docs.rglob("*"):
        if path == sheet or path.suffix not in (".html", ".js", ".css"): continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found.update(CLASS.findall(text))
        scripts = {".js": [text], ".html": SCRIPT.findall(text)}.get(path.suffix, [])
        for script in scripts: found.update(WORD.findall(script))
        if path.suffix == ".css": found.update(codes[code] for code in map(str.lower, CONTENT.findall(text)) if code in codes)
    return found & set(known)


def trim_font(path, codes):
    "Leave only some code points in a font; a web font is compressed with zlib, which Python has"
    with TTFont(path, recalcTimestamp=False) as font:
        cutter = subset.Subsetter(subset.Options(drop_tables=["FFTM", "GSUB"], glyph_names=False))
        cutter.populate(unicodes=codes)
        cutter.subset(font)
        font.save(path)


def trim_icons(docs):
    "Leave what the site shows in each sheet of icons and in its font; returns the names that stay, by sheet"
    kept = {}
    for sheet in sorted(docs.glob("site_libs/**/bootstrap-icons*.css")):
        text = sheet.read_text(encoding="utf-8")
        known, source = {name: code.lower() for name, code in RULE.findall(text)}, SOURCE.search(text)
        if not known or not source: raise ValueError(f"{sheet.name} does not say what its icons are, or where their font is")
        names = used_in(docs, sheet, known)
        trim_font(sheet.parent / source[1], [int(known[name], 16) for name in names])
        text = SOURCE.sub(f'src:url("{source[1]}") format("woff")', text, count=1)
        sheet.write_text(RULE.sub(lambda rule, names=names: rule[0] if rule[1] in names else "", text), encoding="utf-8")
        for other in sheet.parent.rglob("*.woff2"): other.unlink()  # the same font once more, which nothing asks for any longer
        kept[sheet.relative_to(docs).as_posix()] = sorted(names)
    return kept
