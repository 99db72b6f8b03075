"""The lines of a document around a hit, for `-A`, `-B` and `-C`."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.api import Library
from app.errors import TITLED_ERRORS
from app.sanitize import plain
from index.types import Hit

LINE = 200
"""Characters that a line has, about: so much of the document is asked for a line of context."""

Lines = list[tuple[int, str]]
"""Lines of the file, with their numbers; 0 where the format has no lines."""


@dataclass(frozen=True, slots=True)
class Context:
    """Lines before and after a hit."""

    before: Lines = field(default_factory=list)
    after: Lines = field(default_factory=list)


def context_of(library: Library, hit: Hit, before: int, after: int) -> Context:
    """At most so many lines before and after the snippet; none where the document cannot be shown now."""
    begins = hit.start + max(0, hit.text.find(hit.snippet))
    ends = begins + len(hit.snippet)
    first = max(0, begins - (before + 1) * LINE)
    try:
        found = library.excerpt(hit.path, first, ends - first + (after + 1) * LINE)
    except TITLED_ERRORS:
        return Context()
    cut = found.text[: max(0, begins - found.start)].split("\n")
    rest = found.text[max(0, ends - found.start) :].split("\n")
    last = hit.line + hit.snippet.count("\n")
    # The first and last pieces are parts of the hit's own lines.
    above = cut[:-1][-before:] if before else []
    below = rest[1:][:after]
    is_numbered = found.numbered and hit.line > 0
    return Context(
        [(hit.line - len(above) + i if is_numbered else 0, plain(text)) for i, text in enumerate(above)],
        [(last + 1 + i if is_numbered else 0, plain(text)) for i, text in enumerate(below)],
    )
