"""Excel's workbooks: each sheet's rows as they are shown, and what is beside the cells.

Owns SpreadsheetML. Sheets are read as a stream of cells, so that one cell far away costs nothing. Comments,
headers, text boxes, descriptions of pictures and charts come after the rows of their sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from index.errors import FileFailed
from index.extract.archive import Archive, nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, parse_number
from index.extract.docx import core_title
from index.extract.drawingml import add_drawings
from index.extract.linked_parts import linked_parts, main_part
from index.extract.rows import add_rows
from index.extract.shown_value import built_in
from index.extract.source import Source
from index.extract.xlsx_cells import Cells, rows_of, strings_of
from index.types import Document

_MARGIN_CODE = re.compile(r"&(?:[LCRPNDTFAGZEXYSUBIOH+-]|\"[^\"]*\"|\d{1,3}|K[0-9A-F]{6})")
_BOILERPLATE = "[Threaded comment]"
_SHEET_TYPES = ("worksheet", "chartsheet", "dialogsheet", "macrosheet")


@dataclass(slots=True)
class _Workbook:
    archive: Archive
    sheets: list[tuple[str, str]] = field(default_factory=list)
    """Names and parts."""
    strings: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    from_1904: bool = False
    people: dict[str, str] = field(default_factory=dict)


def read(source: Source) -> Document:
    """A workbook; a sheet is a heading, a row a line."""
    archive = Archive(source)
    archive.refuse_bombs()
    book = _open_workbook(archive)
    builder = DocumentBuilder()
    for name, part in book.sheets:
        if builder.full or source.past_deadline:
            builder.notes.append(f"Sheet {name} and those after it are not read.")
            break
        builder.open(1, name)
        try:
            _sheet(book, part, builder, source)
        except (FileFailed, ParseError):
            builder.notes.append(f"Sheet {name} is damaged and not read, or not to its end.")
    return builder.document("sheet", core_title(archive))


def _open_workbook(archive: Archive) -> _Workbook:
    named = (name for name in archive.names if re.fullmatch(r"/?xl/workbook\d*\.xml", name, re.I))
    main = main_part(archive) or next(named, "")
    if not main:
        raise FileFailed("It is no workbook: it does not say which sheets it has.")
    root = archive.tree(main)
    parts = {link.id: link.part for link in linked_parts(archive, main)}
    book = _Workbook(archive)
    for sheet in root.iter("sheet"):
        part = parts.get(sheet.get("id") or "", "")
        if archive.has(part):
            book.sheets.append((one_line(sheet.get("name") or ""), part))
    properties = root.find("workbookPr")
    book.from_1904 = properties is not None and properties.get("date1904") in ("1", "true", "on")
    for link in linked_parts(archive, main):
        try:
            if link.kind == "sharedStrings":
                with archive.opened(link.part) as stream:
                    book.strings = strings_of(stream)
            elif link.kind == "styles":
                book.formats = list(_formats(archive.tree(link.part)))
            elif link.kind == "person":
                people = archive.tree(link.part).iter("person")
                book.people = {p.get("id") or "": p.get("displayName") or "" for p in people}
        except (FileFailed, ParseError):
            if link.kind == "sharedStrings":
                raise FileFailed("It is damaged: its words cannot be made out.") from None
    return book


def words_of(item: Element) -> str:
    """The words of a string, those above the line (phonetic) left out."""
    return "".join(t.text or "" for t in nearest_elements(item, ("t",), ("rPh",)))


def _formats(root: Element) -> Iterator[str]:
    """The number format of each style of cells."""
    own = {parse_number(f.get("numFmtId")): f.get("formatCode") or "" for f in root.iter("numFmt")}
    styles = root.find("cellXfs")
    for style in styles.findall("xf") if styles is not None else ():
        which = parse_number(style.get("numFmtId"))
        yield own.get(which, built_in(which))


def _sheet(book: _Workbook, part: str, builder: DocumentBuilder, source: Source) -> None:
    """The rows, then what is beside them."""
    cells = Cells(book.strings, book.formats, from_1904=book.from_1904)
    try:
        with book.archive.opened(part) as stream:
            add_rows(builder, rows_of(stream, cells, source))
    finally:
        for margin in dict.fromkeys(cells.margins):
            builder.add(one_line(_MARGIN_CODE.sub(" ", margin.replace("&&", "\0")).replace("\0", "&")))
        for prompt in dict.fromkeys(cells.prompts):
            builder.add(prompt)
        _beside(book, part, builder)


def _beside(book: _Workbook, part: str, builder: DocumentBuilder) -> None:
    """Comments, text boxes, descriptions and charts."""
    try:
        links = linked_parts(book.archive, part)
        for link in links:
            if link.kind == "threadedComment":
                _threads(builder, book.archive.tree(link.part), book.people)
            elif link.kind == "comments":
                _notes(builder, book.archive.tree(link.part))
            elif link.kind == "drawing":
                _drawing(builder, book.archive, link.part)
    except FileFailed:
        builder.notes.append("Comments or drawings of a sheet are damaged and not read.")


def _notes(builder: DocumentBuilder, root: Element) -> None:
    authors = [one_line(author.text or "") for author in root.iter("author")]
    for note in root.iter("comment"):
        words = words_of(note).strip()
        if words and not words.startswith(_BOILERPLATE):
            by = authors[i] if (i := parse_number(note.get("authorId"), -1)) in range(len(authors)) else ""
            named = f"{by}: " if by and not by.startswith("tc=") and not words.startswith(by) else ""
            builder.add(f"{note.get('ref') or ''}: {named}{words}")


def _threads(builder: DocumentBuilder, root: Element, people: dict[str, str]) -> None:
    for remark in root.iter("threadedComment"):
        words = "".join(text.text or "" for text in remark.findall("text"))
        by = people.get(remark.get("personId") or "", "")
        builder.add(": ".join(filter(None, (remark.get("ref") or "", one_line(by), words))))


def _drawing(builder: DocumentBuilder, archive: Archive, part: str) -> None:
    root = archive.tree(part)
    for shape in nearest_elements(root, ("sp", "pic", "graphicFrame", "cxnSp")):
        lines = [described(shape)]
        lines += ("".join(t.text or "" for t in p.iter("t")) for p in nearest_elements(shape, ("p",)))
        builder.add("\n".join(line for line in lines if line.strip()))
    add_drawings(builder, archive, [link.part for link in linked_parts(archive, part)])


def described(shape: Element) -> str:
    """The alternative text of a picture or shape."""
    found = next(nearest_elements(shape, ("cNvPr",)), None)
    words = (found.get("title"), found.get("descr")) if found is not None else ()
    return "\n".join(dict.fromkeys(one_line(said) for said in words if said))
