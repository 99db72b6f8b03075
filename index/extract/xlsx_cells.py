"""The cells of one of Excel's sheets, row after row, from a stream of XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO
from xml.etree.ElementTree import XMLParser

from index.errors import FileFailed
from index.extract.rows import MOST_COLUMNS
from index.extract.shown_value import formatted
from index.extract.source import Source

_BLOCK = 65_536
_MOST_CELL = 40_000
"""Characters: Excel itself keeps 32,767."""
_COLUMN = re.compile(r"([A-Za-z]{1,3})")
_MARGINS = frozenset({"oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"})
_TRUE = {"1": "TRUE", "0": "FALSE"}


class Cells:
    """Takes the events of a sheet's XML and makes rows of words of them; `done` are those that ended."""

    def __init__(self, strings: Sequence[str], formats: Sequence[str], *, from_1904: bool) -> None:
        self._strings = strings
        self._formats = formats
        self._from_1904 = from_1904
        self._row: dict[int, str] = {}
        self._column = 0
        self._kind = ""
        self._style = ""
        self._words: list[str] | None = None
        self._value = ""
        self.done: list[list[str]] = []
        self.margins: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name in ("v", "t") or name in _MARGINS:
            self._words = []
        elif name == "c":
            found = _COLUMN.match(attributes.get("r") or "")
            self._column = _number(found[1]) if found else self._column + 1
            self._kind, self._style = attributes.get("t") or "n", attributes.get("s") or ""
            self._value = ""
        elif name == "row":
            self._row, self._column = {}, 0
        elif name == "rPh":
            self._kind = "phonetic"

    def data(self, words: str) -> None:
        if self._words is not None:
            self._words.append(words)

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name in ("v", "t"):
            if self._kind != "phonetic":
                self._value += "".join(self._words or ())
            self._words = None
        elif name == "c":
            if self._value and self._column > 0:
                self._row[self._column] = self._shown()
        elif name == "row":
            self.done.append(_in_order(self._row))
        elif name == "rPh":
            self._kind = "inlineStr"
        elif name in _MARGINS:
            self.margins.append("".join(self._words or ()))
            self._words = None

    def close(self) -> None:
        return None

    def _shown(self) -> str:
        value = self._value[:_MOST_CELL]
        match self._kind:
            case "s":
                place = int(value) if value.isdecimal() and len(value) < 10 else -1
                return self._strings[place] if 0 <= place < len(self._strings) else ""
            case "b":
                return _TRUE.get(value, value)
            case "n":
                return self._number(value)
            case _:
                return value

    def _number(self, value: str) -> str:
        style = int(self._style) if self._style.isdecimal() and len(self._style) < 7 else -1
        code = self._formats[style] if 0 <= style < len(self._formats) else ""
        try:
            return formatted(float(value), code, from_1904=self._from_1904)
        except (ArithmeticError, ValueError):
            return value


def rows_of(stream: IO[bytes], cells: Cells, source: Source) -> Iterator[list[str]]:
    """The rows of a sheet that hold anything, as far as the time allows."""
    parser = XMLParser(target=cells)
    first = True
    while block := stream.read(_BLOCK):
        if first and b"<!DOCTYPE" in block.replace(b"\0", b""):
            raise FileFailed("Its XML declares a type of its own, which such a file never needs.")
        first = False
        parser.feed(block)
        yield from cells.done
        cells.done.clear()
        if source.past_deadline:
            return
    parser.close()


def _number(letters: str) -> int:
    """1 for A, 27 for AA."""
    value = 0
    for letter in letters.upper():
        value = 26 * value + ord(letter) - 64
    return value


def _in_order(row: dict[int, str]) -> list[str]:
    """The cells from the first column on; those far to the right follow without the empty ones between."""
    near = max((column for column in row if column <= MOST_COLUMNS), default=0)
    cells = [row.get(column, "") for column in range(1, near + 1)]
    return cells + [words for column, words in sorted(row.items()) if column > MOST_COLUMNS]
