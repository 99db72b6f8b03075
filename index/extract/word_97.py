"""Word documents of before 2007 (.doc): the text of the body, notes, comments, headers and text boxes.

Owns where the characters are (MS-DOC, 2.4.1: the piece table). Formatting is not read, so there are no
headings; paragraphs, cells and fields are told by their marks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from index.errors import FileFailed, FileSkipped
from index.extract.document_builder import DocumentBuilder, table_row
from index.extract.ole import Compound
from index.extract.source import Source
from index.types import Document

_IDENTIFIER = 0xA5EC
_FLAGS, _CCP_TEXT, _CLX = 10, 76, 418
_ENCRYPTED, _SECOND_TABLE = 0x0100, 0x0200
_COMPRESSED = 1 << 30
_MOST_NESTED = 5
"""Fields in fields."""
_MOST_PIECES = 200_000
_FIELD = re.compile(r"\x13[^\x13\x14\x15]*\x14?|[\x14\x15]")
"""The code of a field; what it shows stays."""
_PARTS = ("", "Footnotes", "Headers", "", "Comments", "Endnotes", "Text boxes", "")
"""The parts of the text in their order (FibRgLw97)."""
_DROPPED = re.compile(r"[\x00-\x06\x08\x0e-\x1f]")
_HYPHENS = {"\x1e": "-", "\x1f": "", "\x0b": "\n", "\x0c": "\r", "\x0e": "\r"}
_MARKS = re.compile("[\x1e\x1f\x0b\x0c\x0e]")


def read(source: Source) -> Document:
    """A document of Word 97 to 2003."""
    file = Compound(source)
    main = file.stream("WordDocument")
    try:
        parts, text = _text(file, main)
    except struct.error:
        raise FileFailed("It is damaged: where its text is cannot be made out.") from None
    builder = DocumentBuilder()
    at = 0
    for name, size in zip(_PARTS, parts, strict=True):
        words = text[at : at + size]
        at += size
        if words.strip("\r\x03\x04 "):
            if name:
                builder.open(1, name, shown=False)
            _add(builder, words)
    return builder.document("docx", file.title)


def _text(file: Compound, main: bytes) -> tuple[tuple[int, ...], str]:
    """How many characters each part has, and all characters."""
    identifier, version = struct.unpack_from("<HH", main)
    (flags,) = struct.unpack_from("<H", main, _FLAGS)
    if identifier != _IDENTIFIER or version < 0xC0:
        raise FileSkipped("It is in a format of Word from before 1997.", "Save it as DOCX or PDF.")
    if flags & _ENCRYPTED:
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
    parts = struct.unpack_from("<8I", main, _CCP_TEXT)
    table = file.stream("1Table" if flags & _SECOND_TABLE else "0Table")
    offset, size = struct.unpack_from("<II", main, _CLX)
    pieces = list(_pieces(table[offset : offset + size], main))
    return parts, "".join(pieces)


def _pieces(clx: bytes, main: bytes) -> Iterator[str]:
    at = 0
    while at < len(clx) and clx[at] == 1:  # formatting that pieces share
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at >= len(clx) or clx[at] != 2:
        raise FileFailed("It is damaged: where its text is cannot be made out.")
    (size,) = struct.unpack_from("<I", clx, at + 1)
    plc = clx[at + 5 : at + 5 + size]
    count = min((len(plc) - 4) // 12, _MOST_PIECES)
    ends = struct.unpack_from(f"<{count + 1}I", plc)
    left = len(main)
    for i in range(count):
        (place,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * i + 2)
        length = ends[i + 1] - ends[i]
        if length < 0 or length > left:
            raise FileFailed("It is damaged: where its text is cannot be made out.")
        left -= length
        if place & _COMPRESSED:
            start = (place & ~_COMPRESSED) // 2
            yield main[start : start + length].decode("cp1252", "replace")
        else:
            yield main[place : place + 2 * length].decode("utf-16-le", "replace")


def _add(builder: DocumentBuilder, text: str) -> None:
    """Paragraphs and rows: a cell ends with a mark, a row with two."""
    for _ in range(_MOST_NESTED):
        text = _FIELD.sub("", text)
    text = _DROPPED.sub("", _MARKS.sub(lambda mark: _HYPHENS[mark.group()], text))
    cells: list[str] = []
    for paragraph in text.split("\r"):
        if "\x07" not in paragraph:
            if cells:
                cells[-1] += f" {paragraph}" if cells[-1] else paragraph
            else:
                builder.add(paragraph)
            continue
        *done, rest = paragraph.split("\x07")
        for cell in done:
            if cell or not cells:
                cells.append(cell)
            else:
                builder.add(table_row(cells), "row")
                cells = []
        if rest:
            builder.add(table_row(cells), "row")
            cells = []
            builder.add(rest)
    if cells:
        builder.add(table_row(cells), "row")
