"""EPUB books: their chapters in reading order.

Owns the container, the package file and the spine; chapters are HTML.
"""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from index.errors import FileFailed, FileSkipped
from index.extract.archive import Archive
from index.extract.charsets import declared_in_markup
from index.extract.decode import decode
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.html import add_html
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_MOST_CHAPTER = 16 * MEBIBYTE


def read(source: Source) -> Document:
    """A book; its title is the package's."""
    archive = Archive(source)
    if archive.has("META-INF/rights.xml"):
        raise FileSkipped("It is protected against copying (DRM).")
    builder = DocumentBuilder()
    title, chapters = _package(archive)
    for number, name in enumerate(chapters, 1):
        if builder.full or source.past_deadline:
            builder.notes.append(f"Chapters {number} to {len(chapters)} are not read.")
            break
        try:
            chapter = archive.member(name, _MOST_CHAPTER)
            add_html(builder, decode(chapter, declared_in_markup(chapter)))
        except (FileFailed, FileSkipped):
            builder.notes.append(f"{name} is damaged and not read.")
    return builder.document("epub", title)


def _package(archive: Archive) -> tuple[str, list[str]]:
    """The book's title and its chapters' names in the order of the spine."""
    try:
        rootfile = next(archive.tree("META-INF/container.xml").iter("rootfile"), None)
        package = rootfile.get("full-path") or "" if rootfile is not None else ""
    except FileFailed:
        package = next((name for name in archive.names if name.endswith(".opf")), "")
    if not package:
        raise FileFailed("It is damaged: it does not say where its contents are listed.")
    root = archive.tree(package)
    folder = posixpath.dirname(package)
    items = {item.get("id"): item.get("href") or "" for item in root.iter("item")}
    spine = [items.get(ref.get("idref"), "") for ref in root.iter("itemref")]
    names = [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in spine if href]
    title = next(root.iter("title"), None)
    return one_line(title.text or "") if title is not None else "", [
        name for name in names if archive.has(name)
    ]
