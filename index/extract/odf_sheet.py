"""Sheets of OpenDocument workbooks: each cell as the sheet shows it, in full where digits are hidden."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from index.extract.archive import nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, parse_number
from index.extract.odf_text import DRAWN, alternative_text, comment, inline_text
from index.extract.rows import MOST_COLUMNS, add_rows
from index.extract.shown_value import in_full

_CELLS = ("table-cell", "covered-table-cell")
_ROWS, _SHEETS = ("table-row",), ("table",)


def add_sheet(builder: DocumentBuilder, workbook: Element) -> None:
    """Every sheet, hidden ones too, under its name; comments and shapes after the rows."""
    for sheet in nearest_elements(workbook, _SHEETS):
        if builder.full:
            return
        builder.open(1, sheet.get("name") or "")
        rows = list(nearest_elements(sheet, _ROWS, ("shapes",)))
        add_rows(builder, (list(_cells(row)) for row in rows))
        for row in rows:
            for note in nearest_elements(row, ("annotation",)):
                builder.add(comment(note))
        for shape in nearest_elements(sheet, DRAWN):
            builder.add(
                "\n".join([alternative_text(shape), *map(inline_text, nearest_elements(shape, ("p",)))])
            )


def _cells(row: Element) -> Iterator[str]:
    """The cells from left to right, empty ones too; of a long run of equal ones the beginning."""
    taken = 0
    for cell in row:
        if cell.tag not in _CELLS:
            continue
        for _ in range(
            min(max(1, parse_number(cell.get("number-columns-repeated"), 1)), MOST_COLUMNS - taken)
        ):
            yield _shown(cell)
            taken += 1


def _shown(cell: Element) -> str:
    words = "\n".join(inline_text(p) for p in nearest_elements(cell, ("p",), DRAWN | {"annotation"}))
    value = cell.get("value") or cell.get("date-value") or ""
    return in_full(one_line(words), value) if words else value
