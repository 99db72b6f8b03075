"""What a preview is made of: lines of pieces, each a slice of the document with the name of its style.

Owns the mapping from positions in the document to what is shown. Knows nothing of widgets or colours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """Shown text that stands for `[start, start + len(text))` of the document."""

    start: int
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that several lines belong to."""

    widths: tuple[int, ...]
    """Cells of the widest content of each column."""
    right: tuple[bool, ...]
    """Whether a column is at its right edge."""


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One line of a preview."""

    number: int
    """The document's line; 0 for a line that is not in the document (a page's beginning)."""
    start: int
    end: int
    pieces: tuple[Piece, ...]
    hang: int = 0
    """Characters at its beginning that stand out to the left where the line wraps."""
    table: Table | None = None
    cells: tuple[tuple[int, int], ...] = ()
    """The spans of the cells of a table row in `text`; none for the rule below the header."""

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def is_marks(self) -> bool:
        """Whether the whole line is syntax: a rule, a fence."""
        return all(piece.style == "faint" for piece in self.pieces)

    def shown(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The position in `text` of the document's `[start, end)`."""
        offset = 0
        for piece in self.pieces:
            left = max(start, piece.start)
            right = min(end, piece.start + len(piece.text))
            if left < right:
                yield offset + left - piece.start, offset + right - piece.start
            offset += len(piece.text)


def split_lines(text: str, start: int, number: int) -> Iterator[tuple[int, int, str]]:
    """Number, position and text of each line, cut at newlines alone."""
    position = 0
    for line in text.split("\n"):
        yield number, start + position, line
        position += len(line) + 1
        number += 1


def plain_lines(text: str, start: int, number: int) -> list[PreviewLine]:
    """Text as it is."""
    return [
        PreviewLine(count, at, at + len(line), (Piece(at, line),) if line else ())
        for count, at, line in split_lines(text, start, number)
    ]


def strengths(similarities: Sequence[float]) -> list[int]:
    """0 to 3 for each sentence: how near it comes to the one that answers best."""
    if not similarities:
        return []
    best = max(similarities)
    worst = min(similarities)
    reach = max(best - worst, 0.08)
    shares = [(value - (best - reach)) / reach for value in similarities]
    return [3 if share >= 0.9 else 2 if share >= 0.7 else 1 if share >= 0.5 else 0 for share in shares]
