"""Office documents that are one file of XML: Excel's and Word's of 2003, and packages written flat.

Owns these containers; what a paragraph is belongs to `docx`. Excel writes such files as `.xml` and `.xls`.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element, tostring

from index.errors import FileFailed
from index.extract.archive import nearest_elements, parse_xml
from index.extract.document_builder import DocumentBuilder, one_line, parse_number
from index.extract.rows import MOST_COLUMNS, add_rows
from index.extract.shown_value import plain_number
from index.extract.source import Source
from index.types import Document


def parse_source(source: Source) -> Element:
    """The document as a tree."""
    return parse_xml(source.content())


def read_sheets(source: Source) -> Document:
    """Excel's XML of 2003: a sheet is a heading, a row a line, comments behind the rows."""
    root = parse_source(source)
    if root.tag != "Workbook":
        raise FileFailed("It is no workbook.")
    builder = DocumentBuilder()
    for sheet in root.findall("Worksheet"):
        builder.open(1, sheet.get("Name") or "")
        add_rows(builder, (list(_cells(row)) for row in nearest_elements(sheet, ("Row",))))
        for note in nearest_elements(sheet, ("Comment",)):
            words = one_line(" ".join("".join(data.itertext()) for data in note.findall("Data")))
            builder.add(": ".join(filter(None, (note.get("Author"), words))))
    title = next(root.iter("Title"), None)
    return builder.document("sheet", title.text or "" if title is not None else "")


def _cells(row: Element) -> Iterator[str]:
    """The cells from left to right; `Index` gives the place of one behind empty ones."""
    column = 0
    for cell in row.findall("Cell"):
        place = parse_number(cell.get("Index"), column + 1)
        for _ in range(min(place - column - 1, MOST_COLUMNS)):
            yield ""
        column = max(place, column + 1)
        data = cell.find("Data")
        yield _shown(data) if data is not None else ""
        column += parse_number(cell.get("MergeAcross"))


def _shown(data: Element) -> str:
    words = "".join(data.itertext())
    if data.get("Type") == "Number":
        try:
            return plain_number(float(words))
        except ValueError:
            return words
    return words.removesuffix("T00:00:00.000") if data.get("Type") == "DateTime" else words


def zipped(package: Element) -> bytes:
    """The parts of a flat package as the archive that other programs write."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for part in package.findall("part"):
            archive.writestr((part.get("name") or "part").lstrip("/"), _content(part))
    return held.getvalue()


def _content(part: Element) -> bytes:
    inner = part.find("xmlData")
    if inner is not None and len(inner):
        xml: bytes = tostring(inner[0], encoding="utf-8")
        return xml
    data = part.find("binaryData")
    try:
        return base64.b64decode(data.text or "") if data is not None else b""
    except (binascii.Error, ValueError):
        return b""
