"""An excerpt of a document as the lines of a preview, by the kind of the document, and the page made of them.

Owns the choice of how a kind is drawn, and the lines where pages begin. Knows nothing of widgets or colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.api import Excerpt
from app.sanitize import visible
from app.tui.styled_lines import Piece, PreviewLine, plain_lines

Span3 = tuple[int, int, int]
"""Start, end, and strength 1 to 3 of a marked sentence."""


@dataclass(frozen=True)
class Page:
    """A stretch of a document, ready to show."""

    excerpt: Excerpt
    lines: tuple[PreviewLine, ...]
    focus: tuple[int, int]
    """The passage it is about."""
    words: tuple[tuple[int, int], ...] = ()
    """The positions of words of the query."""
    heading: str = ""
    marks: tuple[Span3, ...] = field(default=())

    @property
    def numbered(self) -> bool:
        """Whether lines are shown with their numbers."""
        return bool(self.excerpt.language) and self.excerpt.numbered


def lines_of(excerpt: Excerpt) -> list[PreviewLine]:
    """The excerpt as lines of pieces, by its kind, with a line where a page begins."""
    text = visible(excerpt.text).replace("\t", " ") if excerpt.kind != "code" else visible(excerpt.text)
    lines = _style_lines(text, excerpt)
    return _with_pages(lines, excerpt) if excerpt.pages else lines


def _style_lines(text: str, excerpt: Excerpt) -> list[PreviewLine]:
    if excerpt.kind == "markdown":
        from app.tui.markdown import markdown_lines  # only documents of this kind pay for it
        from app.tui.tables import with_tables

        return with_tables(markdown_lines(text, excerpt.start, excerpt.line))
    if excerpt.language:
        from app.tui.code import code_lines

        return code_lines(text, excerpt.start, excerpt.line, excerpt.language)
    return plain_lines(text, excerpt.start, excerpt.line)


def _with_pages(lines: Sequence[PreviewLine], excerpt: Excerpt) -> list[PreviewLine]:
    begins = [(start, page) for page, start in enumerate(excerpt.pages, 1)]
    begins = [
        (start, page) for start, page in begins if excerpt.start <= start <= excerpt.start + len(excerpt.text)
    ]
    shown: list[PreviewLine] = []
    for line in lines:
        while begins and begins[0][0] <= line.end:
            start, page = begins.pop(0)
            shown.append(PreviewLine(0, start, start, (Piece(start, f"page {page}", "page"),)))
        shown.append(line)
    return shown
