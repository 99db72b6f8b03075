"""Word documents: headings, paragraphs, lists, tables, text boxes, notes and comments.

Owns WordprocessingML. Reads the archive's XML itself, because footnotes, text boxes and tracked
insertions are what readers of the body alone lose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.errors import FileFailed
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, parse_number, table_row
from index.extract.drawingml import add_drawings
from index.extract.source import Source
from index.types import Document

_MAIN = re.compile(r"^/?word/document\d*\.xml$", re.IGNORECASE)
_HEADING = re.compile(
    r"^(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek|заголовок|見出し|标题)\s*(\d)",
    re.IGNORECASE,
)
_NOTES = (
    ("word/footnotes.xml", "footnote"),
    ("word/endnotes.xml", "endnote"),
    ("word/comments.xml", "comment"),
)
_DROPPED = frozenset(
    {"del", "instrText", "delText", "moveFrom", "rPr", "pPr", "Fallback", "sectPr", "tblPr", "trPr", "tcPr"}
)
_BOXES, _ROWS = frozenset({"txbxContent"}), frozenset({"tr"})
_IN_ROWS, _IN_CELLS = frozenset({"tbl", "txbxContent"}), frozenset({"p", "tbl"})


def read(source: Source) -> Document:
    """A Word document; its title is the properties', else its Title paragraph."""
    archive = Archive(source)
    main = next((name for name in archive.names if _MAIN.match(name)), "")
    if not main:
        raise FileFailed("It is no Word document: it has no text part.")
    builder = DocumentBuilder()
    reader = _Reader(builder, _styles(archive))
    body = archive.tree(main).find("body")
    if body is not None:
        reader.blocks(body)
    add_drawings(builder, archive, archive.names)
    _notes(archive, reader, builder)
    return builder.document("docx", core_title(archive) or reader.title)


def core_title(archive: Archive) -> str:
    """The title among the properties of an Office document; empty where there is none."""
    try:
        found = archive.tree("docProps/core.xml").find("title")
    except FileFailed:
        return ""
    title = one_line(found.text or "") if found is not None else ""
    return (
        ""
        if re.fullmatch(
            r"(?i)(?:powerpoint|word|microsoft|title|untitled|slide|presentation|document)[\w .-]*", title
        )
        else title
    )


class _Reader:
    """The blocks of a body into a builder."""

    def __init__(self, builder: DocumentBuilder, levels: dict[str, int]) -> None:
        self._builder = builder
        self._levels = levels
        self.title = ""

    def blocks(self, parent: Element) -> None:
        """Every paragraph and table below `parent`, in order, content controls opened."""
        waiting = [iter(parent)]
        while waiting:
            child = next(waiting[-1], None)
            if child is None:
                waiting.pop()
            elif child.tag == "p":
                self._paragraph(child)
                waiting.append(nearest_elements(child, _BOXES, _DROPPED))
            elif child.tag == "tbl":
                waiting.append(self._table(child))
            elif child.tag not in _DROPPED:
                waiting.append(iter(child))

    def _paragraph(self, paragraph: Element) -> None:
        words = _text(paragraph)
        style, level, listed = self._style(paragraph)
        if words.strip():
            if style == "title" and not self.title:
                self.title = one_line(words)
                self._builder.add(words, "heading")
            elif level:
                self._builder.open(level, words)
            else:
                self._builder.add(f"- {words}" if listed else words, "list" if listed else "prose")

    def _style(self, paragraph: Element) -> tuple[str, int, bool]:
        """The style's name in lower case, the heading level (0: none), and whether it is a list item."""
        properties = paragraph.find("pPr")
        if properties is None:
            return "", 0, False
        style = properties.find("pStyle")
        name = (style.get("val") or "").lower() if style is not None else ""
        outline = properties.find("outlineLvl")
        own = parse_number(outline.get("val")) + 1 if outline is not None else 0
        level = own if 1 <= own <= 9 else self._levels.get(name, 0)
        return name, level, properties.find("numPr") is not None

    def _table(self, table: Element) -> Iterator[Element]:
        """Add the rows; after each come the tables and text boxes in it, for they are blocks of their own."""
        for row in nearest_elements(table, _ROWS, _DROPPED):
            cells = [
                " ".join(
                    _text(part) for part in nearest_elements(cell, _IN_CELLS, _DROPPED) if part.tag == "p"
                )
                for cell in row
                if cell.tag in ("tc", "sdt")
            ]
            if line := table_row(cells):
                self._builder.add(line, "row")
            yield from nearest_elements(row, _IN_ROWS, _DROPPED)


def _styles(archive: Archive) -> dict[str, int]:
    """Heading levels by style id in lower case: from the style's outline level or its name, inherited."""
    levels = {f"heading{level}": level for level in range(1, 10)}
    try:
        root = archive.tree("word/styles.xml")
    except FileFailed:
        return levels
    parents: dict[str, str] = {}
    for style in root.iter("style"):
        key = (style.get("styleId") or "").lower()
        name, outline, based = style.find("name"), style.find("pPr/outlineLvl"), style.find("basedOn")
        named = _HEADING.match(name.get("val") or "") if name is not None else None
        level = int(named[1]) if named else parse_number(outline.get("val")) + 1 if outline is not None else 0
        if 1 <= level <= 9:
            levels[key] = level
        elif based is not None:
            parents[key] = (based.get("val") or "").lower()
    for key, parent in parents.items():
        if parent in levels and key not in levels:
            levels[key] = levels[parent]
    return levels


def _notes(archive: Archive, reader: _Reader, builder: DocumentBuilder) -> None:
    """Footnotes, endnotes and comments after the text, each under its own heading."""
    for name, tag in _NOTES:
        if not archive.has(name):
            continue
        try:
            root = archive.tree(name)
        except FileFailed:
            builder.notes.append(f"Its {tag}s are damaged and not read.")
            continue
        notes = [note for note in nearest_elements(root, (tag,)) if note.get("type") in (None, "normal")]
        if any(_text(note).strip() for note in notes):
            builder.open(1, f"{tag.capitalize()}s", shown=False)
            for note in notes:
                reader.blocks(note)


def _text(element: Element) -> str:
    """The words of an element without its text boxes, tables, deletions and field codes."""
    return "".join(_pieces(element))


def _pieces(element: Element) -> Iterator[str]:
    waiting = [iter((element,))]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
        elif node.tag == "t":
            yield node.text or ""
        elif node.tag == "tab":
            yield "\t"
        elif node.tag in ("br", "cr"):
            yield "\n"
        elif node.tag == "noBreakHyphen":
            yield "-"
        elif node.tag not in _DROPPED and node.tag not in _IN_ROWS:
            waiting.append(iter(node))
