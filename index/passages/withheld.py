"""The text of a document for display, with credentials masked by blocks.

Owns how much of the text around a credential is masked. Knows nothing of the form of credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from index.types import Document

MASK = "█"
"""Replaces each masked character: U+2588, FULL BLOCK."""
_LONGEST_LINE = 400
"""Characters of a line that is masked completely; of a longer one only the words that touch the
credential."""
_LONGEST_WORD = 200
"""Characters that are masked at most on each side of a credential in such a line."""
_COVERED = re.compile(r"[^\n]")


def mask_withheld(document: Document) -> Document:
    """The document with every line that holds a credential masked by blocks.

    No position changes: line ends stay and every other character is replaced by one, so sections, pages,
    lines and hits of the original are valid for the result.
    """
    if not document.withheld:
        return document
    text, at = document.text, 0
    parts: list[str] = []
    for start, end in _lines(text, document.withheld):
        parts += (text[at:start], _COVERED.sub(MASK, text[start:end]))
        at = end
    return replace(document, text="".join([*parts, text[at:]]))


def _lines(text: str, withheld: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
    """The masked spans, in order, without overlaps."""
    done = 0
    for start, end in sorted(withheld):
        first, last = _before(text, start), _after(text, end)
        if last > done:
            yield max(first, done), last
            done = last


def _before(text: str, start: int) -> int:
    """The start of the masked span for a credential that begins at `start`."""
    line = text.rfind("\n", max(0, start - _LONGEST_LINE), start) + 1
    if line or start <= _LONGEST_LINE:
        return line
    return start - _first_run_length(text[start - _LONGEST_WORD : start][::-1])


def _after(text: str, end: int) -> int:
    """The end of the masked span for a credential that ends before `end`."""
    line = text.find("\n", end, end + _LONGEST_LINE)
    if line >= 0:
        return line
    rest = len(text) - end
    return len(text) if rest <= _LONGEST_LINE else end + _first_run_length(text[end : end + _LONGEST_WORD])


def _first_run_length(words: str) -> int:
    """The number of characters before the first blank."""
    return next((i for i, character in enumerate(words) if character.isspace()), len(words))
