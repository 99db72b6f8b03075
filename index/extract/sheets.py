"""Spreadsheets and delimited text: which reader a workbook gets, and what a delimiter is.

Calamine reads binary workbooks. What a row is made of is `rows`' to say.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from index.errors import FileFailed, FileSkipped
from index.extract import odf, office_xml, ole, xls, xlsx
from index.extract.archive import Archive
from index.extract.document_builder import DocumentBuilder
from index.extract.rows import MOST_COLUMNS, add_rows
from index.extract.shown_value import plain_number
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_MOST_TREE = 24 * MEBIBYTE
"""The largest XML of an OpenDocument workbook that is held as a tree; calamine reads larger ones."""
_MOST_XLRD = 16 * MEBIBYTE
"""A larger workbook takes xlrd longer than a reader has; calamine gives its values."""


def read(source: Source) -> Document:
    """A workbook (XLSX, XLSB, XLS, ODS, Excel's XML of 2003): a sheet is a heading, a row a line."""
    head = source.head(512)
    if head.startswith(b"PK"):
        archive = Archive(source)
        if archive.has("content.xml") and archive.size("content.xml") <= _MOST_TREE:
            return odf.read(source)
        if archive.has("content.xml"):
            archive.check("content.xml")
            return _calamine(source)
        if not archive.has("xl/workbook.bin"):
            return xlsx.read(source)
        archive.refuse_bombs()
    elif not head.startswith(ole.MAGIC):
        return odf.read(source) if b"urn:oasis:names" in source.head() else office_xml.read_sheets(source)
    elif source.size <= _MOST_XLRD and (old := xls.read(source)) is not None:
        return old
    return _calamine(source)


def _calamine(source: Source) -> Document:
    """A binary workbook (XLSB, and XLS where nothing else reads it)."""
    import python_calamine

    try:
        with _panics_told():
            book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(source.content()))
    except python_calamine.PasswordError:
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.") from None
    except python_calamine.CalamineError:  # whose words may quote the file
        raise FileFailed("It is damaged or no workbook.") from None
    builder = DocumentBuilder()
    for name in book.sheet_names:
        if builder.full or source.past_deadline:
            builder.notes.append(f"Sheet {name} and those after it are not read.")
            break
        try:
            with _panics_told():
                rows = book.get_sheet_by_name(name).iter_rows()
                builder.open(1, name)
                add_rows(builder, ([_shown(cell) for cell in islice(row, MOST_COLUMNS)] for row in rows))
        except (python_calamine.CalamineError, FileFailed):
            builder.notes.append(f"Sheet {name} is no table or damaged, and not read.")
    return builder.document("sheet")


@contextmanager
def _panics_told() -> Iterator[None]:
    """What calamine did not expect is a panic of Rust's, which is no `Exception`."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise FileFailed("It is damaged: its sheets cannot be made out.") from None


def _shown(cell: object) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return plain_number(cell)
    if isinstance(cell, (datetime.datetime, datetime.date, datetime.time)):
        return cell.isoformat(" ") if isinstance(cell, datetime.datetime) else cell.isoformat()
    return str(cell)
