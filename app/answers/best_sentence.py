"""Where the sentences of a text begin and end, and which of them answers a question."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.api import Library
from index.passages.sentence_ends import SENTENCE_END

_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)]|#+|\|)\s?)")
_END = re.compile(rf"{SENTENCE_END}|{_BLOCK.pattern}")
SENTENCE_AT_LEAST = 40
"""Characters: a heading alone repeats the subject and answers nothing."""
SENTENCES_AT_MOST = 32
SHOWN_AT_MOST = 240
"""Characters shown of an answer where its first sentence leaves room for the next."""
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


def best_sentences(library: Library, question: str, text: str) -> str:
    """The sentence of `text` nearest in meaning to the question, and what follows it as far as there is room.

    Weighs each sentence, so not for every keystroke.
    """
    every = sentences(text, 0)
    spans = [(start, end) for start, end in every if end - start >= SENTENCE_AT_LEAST] or every
    if not spans:
        return text.strip()
    closeness = library.closeness(question, [text[start:end] for start, end in spans])
    start, end = spans[max(range(len(spans)), key=closeness.__getitem__)]
    block = _BLOCK.search(text, end)
    room = min(start + SHOWN_AT_MOST, block.start() if block else len(text))
    return text[start : max([end, *(stop for _, stop in every if stop <= room)])]
