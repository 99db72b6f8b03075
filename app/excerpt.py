"""A stretch of a document for a preview, cut so that lines stay whole and size stays bounded."""

from __future__ import annotations

from app.library import Excerpt, Landmark
from index.types import Document

LONGEST = 1 << 18
"""Characters an excerpt has at most, whatever was asked for."""
OUTLINE_AT_MOST = 2000


def cut_excerpt(path: str, document: Document, start: int, length: int) -> Excerpt:
    """The stretch of `document.text` around `[start, start + length)`, in whole lines if they are short."""
    text = document.text
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
        line=text.count("\n", 0, first) + 1,
        length=len(text),
        lines=text.count("\n") + 1,
        kind=document.kind,
        language=document.language,
        title=document.title,
        pages=document.pages,
        outline=outline(document),
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
    before = sum(start <= position for start in document.pages)
    return before or None
