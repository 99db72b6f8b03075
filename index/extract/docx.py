"""Word documents: headings, paragraphs, lists, tables, text boxes, notes, comments, headers and footers.

Owns WordprocessingML. Reads the archive's XML itself, because footnotes, text boxes, parts in other formats
and tracked insertions are what readers of the body alone lose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.errors import FileFailed, FileSkipped
from index.extract import office_xml, ole, word_97
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, parse_number, table_row
from index.extract.drawingml import add_drawings, choose_alternatives
from index.extract.inside import Inside, include_part
from index.extract.linked_parts import Link, linked_parts, main_part
from index.extract.source import Source, from_bytes
from index.types import Document

_MAIN = re.compile(r"^/?word/document\d*\.xml$", re.IGNORECASE)
_HEADING = re.compile(
    r"^(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek|заголовок|見出し|标题)\s*(\d)",
    re.IGNORECASE,
)
_NOTES = ("footnote", "endnote", "comment")
_DROPPED = frozenset(
    {"del", "instrText", "delText", "moveFrom", "rPr", "pPr", "Fallback", "sectPr", "tblPr", "trPr", "tcPr",
     "rt", "ffData", "sdtPr", "pict-data", "binData"}
)  # fmt: skip
_NOT_SAID = _DROPPED - {"ffData", "rPr", "pPr"} | {"tbl", "txbxContent"}
_BOXES, _ROWS = frozenset({"txbxContent"}), frozenset({"tr"})
_IN_ROWS, _IN_CELLS = frozenset({"tbl", "txbxContent"}), frozenset({"p", "tbl"})
_SAID = frozenset({"docPr", "shape", "textpath", "ddList"})
"""What has words in its attributes: pictures, drawings, fields with a list to choose from."""
_MOST_PARAGRAPHS = 4
"""A cell that holds more is a part of a page, not a value."""


def read(source: Source) -> Document:
    """A Word document; its title is the properties', else its Title paragraph."""
    head = source.head(512)
    if head.startswith(ole.MAGIC):
        return word_97.read(source)
    if not head.startswith(b"PK"):
        return _from_xml(source)
    archive = Archive(source)
    main = main_part(archive) or next((name for name in archive.names if _MAIN.match(name)), "")
    if not main:
        raise FileFailed("It is no Word document: it has no text part.")
    builder = DocumentBuilder()
    links = linked_parts(archive, main)
    parts = {link.kind: link.part for link in links}
    styles = _styles(archive, parts.get("styles", "word/styles.xml"))
    reader = _DocxReader(builder, styles, _AltChunks(archive, source, links))
    _margins(archive, reader, links, "header")
    body = choose_alternatives(archive.tree(main)).find("body")
    if body is not None:
        reader.blocks(body)
    add_drawings(builder, archive, archive.names)
    _notes(archive, reader, builder, parts)
    _margins(archive, reader, links, "footer")
    inside = Inside(source, builder, 1)
    for link in links:
        if link.kind == "package":
            inside.add_part(archive, link.part)
    inside.close()
    return builder.document("docx", core_title(archive) or reader.title)


def _from_xml(source: Source) -> Document:
    """Word's documents in one file of XML: of 2003, or a package (Flat OPC)."""
    root = office_xml.parse_source(source)
    if root.tag == "package":
        return read(from_bytes(office_xml.zipped(root), "package.docx"))
    body = root.find("body")
    if body is None:
        raise FileFailed("It is no Word document: it has no text part.")
    builder = DocumentBuilder()
    reader = _DocxReader(builder, {f"heading{level}": level for level in range(1, 10)}, None)
    reader.blocks(body)
    title = next(root.iter("Title"), None)
    return builder.document("docx", (title.text or "" if title is not None else "") or reader.title)


class _AltChunks:
    """Parts in other formats (HTML, MHTML, RTF, text, Word) that are among the paragraphs."""

    def __init__(self, archive: Archive, source: Source, links: list[Link]) -> None:
        self._archive = archive
        self._source = source
        self._parts = {link.id: link.part for link in links}

    def add(self, builder: DocumentBuilder, chunk: Element) -> None:
        part = self._parts.get(chunk.get("id") or "", "")
        try:
            include_part(self._source, builder, part.rpartition("/")[2], self._archive.member(part))
        except (FileFailed, FileSkipped):
            builder.notes.append("A part in another format (altChunk) cannot be read.")


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


class _DocxReader:
    """The blocks of a body into a builder."""

    def __init__(self, builder: DocumentBuilder, levels: dict[str, int], chunks: _AltChunks | None) -> None:
        self._builder = builder
        self._levels = levels
        self._chunks = chunks
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
            elif child.tag == "altChunk" and self._chunks is not None:
                self._chunks.add(self._builder, child)
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
        for element in nearest_elements(paragraph, _SAID, _NOT_SAID):
            self._builder.add(_attribute_words(element))

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
        """Add the rows; after each come the tables and text boxes in it, for they are blocks of their own.

        A row that lays out a page, with headings or whole texts in its cells, is given block by block.
        """
        for row in nearest_elements(table, _ROWS, _DROPPED):
            cells = [cell for cell in row if cell.tag in ("tc", "sdt")]
            parts = [
                [p for p in nearest_elements(cell, _IN_CELLS, _DROPPED) if p.tag == "p"] for cell in cells
            ]
            if self._is_layout(parts):
                yield from cells
                continue
            if line := table_row([" ".join(map(_text, paragraphs)) for paragraphs in parts]):
                self._builder.add(line, "row")
            for element in nearest_elements(row, _SAID, _NOT_SAID):
                self._builder.add(_attribute_words(element))
            yield from nearest_elements(row, _IN_ROWS, _DROPPED)

    def _is_layout(self, cells: list[list[Element]]) -> bool:
        """Whether the paragraphs of a row's cells are a page's rather than values."""
        for paragraphs in cells:
            if len([p for p in paragraphs if _text(p).strip()]) > _MOST_PARAGRAPHS:
                return True
            if any(self._style(p)[1] and _text(p).strip() for p in paragraphs):
                return True
        return False


def _styles(archive: Archive, part: str) -> dict[str, int]:
    """Heading levels by style id in lower case: from the style's outline level or its name, inherited."""
    levels = {f"heading{level}": level for level in range(1, 10)}
    try:
        root = archive.tree(part)
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


def _margins(archive: Archive, reader: _DocxReader, links: list[Link], kind: str) -> None:
    """The headers and footers of the pages, once."""
    seen: set[str] = set()
    for link in links:
        if link.kind == kind:
            try:
                root = archive.tree(link.part)
            except FileFailed:
                continue
            words = one_line("".join(_text(p) for p in nearest_elements(root, ("p",), _DROPPED)))
            if words not in seen:
                seen.add(words)
                reader.blocks(root)


def _notes(archive: Archive, reader: _DocxReader, builder: DocumentBuilder, parts: dict[str, str]) -> None:
    """Footnotes, endnotes and comments after the text, each under its own heading."""
    for tag in _NOTES:
        name = parts.get(f"{tag}s", f"word/{tag}s.xml")
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
                if author := one_line(note.get("author") or ""):
                    builder.add(f"{author}:", "prose")
                reader.blocks(note)


def _text(element: Element) -> str:
    """The words of an element without its text boxes, tables, deletions and field codes."""
    return "".join(_pieces(element))


def _attribute_words(element: Element) -> str:
    """The words in an element's attributes."""
    if element.tag == "ddList":
        entries = [entry.get("val") or "" for entry in element.findall("listEntry")]
        result = element.find("result")
        chosen = parse_number(result.get("val")) if result is not None else 0
        return entries[chosen] if chosen < len(entries) else ""
    if element.tag == "textpath":
        return element.get("string") or ""
    words = (element.get(name) for name in ("title", "descr", "alt"))
    return "\n".join(dict.fromkeys(one_line(said) for said in words if said))


def _pieces(element: Element) -> Iterator[str]:
    waiting = [iter((element,))]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
        elif node.tag == "t":
            yield node.text or ""
        elif node.tag in ("tab", "ptab"):
            yield "\t"
        elif node.tag in ("br", "cr"):
            yield "\n"
        elif node.tag == "noBreakHyphen":
            yield "-"
        elif node.tag not in _DROPPED and node.tag not in _IN_ROWS:
            waiting.append(iter(node))
