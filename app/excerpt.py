"""Stretches of a document for a preview, cut so that lines stay whole and size stays bounded."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from app.api import Excerpt, Landmark
from index.types import Document

LONGEST = 1 << 18
"""Characters an excerpt has at most, whatever was asked for."""
OUTLINE_AT_MOST = 2000
BLOCK = 1 << 16
"""Characters whose lines are counted together: a line is never counted from the beginning."""


class Excerpts:
    """Cuts one document. What does not depend on the stretch is made once: a document may have 30 MB."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._outline = outline(document)
        text = document.text
        blocks = (text.count("\n", start, start + BLOCK) for start in range(0, len(text), BLOCK))
        self._lines_before = [0, *accumulate(blocks)]

    def line_at(self, position: int) -> int:
        """The line on which a position stands, from 1."""
        block = position // BLOCK
        return self._lines_before[block] + self.document.text.count("\n", block * BLOCK, position) + 1

    def cut(self, path: str, start: int, length: int) -> Excerpt:
        """The stretch around `[start, start + length)`, in whole lines if they are short."""
        text = self.document.text
        length = max(1, min(length, LONGEST))
        first = max(0, min(start, len(text) - length))
        end = min(len(text), first + length)
        if first:
            first = max(text.rfind("\n", max(0, first - length), first) + 1, first - length)
        following = text.find("\n", end, end + length)
        end = following + 1 if following >= 0 else end
        return Excerpt(
            path=path,
            text=text[first:end],
            start=first,
            line=self.line_at(first),
            length=len(text),
            lines=self._lines_before[-1] + 1,
            kind=self.document.kind,
            language=self.document.language,
            title=self.document.title,
            pages=self.document.pages,
            outline=self._outline,
        )


def outline(document: Document) -> tuple[Landmark, ...]:
    """Headings in their order; pages where the document has no headings."""
    found = [
        Landmark(section.heading[-1], section.start, len(section.heading) - 1, _page(document, section.start))
        for section in document.sections
        if section.kind == "heading" and section.heading
    ]
    if not found:
        found = [Landmark(f"Page {n}", start, 0, n) for n, start in enumerate(document.pages, 1)]
    return tuple(found[:OUTLINE_AT_MOST])


def _page(document: Document, position: int) -> int | None:
    return bisect_right(document.pages, position) or None
