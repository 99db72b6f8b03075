"""Documents to passages: cut at structure, under a token budget, the same places after an edit.

Owns where a document is cut. Knows no format, no model (a token counter comes in) and no database.

A range of units larger than the budget is cut at its strongest boundary: a heading before a
paragraph, a paragraph before a sentence. Among like boundaries the one whose unit draws the lowest
number from its own characters is cut first, so that where a document is cut depends on what stands
there and not on how much stands before it: an edit moves only the boundaries beside it. Sections
that a heading opens stand alone where they are long enough; shorter ones join their neighbours.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import accumulate, pairwise

from index.types import Document, Passage, TokenCounter
from index.units import Unit, units_of

SIZE = 448
"""The largest passage, in tokens."""
OVERLAP = 44
"""Tokens repeated from the passage before where a section had to be cut."""
CHUNKER_VERSION = "1"

_FRAGMENT = 0.25
"""Part of the budget below which a piece is not cut off from its neighbours."""
_LONGEST_TITLE = 160


def cut(
    document: Document, name: str, count: TokenCounter, *, size: int = SIZE, overlap: int = OVERLAP
) -> list[Passage]:
    """The passages of `document`, in order; `name` is the title where the document states none.

    `count` gives tokens without `<bos>`, `<eos>` and prompt (`index.tokens.WordCounter` makes one
    fast); no passage has more than `size`. Every character that is not blank is in a passage, except
    in the units of `document.withheld`.
    """
    units = units_of(document, count, size - overlap)
    spans: list[tuple[int, int]] = []
    for first, end in _shown(units, document.withheld):
        row = _Row(units, first, end, size, overlap)
        spans.extend(row.spans())
    return _passages(document, name, units, spans, overlap)


class _Row:
    """A run of units and the boundaries chosen in it."""

    def __init__(self, units: Sequence[Unit], first: int, end: int, size: int, overlap: int) -> None:
        self._units = units
        self._size = size
        self._overlap = overlap
        self._fragment = round(size * _FRAGMENT)
        self._cuts = [first, end]
        self._sums = list(accumulate((u.gap + u.tokens for u in units), initial=0))

    def spans(self) -> list[tuple[int, int]]:
        """First and end unit of each passage."""
        first, end = self._cuts
        inner = range(first + 1, end)
        headings = [i for i in inner if self._opens_section(i)]
        for i in sorted(headings, key=lambda i: (len(self._units[i].heading), self._units[i].order)):
            self._cut_at(i, even_if_it_fits=True)
        if any(not self._fits(a, b) for a, b in pairwise(self._cuts)):
            for i in sorted(inner, key=self._weakness):
                self._cut_at(i, even_if_it_fits=False)
        return [span for a, b in pairwise(self._cuts) for span in self._forced(a, b)]

    def _opens_section(self, i: int) -> bool:
        return self._units[i].kind == "heading" and self._units[i - 1].kind != "heading"

    def _weakness(self, i: int) -> tuple[int, int]:
        """Later boundaries in this order are cut only where the earlier ones do not suffice."""
        unit = self._units[i]
        if self._units[i - 1].kind == "heading":
            return 3, unit.order
        if unit.forced:
            return 2, unit.order
        return (0 if unit.kind in ("prose", "heading") else 1), unit.order

    def _tokens(self, a: int, b: int) -> int:
        return self._sums[b] - self._sums[a] - self._units[a].gap

    def _fits(self, a: int, b: int) -> bool:
        return self._tokens(a, b) <= self._size - (self._overlap if self._units[a].forced else 0)

    def _cut_at(self, i: int, *, even_if_it_fits: bool) -> None:
        at = bisect_right(self._cuts, i)
        a = self._cuts[at - 1]
        if a == i:
            return
        b = self._cuts[at]
        if not even_if_it_fits and self._fits(a, b):
            return
        if self._tokens(a, i) >= self._fragment and self._tokens(i, b) >= self._fragment:
            insort(self._cuts, i)

    def _forced(self, a: int, b: int) -> list[tuple[int, int]]:
        """A range too large in which every boundary leaves a fragment: cut nearest its middle."""
        if self._fits(a, b):
            return [(a, b)]
        middle = (self._sums[a] + self._sums[b]) / 2
        i = min(range(a + 1, b), key=lambda i: abs(self._sums[i] - middle))
        return [*self._forced(a, i), *self._forced(i, b)]


def _shown(units: Sequence[Unit], withheld: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs of units between those that hold something withheld."""
    hidden = [
        i for i, u in enumerate(units) if any(u.start < end and start < u.end for start, end in withheld)
    ]
    edges = [-1, *hidden, len(units)]
    return [(a + 1, b) for a, b in pairwise(edges) if a + 1 < b]


def _passages(
    document: Document, name: str, units: Sequence[Unit], spans: Sequence[tuple[int, int]], overlap: int
) -> list[Passage]:
    text = document.text
    title = _clip(document.title) or _clip(name)
    found: list[Passage] = []
    line, at = 1, 0
    for first, end in spans:
        begin = _overlapped(units, first, overlap)
        start, stop = units[begin].start, units[end - 1].end
        line += text.count("\n", at, start) if start >= at else -text.count("\n", start, at)
        at = start
        found.append(
            Passage(
                text=text[start:stop],
                start=start,
                end=stop,
                line=line,
                title=title,
                heading=_heading(units[first:end]),
                page=bisect_right(document.pages, start) or None,
                tokens=sum(u.gap + u.tokens for u in units[begin:end]) - units[begin].gap,
            )
        )
    return found


def _overlapped(units: Sequence[Unit], first: int, overlap: int) -> int:
    """Where a passage that begins inside a section begins, with what it repeats."""
    begin, room = first, overlap
    while begin and units[begin].forced:
        room -= units[begin - 1].tokens + units[begin].gap
        if room < 0:
            break
        begin -= 1
    return begin


def _heading(units: Sequence[Unit]) -> tuple[str, ...]:
    """The path above the passage's first words that are not themselves a heading."""
    path = next((u.heading for u in units if u.kind != "heading"), units[0].heading)
    return tuple(_clip(part) for part in path)


def _clip(words: str) -> str:
    one_line = " ".join(words.split())
    return one_line if len(one_line) <= _LONGEST_TITLE else one_line[: _LONGEST_TITLE - 1] + "…"
