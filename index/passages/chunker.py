"""Documents to passages: cut at structure, within a token budget, at the same places after an edit.

Owns the boundaries of passages. Knows no format, no model (it takes a token counter) and no database.

This is content-defined chunking (Muthitacharoen, Chen and Mazieres, "A Low-bandwidth Network File System",
SOSP 2001) over segments instead of bytes. A hash of a segment's first characters decides whether a passage
begins there. A segment of the usual length of a passage or more always begins one; for a smaller segment the
probability is in proportion to its tokens. A heading counts with everything under it. The decision depends on
nothing before the segment, so an edit moves no other boundary, and a moved paragraph changes only the passage
that it leaves and the one that it enters. Where no passage begins for longer than the budget, the stretch is
cut at its strongest boundaries: headings, then paragraphs, then sentences.

In source code only a definition begins a passage, and top-level lines: a function is found by its name, its
comment and its body together.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise

from index.passages.places import PlaceFinder
from index.passages.segments import Segment, boundary_hash, split_into_segments
from index.types import Document, Passage, TokenCounter

MAX_TOKENS = 768
"""Tokens of the largest passage."""
OVERLAP_TOKENS = 0
"""Tokens repeated from the passage before where a section had to be cut."""

_USUAL = 8
"""Passages of the usual length that fit into the budget: the more, the fewer cuts the budget forces."""
_WHOLE = 3
"""Prose of so many usual lengths is still one segment."""
_FRAGMENT = 16
"""Least tokens of a passage, where there is more text to join it with."""
_LONGEST_TITLE = 160
"""Characters of a title or heading in a passage's prompt; longer ones are truncated."""
_HASH_RANGE = 1 << 32
"""Number of values of a boundary hash."""
_VERSION = 2
"""Version of the boundaries: with another one, every file is chunked again. Where only those of one kind
change, a migration of the index marks the files of that kind instead."""


def chunker_version(size: int = MAX_TOKENS, overlap: int = OVERLAP_TOKENS) -> str:
    """A text that is equal for two settings exactly where they cut documents at the same places."""
    return f"{_VERSION}-{size}-{overlap}"


def chunk_document(
    document: Document,
    name: str,
    count: TokenCounter,
    *,
    size: int = MAX_TOKENS,
    overlap: int = OVERLAP_TOKENS,
) -> list[Passage]:
    """The passages of `document`, in order; `name` is the title where the document states none.

    `count` gives tokens without `<bos>`, `<eos>` and prompt (see `token_counter`).
    No passage has more than `size`. Every character that is not blank is in a passage, except in the segments
    that `document.withheld` touches.
    """
    most = size - overlap
    segments = split_into_segments(document, count, min(most, _WHOLE * size // _USUAL), most)
    row = _SegmentRow(document.text, segments, size, overlap, whole=document.kind == "code")
    spans = [span for shown in _shown(segments, document.withheld) for span in row.spans(*shown)]
    return _passages(document, name, row, spans, overlap)


class _SegmentRow:
    """The segments of a document, and where passages begin among them."""

    def __init__(
        self, text: str, segments: Sequence[Segment], size: int, overlap: int, *, whole: bool
    ) -> None:
        """`whole`: what is under a heading begins no passage."""
        self._text = text
        self._whole = whole
        self.segments = segments
        self._size = size
        self._overlap = overlap
        self._usual = size // _USUAL
        self._sums = list(accumulate([u.gap + u.tokens for u in segments], initial=0))

    def spans(self, first: int, end: int) -> list[tuple[int, int]]:
        """First and end segment of each passage between two segments."""
        cuts = [first, *self._begun(first, end), end]
        if len(cuts) > 2 and self.tokens(cuts[0], cuts[1]) < _FRAGMENT:
            del cuts[1]
        return [span for a, b in pairwise(cuts) for span in self._within_budget(a, b)]

    def tokens(self, a: int, b: int) -> int:
        """Tokens of the segments from `a` to before `b`, with the blanks between them."""
        return self._sums[b] - self._sums[a] - self.segments[a].gap

    def _begun(self, first: int, end: int) -> Iterator[int]:
        """The segments that begin a passage, by their size and their boundary hash."""
        sizes = dict(self._sections(first, end))
        usual, before = self._usual, self.segments[first].kind
        for i, segment in enumerate(self.segments[first + 1 : end], first + 1):
            tokens = sizes[i] if segment.kind == "heading" else segment.tokens
            inside = self._whole and segment.kind != "heading" and bool(segment.heading)
            alone = tokens >= _FRAGMENT and before != "heading" and not inside
            if alone and (tokens >= usual or self._boundary_hash(i) * usual < tokens * _HASH_RANGE):
                yield i
            before = segment.kind

    def _boundary_hash(self, i: int) -> int:
        return boundary_hash(self._text, self.segments[i])

    def _sections(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Each heading with the number of tokens up to the next heading of the same or a higher level."""
        next_at: list[int] = []
        for i in range(end - 1, first, -1):
            segment = self.segments[i]
            if segment.kind == "heading":
                depth = len(segment.heading)
                next_at += [next_at[-1] if next_at else end] * (depth + 1 - len(next_at))
                yield i, self.tokens(i, next_at[depth])
                next_at[depth:] = [i] * (len(next_at) - depth)

    def _fits(self, a: int, b: int) -> bool:
        return self.tokens(a, b) <= self._size - (self._overlap if self.segments[a].forced else 0)

    def _within_budget(self, a: int, b: int) -> list[tuple[int, int]]:
        """Passages of a stretch without a boundary: cut at its strongest positions until all fit."""
        if self._fits(a, b):
            return [(a, b)]
        cuts = [a, b]
        for i in sorted(range(a + 1, b), key=self._weakness):
            at = bisect_right(cuts, i)
            low, high = cuts[at - 1], cuts[at]
            fragment = min(self.tokens(low, i), self.tokens(i, high)) < self._usual
            if not fragment and not self._fits(low, high):
                insort(cuts, i)
        return [span for low, high in pairwise(cuts) for span in self._halve(low, high)]

    def _weakness(self, i: int) -> tuple[int, int]:
        """The order of cuts: positions with greater values are used only where the others do not suffice."""
        segment = self.segments[i]
        if self.segments[i - 1].kind == "heading":
            return 3, self._boundary_hash(i)
        if segment.forced:
            return 2, self._boundary_hash(i)
        return (0 if segment.kind in ("prose", "heading") else 1), self._boundary_hash(i)

    def _halve(self, a: int, b: int) -> list[tuple[int, int]]:
        """Passages of a range that is too large and in which every cut leaves a fragment: cut nearest its
        middle."""
        if self._fits(a, b):
            return [(a, b)]
        middle = (self._sums[a] + self._sums[b]) / 2
        i = min(range(a + 1, b), key=lambda i: abs(self._sums[i] - middle))
        return [*self._halve(a, i), *self._halve(i, b)]


def _shown(segments: Sequence[Segment], withheld: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs of segments between those that hold a credential: one pass over both, in order."""
    hidden = []
    first = 0
    for start, end in sorted(withheld):
        while first < len(segments) and segments[first].end <= start:
            first += 1
        while first < len(segments) and segments[first].start < end:
            hidden.append(first)
            first += 1
    edges = [-1, *hidden, len(segments)]
    return [(a + 1, b) for a, b in pairwise(edges) if a + 1 < b]


def _passages(
    document: Document, name: str, row: _SegmentRow, spans: Sequence[tuple[int, int]], overlap: int
) -> list[Passage]:
    text, segments = document.text, row.segments
    places = PlaceFinder(document, _clip_path)
    title = _clip(document.title) or _clip(name)
    found: list[Passage] = []
    for first, end in spans:
        begin = _start_with_overlap(segments, first, overlap)
        start, stop = segments[begin].start, segments[end - 1].end
        found.append(
            Passage(
                text[start:stop],
                start,
                stop,
                places.line_at(start),
                title,
                _heading(segments, first, end),
                places.page_at(start),
                row.tokens(begin, end),
                places.places(segments[begin:end], start, stop),
            )
        )
    return found


def _start_with_overlap(segments: Sequence[Segment], first: int, overlap: int) -> int:
    """The first segment of a passage that begins inside a section, with the overlap."""
    begin, room = first, overlap
    while begin and segments[begin].forced:
        room -= segments[begin - 1].tokens + segments[begin].gap
        if room < 0:
            break
        begin -= 1
    return begin


def _heading(segments: Sequence[Segment], first: int, end: int) -> tuple[str, ...]:
    """The heading path of the first segment of a passage that is not a heading."""
    words = first
    while words < end and segments[words].kind == "heading":
        words += 1
    return _clip_path(segments[words if words < end else first].heading)


@lru_cache
def _clip_path(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_clip(part) for part in path)


def _clip(words: str) -> str:
    one_line = " ".join(words.split())
    return one_line if len(one_line) <= _LONGEST_TITLE else one_line[: _LONGEST_TITLE - 1] + "…"
