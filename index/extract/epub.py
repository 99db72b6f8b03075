"""EPUB books: their chapters in reading order, named as the table of contents names them.

Owns the container, the package file, the spine and the table of contents; chapters are HTML.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from index.errors import FileFailed, FileSkipped
from index.extract.archive import Archive
from index.extract.charsets import declared_in_markup
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.front_matter import bounded
from index.extract.html import add_html
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_MOST_CHAPTER = 16 * MEBIBYTE
_MOST_ENTRIES = 5_000
_FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""How fonts are made unusable elsewhere, which locks no text."""
_HEADING = re.compile(r"<h[1-6][\s>]", re.IGNORECASE)
_HEADINGS = re.compile(r"<h[1-6][\s>](.*?)</h[1-6]", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,4000}>")
_DEEPEST = 6
_FIELDS = {
    "creator": "author",
    "subject": "tag",
    "date": "date",
    "publisher": "publisher",
    "language": "language",
}
"""Elements of Dublin Core, and the fields that they are."""


class ContentsEntry(NamedTuple):
    """An entry of the table of contents."""

    level: int
    title: str
    fragment: str
    """The `id` in the chapter at which it begins; empty for the chapter's start."""


def read(source: Source) -> Document:
    """A book; its title is the package's."""
    archive = Archive(source)
    _refuse_locked(archive)
    builder = DocumentBuilder()
    package, root = _package(archive)
    title, chapters, contents = _listed(archive, package, root)
    about = _about(root)
    builder.add(", ".join(value for name, value in about if name == "author"))
    builder.add(_description(root))
    for number, name in enumerate(chapters, 1):
        if builder.full or source.past_deadline:
            builder.notes.append(f"Chapters {number} to {len(chapters)} are not read.")
            break
        try:
            chapter = archive.member(name, _MOST_CHAPTER)
            markup = decode_text(chapter, declared_in_markup(chapter))
            add_html(builder, _with_contents_headings(builder, markup, contents.get(name, [])))
        except (FileFailed, FileSkipped):
            builder.notes.append(f"{name} is damaged and not read.")
    return replace(builder.document("epub", title), fields=bounded(about))


def _refuse_locked(archive: Archive) -> None:
    """Raise FileSkipped where the chapters are encrypted: Adobe's, Apple's and Readium's protection."""
    locked = archive.has("META-INF/license.lcpl") or archive.has("META-INF/sinf.xml")
    if archive.has("META-INF/encryption.xml"):
        methods = (
            node.get("Algorithm") for node in archive.tree("META-INF/encryption.xml").iter("EncryptionMethod")
        )
        locked = locked or any(method not in _FONTS_ONLY for method in methods)
    elif archive.has("META-INF/rights.xml"):
        locked = True
    if locked:
        raise FileSkipped("It is protected against copying (DRM).")


def _with_contents_headings(builder: DocumentBuilder, markup: str, entries: list[ContentsEntry]) -> str:
    """The chapter with headings where the table of contents names what has none of its own."""
    if not entries:
        return markup
    own = [_letters(_TAG.sub(" ", found[1])) for found in _HEADINGS.finditer(markup)]
    for entry in entries:
        if _letters(entry.title) in own or any(_letters(entry.title) in words for words in own):
            continue
        if not entry.fragment:
            builder.open(entry.level, entry.title)
        elif not _HEADING.search(markup):
            return _with_headings(builder, markup, entries)
    return markup


def _with_headings(builder: DocumentBuilder, markup: str, entries: list[ContentsEntry]) -> str:
    """A chapter without headings with one before each element that an entry leads to."""
    for entry in entries:
        place = re.search(
            rf"<[a-zA-Z][^<>]{{0,2000}}\bid\s*=\s*[\"']{re.escape(entry.fragment)}[\"']", markup
        )
        if entry.fragment and place is not None:
            heading = f"<h{entry.level}>{escape(entry.title)}</h{entry.level}>"
            markup = markup[: place.start()] + heading + markup[place.start() :]
    return markup


def _letters(words: str) -> str:
    return "".join(c for c in words.lower() if c.isalnum())


def _package(archive: Archive) -> tuple[str, Element]:
    """The name of the part that lists what is in the book, and that part."""
    try:
        rootfile = next(archive.tree("META-INF/container.xml").iter("rootfile"), None)
        package = rootfile.get("full-path") or "" if rootfile is not None else ""
    except FileFailed:
        package = next((name for name in archive.names if name.endswith(".opf")), "")
    if not package:
        raise FileFailed("It is damaged: it does not say where its contents are listed.")
    return package, archive.tree(package)


def _about(root: Element) -> list[tuple[str, str]]:
    """What the package says of the book, as fields."""
    said = [
        (_FIELDS[node.tag], one_line("".join(node.itertext()))) for node in root.iter() if node.tag in _FIELDS
    ]
    return [(name, value[:10] if name == "date" else value) for name, value in said if value]


def _description(root: Element) -> str:
    """What the publisher says of the book, which may be HTML inside the XML."""
    found = next(root.iter("description"), None)
    if found is None:
        return ""
    page = DocumentBuilder()
    add_html(page, "".join(found.itertext()))
    return page.document("epub").text


def _listed(
    archive: Archive, package: str, root: Element
) -> tuple[str, list[str], dict[str, list[ContentsEntry]]]:
    """The book's title, its chapters' names in the order of the spine, and the contents by chapter."""
    items = {item.get("id"): item for item in root.iter("item")}
    spine = (items.get(ref.get("idref")) for ref in root.iter("itemref"))
    listed = [item for item in spine if item is not None] or [
        item for item in items.values() if "html" in (item.get("media-type") or "")
    ]
    names = [_target(package, item.get("href") or "")[0] for item in listed]
    title = next(root.iter("title"), None)
    return (
        one_line(title.text or "") if title is not None else "",
        [name for name in names if archive.has(name)],
        _contents(archive, package, [*items.values()]),
    )


def _target(base: str, href: str) -> tuple[str, str]:
    """The member and the place in it that a reference in `base` leads to."""
    path, _, fragment = href.partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(path))), unquote(fragment)


def _contents(archive: Archive, package: str, items: list[Element]) -> dict[str, list[ContentsEntry]]:
    """The table of contents by chapter: of EPUB 3 (nav), else of EPUB 2 (NCX)."""
    found: dict[str, list[ContentsEntry]] = {}
    by_nav = [item for item in items if "nav" in (item.get("properties") or "").split()]
    by_ncx = [item for item in items if item.get("media-type") == "application/x-dtbncx+xml"]
    for item in (*by_nav, *by_ncx):
        name = _target(package, item.get("href") or "")[0]
        try:
            root = archive.tree(name)
        except FileFailed:
            continue
        for count, (level, title, href) in enumerate(_in_nav(root) if item in by_nav else _in_ncx(root)):
            if count < _MOST_ENTRIES and title and href:
                chapter, fragment = _target(name, href)
                found.setdefault(chapter, []).append(ContentsEntry(min(level, _DEEPEST), title, fragment))
        if found:
            break
    return found


def _in_nav(root: Element) -> Iterator[tuple[int, str, str]]:
    navs = list(root.iter("nav"))
    tables = [nav for nav in navs if nav.get("type") == "toc"] or navs[:1]
    waiting = [(table, 0) for table in reversed(tables)]
    while waiting:
        node, level = waiting.pop()
        if node.tag == "a":
            yield level, one_line("".join(node.itertext())), node.get("href") or ""
        else:
            below = level + (node.tag == "ol")
            waiting.extend((child, below) for child in reversed(node))


def _in_ncx(root: Element) -> Iterator[tuple[int, str, str]]:
    waiting = [(child, 0) for child in reversed(root.findall("navMap"))]
    while waiting:
        node, level = waiting.pop()
        if node.tag == "navPoint":
            label, content = node.find("navLabel/text"), node.find("content")
            title = one_line(label.text or "") if label is not None else ""
            yield level, title, (content.get("src") or "") if content is not None else ""
        waiting.extend((child, level + 1) for child in reversed(node) if child.tag == "navPoint")
