"""Tables of Markdown as tables: which lines are one, how wide its columns are, and its rows for a width.

Columns are as wide as their widest cell; where that is more than there is room for, the widest are narrowed
and their cells wrap, so that nothing is hidden. Knows no widget.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, zip_longest

from textual.content import Content
from textual.style import Style

from app.sanitize import width as cells_of
from app.tui.styled_lines import PreviewLine, Table

NARROWEST = 8
"""Cells to which a column is narrowed at most; a table that needs less is shown as it is written."""
BETWEEN, CROSSING = " │ ", "─┼─"
_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*")
_BAR = re.compile(r"(?<!\\)\|")


def with_tables(lines: Sequence[PreviewLine]) -> list[PreviewLine]:
    """The lines, those of tables with the table they belong to."""
    shown = list(lines)
    for index, line in enumerate(lines):
        if index and line.is_marks and "|" in line.text and _RULE.fullmatch(line.text):
            rows = [index - 1]
            rows += _while_cells(lines, index + 1)
            head, rule = _cells(lines[index - 1].text), _cells(line.text)
            if len(head) == len(rule) and "|" in lines[index - 1].text:
                _mark(shown, rows, index, [line.text[start:end] for start, end in rule])
    return shown


def _while_cells(lines: Sequence[PreviewLine], first: int) -> list[int]:
    last = first
    while last < len(lines) and "|" in lines[last].text:
        last += 1
    return list(range(first, last))


def _mark(lines: list[PreviewLine], rows: list[int], rule: int, marks: list[str]) -> None:
    cells = {row: _cells(lines[row].text) for row in rows}
    texts = [[lines[row].text[start:end] for start, end in cells[row]] for row in rows]
    widths = tuple(max(map(cells_of, column)) for column in zip_longest(*texts, fillvalue=""))
    table = Table(widths, tuple(mark.endswith(":") and not mark.startswith(":") for mark in marks))
    for row in rows:
        lines[row] = replace(lines[row], table=table, cells=tuple(cells[row]))
    head = lines[rule - 1]
    bold = tuple(replace(piece, style=piece.style or "strong") for piece in head.pieces)
    lines[rule - 1] = replace(head, pieces=bold)
    lines[rule] = replace(lines[rule], table=table)


def _cells(text: str) -> list[tuple[int, int]]:
    """The spans of the cells of a line, without the blanks around them."""
    ends = [found.start() for found in _BAR.finditer(text)]
    edges = [-1, *ends, len(text)]
    parts = [(left + 1, right) for left, right in pairwise(edges)]
    if not text[slice(*parts[0])].strip():
        parts = parts[1:]
    if parts and not text[slice(*parts[-1])].strip():
        parts = parts[:-1]
    return [_without_blanks(text, start, end) for start, end in parts]


def _without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    return start, max(start, end - (len(inner) - len(inner.rstrip())))


def column_widths(table: Table, width: int) -> list[int] | None:
    """The columns' widths in cells within `width`; None where they do not fit."""
    room = width - len(BETWEEN) * (len(table.widths) - 1)
    for most in range(max(table.widths), NARROWEST - 1, -1):
        widths = [min(one, most) for one in table.widths]
        if sum(widths) <= room:
            return widths
    return [*table.widths] if sum(table.widths) <= room else None


def table_rows(line: PreviewLine, content: Content, width: int, faint: Style) -> list[Content] | None:
    """The rows of a table's line with the text and styles of `content`; None where they do not fit."""
    widths = column_widths(line.table, width) if line.table is not None else None
    if line.table is None or widths is None:
        return None
    if not line.cells:
        return [Content.styled(CROSSING.join("─" * one for one in widths), faint)]
    cells = [content[start:end] for start, end in line.cells]
    wrapped = [cell.wrap(one) if cell else [] for cell, one in zip(cells, widths, strict=False)]
    between = Content.styled(BETWEEN, faint)
    rows = []
    for row in zip_longest(*wrapped, fillvalue=Content("")):
        full = [*row, *[Content("")] * (len(widths) - len(row))]
        padded = [
            _pad(cell, one, right=column < len(line.table.right) and line.table.right[column])
            for column, (cell, one) in enumerate(zip(full, widths, strict=True))
        ]
        rows.append(between.join(padded).rstrip())
    return rows or [Content("")]


def _pad(cell: Content, width: int, *, right: bool) -> Content:
    cell = cell.rstrip()
    blanks = Content(" " * max(0, width - cell.cell_length))
    return blanks + cell if right else cell + blanks
