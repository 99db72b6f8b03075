"""The cells of one of Excel's sheets, row after row, from a stream of XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import IO, Any
from xml.etree.ElementTree import XMLParser

from index.errors import FileFailed
from index.extract.document_builder import one_line
from index.extract.rows import MOST_COLUMNS
from index.extract.shown_value import formatted
from index.extract.source import MEBIBYTE, Source

_BLOCK = 65_536
_MOST_XML = 1024 * MEBIBYTE
_MOST_CELL = 40_000
"""Characters: Excel itself keeps 32,767."""
_COLUMN = re.compile(r"([A-Za-z]{1,3})")
_MARGINS = frozenset({"oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"})
_TRUE = {"1": "TRUE", "0": "FALSE"}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot hold, or an underscore that would look like one (ST_Xstring)."""
_LITERAL = re.compile(r'"((?:[^"]|"")*+)"')


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
        self._literals = ""
        """The texts in a formula: they stand for a value that the program which wrote it did not compute."""
        self.done: list[list[str]] = []
        self.margins: list[str] = []
        self.prompts: list[str] = []
        """What cells say when they are selected."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name in ("v", "t", "f") or name in _MARGINS:
            self._words = []
        elif name == "c":
            found = _COLUMN.match(attributes.get("r") or "")
            self._column = _number(found[1]) if found else self._column + 1
            self._kind, self._style = attributes.get("t") or "n", attributes.get("s") or ""
            self._value = self._literals = ""
        elif name == "row":
            self._row, self._column = {}, 0
        elif name == "rPh":
            self._kind = "phonetic"
        elif name == "dataValidation":
            said = (attributes.get("promptTitle"), attributes.get("prompt"))
            self.prompts.append(": ".join(one_line(words) for words in said if words))

    def data(self, words: str) -> None:
        if self._words is not None:
            self._words.append(words)

    def end(self, tag: str) -> None:
        name = _local(tag)
        if name in ("v", "t"):
            if self._kind != "phonetic":
                self._value += "".join(self._words or ())
            self._words = None
        elif name == "f":
            found = _LITERAL.finditer("".join(self._words or ())[:_MOST_CELL])
            self._literals = " ".join(one[1].replace('""', '"') for one in found)
            self._words = None
        elif name == "c":
            if self._column > 0 and (shown := self._shown() if self._value else self._literals):
                self._row[self._column] = shown
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
                return unescaped(value)

    def _number(self, value: str) -> str:
        style = int(self._style) if self._style.isdecimal() and len(self._style) < 7 else -1
        code = self._formats[style] if 0 <= style < len(self._formats) else ""
        try:
            return formatted(float(value), code, from_1904=self._from_1904)
        except (ArithmeticError, ValueError):
            return value


class Strings:
    """Takes the events of the table of strings; `found` are their words, those above the line left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._words: list[str] = []
        self._shown = False
        self._above = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "si":
            self._words = []
        elif name == "rPh":
            self._above = True
        self._shown = name == "t" and not self._above

    def data(self, words: str) -> None:
        if self._shown:
            self._words.append(words)

    def end(self, tag: str) -> None:
        name = _local(tag)
        self._shown = False
        if name == "si":
            self.found.append(unescaped("".join(self._words)))
        elif name == "rPh":
            self._above = False

    def close(self) -> list[str]:
        return self.found


def unescaped(words: str) -> str:
    """A string of SpreadsheetML with the characters that it cannot hold as they are."""
    if "_x" not in words:
        return words
    words = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), words)
    return words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def strings_of(stream: IO[bytes]) -> list[str]:
    """The words of a workbook's table of strings, without a tree of them in memory."""
    parser = XMLParser(target=Strings())
    for block in _blocks(stream):
        parser.feed(block)
    strings: Any = parser.close()
    return list(strings)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """The XML of a part; raises FileFailed where it declares entities or grows without bound."""
    size = 0
    while block := stream.read(_BLOCK):
        if not size and b"<!DOCTYPE" in block.replace(b"\0", b""):
            raise FileFailed("Its XML declares a type of its own, which such a file never needs.")
        size += len(block)
        if size > _MOST_XML:
            raise FileFailed(f"A part of it unpacks to more than {_MOST_XML // MEBIBYTE} MB.")
        yield block


def rows_of(stream: IO[bytes], cells: Cells, source: Source) -> Iterator[list[str]]:
    """The rows of a sheet that hold anything, as far as the time allows."""
    parser = XMLParser(target=cells)
    for block in _blocks(stream):
        parser.feed(block)
        yield from cells.done
        cells.done.clear()
        if source.past_deadline:
            return
    parser.close()


@lru_cache(maxsize=256)
def _local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


@lru_cache(maxsize=20_000)
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
