"""Splits a text into sentences and finds the one that answers a query best."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.api import Library
from index.passages.sentence_ends import SENTENCE_END

_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)]|#+|\|)\s?)")
_END = re.compile(rf"{SENTENCE_END}|{_BLOCK.pattern}")
SENTENCE_AT_LEAST = 40
"""Characters of a sentence that can be the best one: a heading only repeats the subject."""
SENTENCES_AT_MOST = 32
SHOWN_AT_MOST = 240
"""Characters up to which the following sentences are added to the best one."""
SENTENCE_AT_MOST = 600


def sentences(text: str, start: int) -> list[tuple[int, int]]:
    """Start and end of each sentence of a text that begins at `start`; a list item is a sentence too."""
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


def best_sentences(library: Library, query: str, text: str) -> str:
    """The sentence of `text` nearest in meaning to the query, with those after it that fit.

    Embeds every sentence: too slow to call on every keystroke.
    """
    every = sentences(text, 0)
    spans = [(start, end) for start, end in every if end - start >= SENTENCE_AT_LEAST] or every
    if not spans:
        return text.strip()
    similarities = library.similarities(query, [text[start:end] for start, end in spans])
    start, end = spans[max(range(len(spans)), key=similarities.__getitem__)]
    block = _BLOCK.search(text, end)
    room = min(start + SHOWN_AT_MOST, block.start() if block else len(text))
    return text[start : max([end, *(stop for _, stop in every if stop <= room)])]
