"""What holds of every document that was read and of every passage cut from it, whatever the file was."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter

from index import kinds
from index.extract.source import MAX_CHARACTERS
from index.extract.worker import ChunkerSettings
from index.place import place_at
from index.types import Document, Passage, TokenCounter


def by_bytes(texts: Sequence[str]) -> list[int]:
    """The most tokens a text can have: one a byte."""
    return [len(text.encode("utf-8", "surrogatepass")) for text in texts]


def bytes_counter() -> TokenCounter:
    return by_bytes


class CheckedCutting(ChunkerSettings):
    """Checks, in the process that reads, what it cuts."""

    def passages(self, document: Document, name: str) -> list[Passage]:
        passages = super().passages(document, name)
        check_document(document)
        check_passages(document, passages, by_bytes, self.size)
        return passages


def check_document(document: Document) -> None:
    """Sections in order and apart, pages in order, withheld spans, all of them inside the text."""
    size = len(document.text)
    assert size <= MAX_CHARACTERS + 2, "too much text"
    textless = document.kind in kinds.names() and kinds.named(document.kind).textless
    assert document.kind and (document.text.strip() or document.scans or textless), "nothing read"
    for section in document.sections:
        assert 0 <= section.start <= section.end <= size, f"a section outside the text: {section[:3]}"
        assert all(isinstance(part, str) for part in section.heading), "a heading that is no text"
    assert all(a.end <= b.start for a, b in pairwise(document.sections)), "sections that overlap"
    assert all(0 <= a <= size for a in document.pages), "a page outside the text"
    assert list(document.pages) == sorted(document.pages), "pages out of order"
    assert all(0 <= a < b <= size for a, b in document.withheld), "a withheld span outside the text"


@lru_cache(maxsize=64)
def one_line(heading: str) -> str:
    """Remembered, for a damaged file may be one heading, which is that of each of its words."""
    return " ".join(heading.split())


def check_places(document: Document, passage: Passage) -> None:
    """At every word of a passage its line, its page and its headings are those of the document there."""
    assert passage.line == line_at(document, passage.start), "a wrong line"
    words = [found.start() for found in re.finditer(r"\S+", passage.text)]
    for offset in words[:: max(1, len(words) // 20)]:
        place = place_at(passage, offset)
        assert place.line == line_at(document, passage.start + offset), "a wrong line inside a passage"
        assert place.page == (bisect_right(document.pages, passage.start + offset) or None), "a wrong page"
        at = bisect_right(document.sections, passage.start + offset, key=attrgetter("start")) - 1
        if at >= 0 and passage.start + offset < document.sections[at].end:
            heading = tuple(map(one_line, document.sections[at].heading))
            assert len(place.heading) == len(heading), "a wrong heading inside a passage"
            assert all(a == b or a[-1:] == "…" for a, b in zip(place.heading, heading, strict=True)), (
                "a wrong heading"
            )


def line_at(document: Document, position: int) -> int:
    """The line of the file at a position of the text, counted anew."""
    if document.lines is None:
        return document.text.count("\n", 0, position) + 1
    return next((line for start, line in reversed(document.lines) if start <= position), 0)


def check_passages(document: Document, passages: Sequence[Passage], count: TokenCounter, size: int) -> None:
    """Each is the text at its place, within its budget; together they leave out only what is withheld."""
    text, at = document.text, 0
    for passage, tokens in zip(passages, count([p.text for p in passages]), strict=True):
        assert passage.start >= at, "passages out of order"
        at = passage.start
        assert passage.text == text[passage.start : passage.end], "a passage that is not the text"
        assert passage.text.strip(), "a blank passage"
        check_places(document, passage)
        assert tokens <= passage.tokens <= size, "more tokens than said or allowed"
        if document.pages:
            assert passage.page == max(1, bisect_right(document.pages, passage.start)), "a wrong page"
    covered = 0
    for start, end in [*((p.start, p.end) for p in passages), (len(text), len(text))]:
        lost = text[covered : max(covered, start)]
        hidden = any(a < start and covered < b for a, b in document.withheld)
        assert hidden or not lost.strip(), f"text in no passage: {lost.strip()[:40]!r}"
        covered = max(covered, end)
