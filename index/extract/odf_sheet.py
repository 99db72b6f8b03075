"""Sheets of OpenDocument workbooks: each cell as the sheet shows it, in full where digits are hidden."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from index.extract.archive import nearest_elements
from index.extract.document_builder import DocumentBuilder, one_line, parse_number
from index.extract.odf_text import DRAWN, alternative_text, comment, inline_text
from index.extract.rows import MOST_COLUMNS, add_rows
from index.extract.shown_value import in_full

_CELLS = ("table-cell", "covered-table-cell")
_VALUES = ("value", "date-value", "time-value", "boolean-value", "string-value")
_ROWS, _SHEETS = ("table-row",), ("table",)


def add_sheets(builder: DocumentBuilder, workbook: Element, embedded: Callable[[Element], None]) -> None:
    """Every sheet, hidden ones too, under its name; comments, shapes and charts after the rows."""
    for sheet in nearest_elements(workbook, _SHEETS):
        if builder.full:
            return
        builder.open(1, sheet.get("name") or "")
        rows = list(nearest_elements(sheet, _ROWS, ("shapes",)))
        add_rows(builder, map(_cells, rows))
        for row in rows:
            for note in nearest_elements(row, ("annotation",)):
                builder.add(comment(note))
        for shape in nearest_elements(sheet, DRAWN):
            words = map(inline_text, nearest_elements(shape, ("p",), ("object",)))
            builder.add("\n".join([alternative_text(shape), *words]))
            for held in nearest_elements(shape, ("object",)):
                embedded(held)


def _cells(row: Element) -> list[str]:
    """The cells from left to right; those far to the right follow without the empty ones between."""
    near: list[str] = []
    far: list[str] = []
    for cell in row:
        if cell.tag not in _CELLS:
            continue
        words = _shown(cell)
        repeated = max(1, parse_number(cell.get("number-columns-repeated"), 1))
        room = MOST_COLUMNS - len(near)
        near += [words] * min(repeated, room)
        if words and not room:
            far.append(words)
    while far and near and not near[-1]:
        near.pop()
    return near + far


def _shown(cell: Element) -> str:
    words = "\n".join(inline_text(p) for p in nearest_elements(cell, ("p",), DRAWN | {"annotation"}))
    value = next((said for name in _VALUES if (said := cell.get(name))), "")
    return in_full(one_line(words), value) if words else value
