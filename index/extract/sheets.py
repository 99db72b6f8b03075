"""Spreadsheets and delimited text: each row a line that carries its column's names.

Owns what a row and a header are; calamine reads the workbooks.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from index.errors import FileFailed, FileSkipped
from index.extract.archive import Archive, check
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.source import Source
from index.types import Document

_MOST_COLUMNS = 400
_MOST_BLANK_ROWS = 100_000
_DELIMITERS = ",;\t|"


def read(source: Source) -> Document:
    """A workbook (XLSX, XLSB, XLS, ODS): a sheet is a heading, a row a line."""
    import python_calamine

    if source.head(2) == b"PK":
        archive = Archive(source)
        archive.refuse_bombs()
        if archive.has("content.xml"):
            check(archive.member("content.xml"))
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
                add_rows(builder, ([_shown(cell) for cell in islice(row, _MOST_COLUMNS)] for row in rows))
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


def read_delimited(text: str, builder: DocumentBuilder) -> None:
    """Comma, semicolon, tab or bar separated values; line by line, so that a line here is a row there."""
    delimiter = _delimiter(text[:20_000])
    csv.field_size_limit(1 << 20)
    try:
        add_rows(builder, csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        builder.notes.append(f"Rows after a damaged one are not read ({error}).")


def add_rows(builder: DocumentBuilder, rows: Iterable[Sequence[str]]) -> None:
    """Rows as lines `name: value; name: value`, where the first row names the columns; else `| a | b |`."""
    names: list[str] | None = None
    blank = 0
    for row in rows:
        cells = [one_line(cell) for cell in islice(row, _MOST_COLUMNS)]
        if builder.full:
            return
        if not any(cells):
            blank += 1
            if blank > _MOST_BLANK_ROWS:
                builder.notes.append("Rows after a long run of empty ones are not read.")
                return
            continue
        if names is None:
            names = cells if _is_header(cells) else []
            builder.add("| " + " | ".join(cells) + " |", "row")
        else:
            builder.add(_row(names, cells), "row")


def _row(names: Sequence[str], cells: Sequence[str]) -> str:
    if not names:
        return "| " + " | ".join(cells) + " |"
    named = ((names[i] if i < len(names) else "", cell) for i, cell in enumerate(cells) if cell)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named)


def _is_header(cells: Sequence[str]) -> bool:
    """Words, each once, most columns named, none of them a number or a sentence."""
    filled = [cell for cell in cells if cell]
    words = all(len(cell) <= 60 and any(c.isalpha() for c in cell) for cell in filled)
    return words and len(filled) >= 2 and len(filled) >= 0.5 * len(cells) and len(set(filled)) == len(filled)


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.10g}"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (datetime.datetime, datetime.date, datetime.time)):
        return cell.isoformat(" ") if isinstance(cell, datetime.datetime) else cell.isoformat()
    return str(cell)


def _delimiter(sample: str) -> str:
    """The delimiter that divides most lines into the same number of fields."""
    lines = [line for line in sample.splitlines() if line.strip()][:50]

    def agreement(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        usual = max(set(counts), key=counts.count) if counts else 0
        return (counts.count(usual) if usual else 0, usual)

    return max(_DELIMITERS, key=agreement)
