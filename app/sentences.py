"""Where the sentences of a text begin and end, and which of them answers a question."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.library import Library

_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])|\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)]|#+|\|)\s?)")
SENTENCE_AT_LEAST = 40
"""Characters: a heading alone repeats the subject and answers nothing."""
SENTENCES_AT_MOST = 32
SENTENCE_AT_MOST = 600


def sentences(text: str, start: int) -> list[tuple[int, int]]:
    """Positions of the sentences of a text that begins at `start`; a list's items are sentences too."""
    found: list[tuple[int, int]] = []
    left = 0
    for right, following in _ends(text):
        while left < right and text[left].isspace():
            left += 1
        stop = right
        while stop > left and text[stop - 1].isspace():
            stop -= 1
        if stop - left > 1:
            found.append((start + left, start + min(stop, left + SENTENCE_AT_MOST)))
        left = following
    return found[:SENTENCES_AT_MOST]


def _ends(text: str) -> Iterable[tuple[int, int]]:
    for end in _END.finditer(text):
        yield end.start(), end.end()
    yield len(text), len(text)


def best_sentence(library: Library, question: str, text: str) -> str:
    """The sentence of `text` nearest in meaning to the question; weighs each, so not for every keystroke."""
    parts = [text[start:end] for start, end in sentences(text, 0)]
    parts = [part for part in parts if len(part) >= SENTENCE_AT_LEAST] or parts
    if not parts:
        return text.strip()
    closeness = library.closeness(question, parts)
    return parts[max(range(len(parts)), key=closeness.__getitem__)]
