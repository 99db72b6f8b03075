"""From a hit to a page of the preview: the stretch around it, styled, its words found, its sentences weighed.

Runs in lanes beside the interface; knows the library and no widget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from app.answers.best_sentence import sentences
from app.api import Excerpt, Library
from app.tui.preview_lines import Page, Span3, lines_of
from app.tui.result_rows import SHORT_WORD
from app.tui.styled_lines import strengths
from index.types import Hit

STRETCH = 16_000
"""Characters of a document that are loaded at once: more than any screen shows."""
AROUND = 400
"""Characters before and after a passage whose sentences are weighed too."""
WORDS_AT_MOST = 500
AT_ONCE = 8
"""Sentences weighed in one request."""


@dataclass(frozen=True, slots=True)
class PageWanted:
    """A hit to preview; `position` where another stretch of its document is wanted, to stay in place."""

    number: int
    path: str
    focus: tuple[int, int]
    heading: str = ""
    words: frozenset[str] = frozenset()
    position: int | None = None
    stay: int | None = None
    modified_ns: int = 0
    """When the file was changed: another time is another text."""


@dataclass(frozen=True, slots=True)
class WeighingWanted:
    """A page whose sentences shall be compared with a query."""

    number: int
    query: str
    page: Page


def load_page(library: Library, wanted: PageWanted) -> Page:
    """The stretch about the hit, or about the position wanted."""
    middle = wanted.focus[0] if wanted.position is None else wanted.position
    excerpt = library.excerpt(wanted.path, max(0, middle - STRETCH // 2), STRETCH)
    words = tuple(_find(wanted.words, excerpt.text, excerpt.start))
    return Page(excerpt, tuple(lines_of(excerpt)), wanted.focus, words, wanted.heading)


def passage_page(hit: Hit, wanted: PageWanted) -> Page:
    """The passage of a hit alone, as the index has it; code without colours, which may take a moment."""
    first = hit.first_line or 1
    lines = hit.text.count("\n") + first
    excerpt = Excerpt(
        hit.path,
        hit.text,
        hit.start,
        first,
        hit.end,
        lines,
        hit.kind,
        hit.language,
        hit.title,
        file_line=hit.first_line or None,
    )
    words = tuple(_find(wanted.words, hit.text, hit.start))
    return Page(excerpt, tuple(lines_of(replace(excerpt, language=""))), wanted.focus, words, wanted.heading)


def matched_words(hits: Iterable[Hit]) -> frozenset[str]:
    """The words that made hits match, as they are in the documents."""
    found = {hit.snippet[start:end].lower() for hit in hits for start, end in hit.matched if end - start < 60}
    telling = {word for word in found if len(word) > SHORT_WORD or not word.isascii()}
    return frozenset(telling or found)


def _find(words: frozenset[str], text: str, start: int) -> Iterable[tuple[int, int]]:
    if not words:
        return
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)[:50])
    for count, found in enumerate(re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE)):
        if count >= WORDS_AT_MOST:
            return
        yield start + found.start(), start + found.end()


def weigh(library: Library, wanted: WeighingWanted, overtaken: Callable[[], bool]) -> tuple[Span3, ...]:
    """The sentences about the passage that answer, with how much: 3 answers best.

    A few at a time, so that a query that comes meanwhile (`overtaken`) hardly waits.
    """
    page = wanted.page
    excerpt = page.excerpt
    left = max(0, page.focus[0] - AROUND - excerpt.start)
    right = max(left, page.focus[1] + AROUND - excerpt.start)
    begin = excerpt.text.rfind("\n", 0, left) + 1
    stop = excerpt.text.find("\n", right)
    text = excerpt.text[begin : stop if stop >= 0 else len(excerpt.text)]
    spans = sentences(text, excerpt.start + begin)
    texts = [excerpt.text[start - excerpt.start : end - excerpt.start] for start, end in spans]
    similarities: list[float] = []
    for first in range(0, len(texts), AT_ONCE):
        if overtaken():
            return ()
        similarities += library.similarities(wanted.query, texts[first : first + AT_ONCE])
    levels = strengths(similarities)
    return tuple((start, end, level) for (start, end), level in zip(spans, levels, strict=True) if level)
