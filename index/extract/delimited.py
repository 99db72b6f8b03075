"""Comma, semicolon, tab and bar separated values in text files.

Owns how a line is divided: the separator, and whether quotation marks mean anything.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark, marked
from index.extract.rows import add_rows
from index.extract.source import Source
from index.types import Document

_SEPARATORS = ",;\t|"
_STATED = re.compile(r"\A\ufeff?\"?sep=(.)\"?[ \t]*\n", re.IGNORECASE)
"""The first line by which Excel is told the separator."""
_DECIMAL = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))|(?<=\d),(?=\d{3}(?:[.,]\d|(?!\d)))")
"""Commas inside numbers. Where commas divide, most are beside words too; where no sign does, they do."""
_SAMPLE = 20_000
_LINES = 50
_LONGEST_CELL = 1 << 20


def read(source: Source) -> Document:
    """A table of text; each row carries the names of its columns."""
    builder = DocumentBuilder()
    read_delimited(decode_text(source.content()), builder)
    return builder.document("csv")


def read_delimited(text: str, builder: DocumentBuilder) -> None:
    """Put the rows into the builder, each with the line on which it begins."""
    stated = _STATED.match(text)
    separator = stated[1] if stated else _separator(text[:_SAMPLE])
    csv.field_size_limit(_LONGEST_CELL)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if _is_quoted(text, separator) else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text), delimiter=separator, quoting=quoting)
    try:
        add_rows(builder, _rows_with_lines(reader, after=1 if stated else 0))
    except csv.Error as error:
        builder.notes.append(f"Rows after a damaged one are not read ({error}).")


def _is_quoted(text: str, separator: str) -> bool:
    """Whether every quotation mark that opens a cell closes one: else they are letters like others."""
    try:
        for _ in csv.reader(io.StringIO(text), delimiter=separator, strict=True):
            pass
    except csv.Error:
        return False
    return True


def _rows_with_lines(reader: Iterator[Sequence[str]], after: int) -> Iterator[Sequence[str]]:
    """The rows with the lines of the file marked in them, those up to `after` left out."""
    before = 0
    for row in reader:
        line, before = before + 1, reader.line_num  # type: ignore[attr-defined]
        if line > after:
            yield _mark_lines(row, line) if before > line else _begun(row, line)


def _begun(row: Sequence[str], line: int) -> Sequence[str]:
    first = next((i for i, cell in enumerate(row) if cell.strip()), None)
    return row if first is None else [*row[:first], mark(line) + row[first].strip(), *row[first + 1 :]]


def _mark_lines(row: Sequence[str], line: int) -> Sequence[str]:
    """A row whose cells hold line ends."""
    cells = []
    for cell in row:
        cells.append(marked(cell, line))
        line += cell.count("\n")
    return cells


def _separator(sample: str) -> str:
    """The separator that divides most lines into the same number of fields."""
    lines = [line for line in sample.splitlines() if line.strip()][:_LINES]

    def agreement(separator: str) -> tuple[int, int]:
        counts = [len(_DECIMAL.sub("", line).split(separator)) - 1 for line in lines]
        usual = max(set(counts) - {0}, key=lambda count: (counts.count(count), count), default=0)
        return (counts.count(usual) if usual else 0, usual)

    return max(_SEPARATORS, key=agreement)
