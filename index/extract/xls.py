"""Excel's workbooks of 1993 to 2003 (.xls), through xlrd: cells as they are shown, and the comments on them.

What xlrd cannot read is left to calamine, which gives values alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from index.errors import FileSkipped
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.rows import MOST_COLUMNS, add_rows
from index.extract.shown_value import formatted
from index.extract.source import Source
from index.types import Document

_NUMBER, _DATE, _BOOLEAN, _ERROR = 2, 3, 4, 5
_MOST_NOTES = 10_000


def read(source: Source) -> Document | None:
    """A workbook; None where xlrd cannot make it out. Raises FileSkipped where it is locked."""
    import xlrd

    try:
        book = xlrd.open_workbook(
            file_contents=source.content(), formatting_info=True, ragged_rows=True, on_demand=True,
            logfile=io.StringIO(),
        )  # fmt: skip
        builder = DocumentBuilder()
        for place, name in enumerate(book.sheet_names()):
            if builder.full or source.past_deadline:
                builder.notes.append(f"Sheet {name} and those after it are not read.")
                break
            builder.open(1, name)
            _sheet(builder, book, book.sheet_by_index(place))
            book.unload_sheet(place)
        return builder.document("sheet")
    except xlrd.XLRDError as error:
        if "encrypt" in str(error).lower() or "password" in str(error).lower():
            raise FileSkipped("It is locked with a password.", "Save a copy without a password.") from None
        return None
    except Exception:  # noqa: BLE001 (xlrd raises whatever its arithmetic meets in a damaged file)
        return None


def _sheet(builder: DocumentBuilder, book: Any, sheet: Any) -> None:
    add_rows(builder, (list(_cells(book, sheet, row)) for row in range(sheet.nrows)))
    for (row, column), note in sorted(sheet.cell_note_map.items())[:_MOST_NOTES]:
        author, words = one_line(note.author or ""), note.text.strip()
        named = author and not words.startswith(author)
        builder.add(f"{_letters(column)}{row + 1}: {f'{author}: ' if named else ''}{words}")


def _cells(book: Any, sheet: Any, row: int) -> Iterator[str]:
    for column in range(min(sheet.row_len(row), MOST_COLUMNS)):
        kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
        if kind in (_NUMBER, _DATE):
            style = book.xf_list[sheet.cell_xf_index(row, column)]
            code = book.format_map[style.format_key].format_str if style.format_key in book.format_map else ""
            yield formatted(value, code, from_1904=book.datemode == 1)
        elif kind == _BOOLEAN:
            yield "TRUE" if value else "FALSE"
        elif kind == _ERROR:
            yield _errors().get(value, "")
        else:
            yield str(value)


def _errors() -> dict[int, str]:
    from xlrd import error_text_from_code

    return dict(error_text_from_code)


def _letters(column: int) -> str:
    """A for 0, AA for 26."""
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found
