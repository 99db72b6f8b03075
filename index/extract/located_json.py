"""JSON whose strings know where in the text they began, for formats that keep documents in JSON."""

from __future__ import annotations

import json
from json import decoder, scanner
from typing import Any

LARGEST = 4 << 20
"""Characters: above it strings know no place, for Python's own scanner takes ten times as long as C's."""


class Located(str):
    """A string and the position of its quotation mark."""

    __slots__ = ("at",)
    at: int


class _Decoder(json.JSONDecoder):
    def __init__(self) -> None:
        super().__init__()
        self.parse_string = _located_string
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]


def _located_string(text: str, end: int, strict: bool = True) -> tuple[str, int]:
    found, after = decoder.scanstring(text, end, strict)  # type: ignore[attr-defined]
    located = Located(found)
    located.at = end - 1
    return located, after


def loads_located(text: str) -> Any:
    """The value of a text in JSON; its strings are `Located` where the text is not too large."""
    return json.loads(text) if len(text) > LARGEST else _Decoder().decode(text)


class LineCounter:
    """Lines of positions that are asked for in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line, self._at = 1, 0

    def line_of(self, string: str) -> int:
        """The line on which a string begins; 0 where that is not known."""
        if not isinstance(string, Located):
            return 0
        step = self._text.count("\n", self._at, string.at) - self._text.count("\n", string.at, self._at)
        self._line, self._at = self._line + step, string.at
        return self._line
