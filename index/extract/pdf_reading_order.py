"""Printed lines in the order in which they are read: columns apart, heads and feet that return taken out.

Owns what the places of lines on pages say about their order. Knows nothing of PDF, paragraphs and headings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.extract.document_builder import one_line

_LEAST_COLUMN = 18
"""Characters a line of a column has on average; what is narrower is a table."""
_NUMBER = re.compile(
    r"^[\W_]*(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/)\s*\d{1,4})?[\W_]*$", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class TextLine:
    """One printed line; the box in points from the page's lower left corner."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    height: float
    """The height of the font, from ascender to descender."""
    hyphen: bool
    """Whether it ends in a hyphen that the end of the line brought about (already taken off)."""
    page_width: float


def ordered(lines: list[TextLine]) -> list[TextLine]:
    """A page in reading order: as it was written, unless that jumps between columns."""
    return _ordered(lines, 0.0, lines[0].page_width) if lines else lines


def _ordered(lines: list[TextLine], begin: float, end: float) -> list[TextLine]:
    """The lines between two places of a page, columns that are beside each other one after the other."""
    gutter = _gutter(lines, begin, end)
    if gutter is None:
        return lines
    sides = [_side(line, gutter) for line in lines]
    jumps = sum(a != b and 0 not in (a, b) for a, b in pairwise(sides))
    return lines if jumps <= 4 else _by_columns(lines, begin, gutter, end)


def _gutter(lines: Sequence[TextLine], begin: float, end: float) -> float | None:
    """The middle of the blank strip between two columns; None where there is one column."""
    if len(lines) < 12:
        return None
    best: tuple[int, float] | None = None
    for step in range(30, 71, 2):
        x = begin + (end - begin) * step / 100
        crossing = sum(line.left < x < line.right for line in lines)
        if best is None or crossing < best[0]:
            best = (crossing, x)
    if best is None or best[0] > 0.3 * len(lines):
        return None
    x = best[1]
    left = sum(line.right <= x for line in lines)
    right = sum(line.left >= x for line in lines)
    words = sum(len(line.text) for line in lines if _side(line, x)) / max(1, left + right)
    return x if min(left, right) > 0.2 * len(lines) and words > _LEAST_COLUMN else None


def _side(line: TextLine, gutter: float) -> int:
    return -1 if line.right <= gutter else 1 if line.left >= gutter else 0


def _by_columns(lines: Sequence[TextLine], begin: float, gutter: float, end: float) -> list[TextLine]:
    """Left columns before right ones, between the lines that run across all."""

    def columns(band: list[TextLine]) -> list[TextLine]:
        band.sort(key=lambda line: (-line.bottom, line.left))
        left = [line for line in band if _side(line, gutter) < 0]
        right = [line for line in band if _side(line, gutter) > 0]
        return _ordered(left, begin, gutter) + _ordered(right, gutter, end)

    found: list[TextLine] = []
    band: list[TextLine] = []
    for line in sorted(lines, key=lambda line: -line.top):
        if _side(line, gutter) == 0:
            found += columns(band)
            band = []
            found.append(line)
        else:
            band.append(line)
    return found + columns(band)


def without_running(lines: Sequence[TextLine], running: Mapping[TextLine, bool]) -> list[TextLine]:
    """A page without heads and feet; those that occur for the first time are its first lines."""
    first = [line for line, is_first in running.items() if is_first]
    return first + [line for line in lines if line not in running]


def running_lines(pages: Sequence[Sequence[TextLine]]) -> list[dict[TextLine, bool]]:
    """For each page, the page number, and the running heads and feet with whether each occurs first here.

    A letterhead or a reference may be nowhere else, so it is read once.
    """
    edges = [(i, line, at) for i, lines in enumerate(pages) for at, line in _edge(lines)]
    seen = Counter(
        (at, key) for at, key in {(i, at, _like(line)): (at, _like(line)) for i, line, at in edges}.values()
    )
    often = max(2, min(4, 0.3 * len(pages)))
    found: list[dict[TextLine, bool]] = [{} for _ in pages]
    known: set[str] = set()
    for i, line, at in edges:
        key = _like(line)
        if _NUMBER.match(line.text):
            found[i][line] = False
        elif len(pages) > 1 and seen[(at, key)] >= often:
            found[i][line] = found[i].get(line, False) or key not in known
            known.add(key)
    return found


def _edge(lines: Sequence[TextLine]) -> list[tuple[str, TextLine]]:
    """The outermost lines at the top and at the foot of a page."""
    by_height = sorted(lines, key=lambda line: -line.top)
    return [("top", line) for line in by_height[:4]] + [("foot", line) for line in by_height[-6:]]


def _like(line: TextLine) -> str:
    return _DIGITS.sub("#", one_line(line.text).lower())
