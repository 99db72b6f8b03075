"""PowerPoint: a slide is a page with its title, texts, tables, charts and the speaker's notes.

Owns PresentationML.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.errors import FileFailed
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, table_row
from index.extract.docx import core_title
from index.extract.drawingml import add_drawings
from index.extract.source import Source
from index.types import Document

_SLIDE = re.compile(r"^/?ppt/slides/slide(\d{1,9})\.xml$", re.IGNORECASE)
_SKIPPED_PLACES = frozenset({"dt", "ftr", "sldNum", "hdr"})


def read(source: Source) -> Document:
    """A presentation; `pages` are its slides in the order they are shown."""
    archive = Archive(source)
    slides = _slides(archive)
    if not slides:
        raise FileFailed("It is no presentation: it has no slides.")
    builder = DocumentBuilder()
    for number, name in enumerate(slides, 1):
        if builder.full or source.past_deadline:
            builder.notes.append(f"Slides {number} to {len(slides)} are not read.")
            break
        builder.begin_page()
        try:
            _slide(archive, name, number, builder)
        except FileFailed:
            builder.notes.append(f"Slide {number} is damaged and not read.")
    return builder.document("pptx", core_title(archive))


def _slides(archive: Archive) -> list[str]:
    """The slides' names in the order of the presentation, else of their numbers."""
    numbered = sorted((int(m[1]), name) for name in archive.names if (m := _SLIDE.match(name)))
    every = dict.fromkeys(name for _, name in numbered)
    try:
        targets = _targets(archive, "ppt/presentation.xml")
        order = [
            targets.get(slide.get("id") or "", "")
            for slide in archive.tree("ppt/presentation.xml").iter("sldId")
        ]
    except FileFailed:
        return list(every)
    return list(dict.fromkeys([*(name for name in order if name in every), *every]))


def _targets(archive: Archive, part: str) -> dict[str, str]:
    """The parts that `part` refers to, by the id of the reference."""
    folder, name = posixpath.split(part)
    root = archive.tree(f"{folder}/_rels/{name}.rels")
    return {
        link.get("Id") or "": posixpath.normpath(posixpath.join(folder, link.get("Target") or "")).lstrip("/")
        for link in root.iter("Relationship")
    }


def _slide(archive: Archive, name: str, number: int, builder: DocumentBuilder) -> None:
    root = archive.tree(name)
    shapes = list(_shapes(root))
    title = next((one_line(_text(shape)) for shape in shapes if _place(shape) in ("title", "ctrTitle")), "")
    builder.open(1, title or f"Slide {number}", shown=bool(title))
    for shape in shapes:
        if shape.tag == "tbl":
            for row in nearest_elements(shape, ("tr",)):
                if line := table_row([_text(cell) for cell in row.findall("tc")]):
                    builder.add(line, "row")
        elif _place(shape) not in ("title", "ctrTitle", *_SKIPPED_PLACES):
            builder.add(_text(shape), "slide")
    parts = _linked(archive, name)
    add_drawings(builder, archive, parts)
    for target in parts:
        for shape in _shapes(archive.tree(target)) if "notesSlide" in target else ():
            if _place(shape) == "body":
                builder.add(_text(shape), "prose")


def _shapes(root: Element) -> Iterator[Element]:
    """Shapes with text and tables, in drawing order, groups opened."""
    for element in nearest_elements(root, ("sp", "tbl")):
        if element.tag == "tbl" or element.find("txBody") is not None:
            yield element


def _place(shape: Element) -> str:
    found = shape.find("nvSpPr/nvPr/ph")
    return (found.get("type") or "body") if found is not None else ""


def _text(shape: Element) -> str:
    """The paragraphs of a shape as lines."""
    lines = (
        "".join(node.text or "" if node.tag == "t" else "\n" for node in p.iter() if node.tag in ("t", "br"))
        for p in nearest_elements(shape, ("p",))
    )
    return "\n".join(line for line in lines if line.strip())


def _linked(archive: Archive, name: str) -> list[str]:
    """The parts of the archive that a slide refers to."""
    try:
        return [part for part in dict.fromkeys(_targets(archive, name).values()) if archive.has(part)]
    except FileFailed:
        return []
