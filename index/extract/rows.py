"""Rows of tables as lines that carry the names of their columns.

Owns what a row and a header are. Knows no format: rows of words come in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from statistics import median

from index.extract.document_builder import DocumentBuilder, one_line, without_marks

MOST_COLUMNS = 400
_MOST_BLANK_ROWS = 1_100_000
"""More than a sheet of Excel or LibreOffice has: no format ends here, only what counts rows for ever."""
_LOOKED_AT = 25
"""Rows in which the one that names the columns is looked for: titles, addresses and dates come before it."""
_LONGEST_NAME = 60
_YEAR = re.compile(r"(?:1[89]|20|21)\d\d(?:/\d\d(?:\d\d)?)?")
_VALUE = re.compile(r"[\W\d_]*\d[\W\d_]*(?:[A-Za-z]{1,3}\b)?[\W\d_]*")
"""A number, a date or an amount, with its unit or currency."""


def add_rows(builder: DocumentBuilder, rows: Iterable[Sequence[str]]) -> None:
    """Rows as lines `name: value; name: value` below the row of names; others as `| a | b |`."""
    filled = _filled_rows(builder, rows)
    first = list(islice(filled, _LOOKED_AT))
    header = _header(first)
    names = [without_marks(name) for name in first[header]] if header is not None else []
    for number, cells in enumerate(chain(first, filled)):
        if builder.full:
            return
        named = header is not None and number > header
        row = _name_cells(names, cells) if named else "| " + " | ".join(_trim(cells)) + " |"
        builder.add(row, "row")


def _filled_rows(builder: DocumentBuilder, rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """The rows that hold anything, their cells on one line."""
    blank = 0
    for row in rows:
        cells = [one_line(cell) for cell in islice(row, MOST_COLUMNS)]
        if any(cells):
            blank = 0
            yield cells
            continue
        blank += 1
        if blank > _MOST_BLANK_ROWS:
            builder.notes.append("Rows after a long run of empty ones are not read.")
            return


def _trim(cells: list[str]) -> list[str]:
    """Without the empty cells at the end."""
    size = len(cells)
    while size > 1 and not cells[size - 1]:
        size -= 1
    return cells[:size]


def _name_cells(names: Sequence[str], cells: Sequence[str]) -> str:
    pairs = ((names[i] if i < len(names) else "", cell) for i, cell in enumerate(cells) if cell)
    return "; ".join(f"{name}: {cell}" if name and name != cell else cell for name, cell in pairs)


def _header(rows: Sequence[Sequence[str]]) -> int | None:
    """The place of the row that names the columns: as wide as those below it, and like no row of values."""
    counts = [sum(map(bool, row)) for row in rows]
    found: int | None = None
    for place, row in enumerate(rows):
        below = counts[place + 1 :] or counts[place:]
        wide = counts[place] >= 2 and counts[place] >= 0.6 * median(below)
        if wide and _is_header(row, rows[place + 1 :]):
            if found is None or _extent(row) > _extent(rows[found]):
                found = place
        elif wide and (found is None or counts[place] >= counts[found]) and _is_values(row):
            break
    return found


def _extent(row: Sequence[str]) -> int:
    """Columns up to the last that holds anything: lines above a table fill fewer than the table."""
    return len(_trim(list(row)))


def _is_values(row: Sequence[str]) -> bool:
    """Whether most cells are numbers or dates."""
    cells = [without_marks(cell) for cell in row if cell]
    return sum(bool(_VALUE.fullmatch(cell)) for cell in cells) > 0.5 * len(cells)


def _is_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Short words, or years above values that are none; no sentence, and not one word again and again."""
    cells = [without_marks(cell) for cell in row if cell]
    years = [cell for cell in cells if _YEAR.fullmatch(cell)]
    words = [cell for cell in cells if len(cell) <= _LONGEST_NAME and any(c.isalpha() for c in cell)]
    words = [cell for cell in words if not _VALUE.fullmatch(cell) and not cell.endswith((".", ":"))]
    if len(words) + len(years) < len(cells) or len(set(cells)) < 0.5 * len(cells):
        return False
    if not years:
        return len(words) >= 2
    return bool(below) and any(
        below_cell and not _YEAR.fullmatch(below_cell)
        for other in below
        for cell, below_cell in zip(row, other, strict=False)
        if _YEAR.fullmatch(cell)
    )
