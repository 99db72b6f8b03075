"""Documents to passages: cut at structure, under a token budget, the same places after an edit.

Owns where a document is cut. Knows no format, no model (a token counter comes in) and no database.

Each unit draws a lot from its own first characters. One of a passage's usual length or more begins a
passage, a smaller one with a chance in proportion to its tokens; a heading counts with all that stands
under it. So whether a passage begins somewhere depends on what begins there and on nothing around it:
an edit moves no other boundary, and a paragraph that is moved changes the passage it leaves and the
one it enters. Only where nothing begins for longer than the budget is the stretch cut at its strongest
boundaries: headings, then paragraphs, then sentences.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from index.types import Document, Passage, TokenCounter
from index.units import Unit, units_of

SIZE = 768
"""The largest passage, in tokens."""
OVERLAP = 0
"""Tokens repeated from the passage before where a section had to be cut."""

_USUAL = 8
"""How many passages of the usual length fit into the budget: the more, the fewer cuts it forces."""
_WHOLE = 3
"""Prose of so many usual lengths is still one unit."""
_FRAGMENT = 16
"""Tokens below which nothing stands alone."""
_LONGEST_TITLE = 160
_LOTS = 1 << 32
_VERSION = 2


def chunker(size: int = SIZE, overlap: int = OVERLAP) -> str:
    """Equal exactly where documents are cut at the same places."""
    return f"{_VERSION}-{size}-{overlap}"


def cut(
    document: Document, name: str, count: TokenCounter, *, size: int = SIZE, overlap: int = OVERLAP
) -> list[Passage]:
    """The passages of `document`, in order; `name` is the title where the document states none.

    `count` gives tokens without `<bos>`, `<eos>` and prompt (`index.tokens.WordCounter` makes one
    fast); no passage has more than `size`. Every character that is not blank is in a passage, except
    in the units of `document.withheld`.
    """
    most = size - overlap
    units = units_of(document, count, min(most, _WHOLE * size // _USUAL), most)
    spans: list[tuple[int, int]] = []
    for first, end in _shown(units, document.withheld):
        spans.extend(_Row(units, first, end, size, overlap).spans())
    return _passages(document, name, units, spans, overlap)


class _Row:
    """A run of units and the boundaries chosen in it."""

    def __init__(self, units: Sequence[Unit], first: int, end: int, size: int, overlap: int) -> None:
        self._units = units
        self._first = first
        self._end = end
        self._size = size
        self._overlap = overlap
        self._usual = size // _USUAL
        self._sums = list(accumulate((u.gap + u.tokens for u in units), initial=0))

    def spans(self) -> list[tuple[int, int]]:
        """First and end unit of each passage."""
        cuts = [self._first, *self._begun(), self._end]
        if len(cuts) > 2 and self._tokens(cuts[0], cuts[1]) < _FRAGMENT:
            del cuts[1]
        return [span for a, b in pairwise(cuts) for span in self._within_budget(a, b)]

    def _begun(self) -> Iterator[int]:
        """The units that begin a passage by their own size and lot."""
        sizes = dict(self._sections())
        units, usual = self._units, self._usual
        for i in range(self._first + 1, self._end):
            unit = units[i]
            tokens = sizes.get(i, unit.tokens)
            if tokens < _FRAGMENT or units[i - 1].kind == "heading":
                continue
            if tokens >= usual or unit.lot * usual < tokens * _LOTS:
                yield i

    def _sections(self) -> Iterator[tuple[int, int]]:
        """Each heading with the tokens up to the next that is not below it."""
        next_at: list[int] = []
        for i in range(self._end - 1, self._first, -1):
            unit = self._units[i]
            if unit.kind == "heading":
                depth = len(unit.heading)
                next_at += [next_at[-1] if next_at else self._end] * (depth + 1 - len(next_at))
                yield i, self._tokens(i, next_at[depth])
                next_at[depth:] = [i] * (len(next_at) - depth)

    def _tokens(self, a: int, b: int) -> int:
        return self._sums[b] - self._sums[a] - self._units[a].gap

    def _fits(self, a: int, b: int) -> bool:
        return self._tokens(a, b) <= self._size - (self._overlap if self._units[a].forced else 0)

    def _within_budget(self, a: int, b: int) -> list[tuple[int, int]]:
        """A stretch in which nothing begins, as passages: cut where it is strongest until all fit."""
        if self._fits(a, b):
            return [(a, b)]
        cuts = [a, b]
        for i in sorted(range(a + 1, b), key=self._weakness):
            at = bisect_right(cuts, i)
            low, high = cuts[at - 1], cuts[at]
            fragment = min(self._tokens(low, i), self._tokens(i, high)) < self._usual
            if not fragment and not self._fits(low, high):
                insort(cuts, i)
        return [span for low, high in pairwise(cuts) for span in self._halved(low, high)]

    def _weakness(self, i: int) -> tuple[int, int]:
        """Later boundaries in this order are cut only where the earlier ones do not suffice."""
        unit = self._units[i]
        if self._units[i - 1].kind == "heading":
            return 3, unit.lot
        if unit.forced:
            return 2, unit.lot
        return (0 if unit.kind in ("prose", "heading") else 1), unit.lot

    def _halved(self, a: int, b: int) -> list[tuple[int, int]]:
        """A range too large in which every boundary leaves a fragment: cut nearest its middle."""
        if self._fits(a, b):
            return [(a, b)]
        middle = (self._sums[a] + self._sums[b]) / 2
        i = min(range(a + 1, b), key=lambda i: abs(self._sums[i] - middle))
        return [*self._halved(a, i), *self._halved(i, b)]


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
