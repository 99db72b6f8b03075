"""PowerPoint: a slide is a page with its title, texts, tables, charts, notes and comments.

Owns PresentationML. Text on every slide (footers, texts of the master) is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.errors import FileFailed
from index.extract import ole, powerpoint_97
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, table_row
from index.extract.docx import core_title
from index.extract.drawingml import add_drawings, choose_alternatives
from index.extract.inside import Inside
from index.extract.linked_parts import Link, linked_parts, main_part
from index.extract.source import Source
from index.types import Document

_SLIDE = re.compile(r"^/?ppt/slides/slide(\d{1,9})\.xml$", re.IGNORECASE)
_COUNTED_PLACES = frozenset({"dt", "sldNum"})
_TITLES = ("title", "ctrTitle")
_FALLBACK = frozenset({"Fallback"})
_EVERYWHERE = re.compile(r"ppt/(?:slideMasters|slideLayouts)/[^/]+\.xml$", re.IGNORECASE)


def read(source: Source) -> Document:
    """A presentation; `pages` are its slides in the order they are shown, hidden ones too."""
    if source.head(len(ole.MAGIC)) == ole.MAGIC:
        return powerpoint_97.read(source)
    archive = Archive(source)
    main = main_part(archive) or "ppt/presentation.xml"
    slides = _slides(archive, main)
    if not slides:
        raise FileFailed("It is no presentation: it has no slides.")
    builder = DocumentBuilder()
    reader = _SlideReader(archive, main, source, builder)
    for place, name in enumerate(slides, 1):
        if builder.full or source.past_deadline:
            builder.notes.append(f"Slides {place} to {len(slides)} are not read.")
            break
        builder.begin_page()
        try:
            reader.slide(name, place)
        except FileFailed:
            builder.notes.append(f"Slide {place} is damaged and not read.")
    reader.masters()
    return builder.document("pptx", core_title(archive))


def _slides(archive: Archive, main: str) -> list[str]:
    """The slides that the presentation shows, in its order; where it does not say, all by their numbers.

    Slides that it does not show any more stay in the files of some programs.
    """
    try:
        targets = {link.id: link.part for link in linked_parts(archive, main)}
        order = [targets.get(slide.get("id") or "", "") for slide in archive.tree(main).iter("sldId")]
    except FileFailed:
        order = []
    numbered = sorted((int(m[1]), name) for name in archive.names if (m := _SLIDE.match(name)))
    return list(dict.fromkeys(filter(None, order))) or [name for _, name in numbered]


class _SlideReader:
    """Slides into a builder."""

    def __init__(self, archive: Archive, main: str, source: Source, builder: DocumentBuilder) -> None:
        self._archive = archive
        self._builder = builder
        self._inside = Inside(source, builder, 2)
        self._authors = _authors(archive, main)
        self._once: set[str] = set()

    def slide(self, name: str, place: int) -> None:
        root = choose_alternatives(self._archive.tree(name))
        shapes = list(_shapes(root))
        title = next((one_line(_text(shape)) for shape in shapes if _place(shape) in _TITLES), "")
        self._builder.open(1, title or f"Slide {place}", shown=bool(title))
        for shape in shapes:
            if _place(shape) not in (*_TITLES, *_COUNTED_PLACES):
                self._shape(shape)
        links = linked_parts(self._archive, name)
        add_drawings(self._builder, self._archive, [link.part for link in links])
        for link in links:
            self._read_link(link)

    def masters(self) -> None:
        """The text on every slide, placeholders left out."""
        self._builder.open(1, "Slide master", shown=False)
        for name in filter(_EVERYWHERE.match, self._archive.names):
            try:
                shapes = [shape for shape in _shapes(self._archive.tree(name)) if not _place(shape)]
            except FileFailed:
                continue
            for shape in shapes:
                self._add_once(_text(shape))
        self._inside.close()

    def _shape(self, shape: Element) -> None:
        if shape.tag == "tbl":
            for row in nearest_elements(shape, ("tr",)):
                if line := table_row([_text(cell) for cell in row.findall("tc")]):
                    self._builder.add(line, "row")
        elif shape.tag == "cNvPr":
            words = (shape.get("title"), shape.get("descr"))
            self._builder.add("\n".join(dict.fromkeys(one_line(said) for said in words if said)))
        elif _place(shape) in ("ftr", "hdr"):
            self._add_once(_text(shape))
        else:
            self._builder.add(_text(shape), "slide")

    def _add_once(self, words: str) -> None:
        if words not in self._once:
            self._once.add(words)
            self._builder.add(words, "slide")

    def _read_link(self, link: Link) -> None:
        """Notes, comments, and documents that are embedded."""
        try:
            if link.kind == "notesSlide":
                for shape in _shapes(self._archive.tree(link.part)):
                    if shape.tag == "sp" and _place(shape) not in (*_COUNTED_PLACES, "hdr", "ftr", "sldImg"):
                        self._builder.add(_text(shape), "prose")
            elif link.kind == "comments":
                for remark in _remarks(self._archive.tree(link.part), self._authors):
                    self._builder.add(remark, "prose")
            elif link.kind == "package":
                self._inside.add_part(self._archive, link.part)
        except FileFailed:
            self._builder.notes.append("Notes or comments of a slide are damaged and not read.")


def _authors(archive: Archive, main: str) -> dict[str, str]:
    """Names of those who comment, by the number or the identifier that comments give."""
    found: dict[str, str] = {}
    for link in linked_parts(archive, main):
        if link.kind in ("commentAuthors", "authors"):
            try:
                people = archive.tree(link.part)
            except FileFailed:
                continue
            found |= {person.get("id") or "": one_line(person.get("name") or "") for person in people}
    return found


def _remarks(root: Element, authors: dict[str, str]) -> Iterator[str]:
    """Comments and the answers to them, in both forms that PowerPoint writes."""
    for remark in root.iter():
        if remark.tag not in ("cm", "reply"):
            continue
        held = remark.find("text")
        body = remark.find("txBody")
        words = (held.text or "") if held is not None else _text(body) if body is not None else ""
        by = authors.get(remark.get("authorId") or "", "")
        yield f"{by}: {words}" if by and words.strip() else words


def _shapes(root: Element) -> Iterator[Element]:
    """Shapes with text, tables and what is said of pictures, in drawing order, groups opened."""
    for element in nearest_elements(root, ("sp", "tbl", "cNvPr"), _FALLBACK):
        if element.tag != "sp" or element.find("txBody") is not None:
            yield element
        if element.tag == "sp":
            yield from nearest_elements(element, ("cNvPr",), ("txBody",))


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
