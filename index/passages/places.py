"""The places of the parts of a passage in their file: line, page and headings, found by the chunker.

Owns the choice of the places that a passage stores. Knows no format.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from index.passages.segments import Segment
from index.place import MAX_PLACES
from index.types import Document, Place

_Clip = Callable[[tuple[str, ...]], tuple[str, ...]]


class PlaceFinder:
    """The places of the passages of a document; fastest if called in the order of positions."""

    def __init__(self, document: Document, clip: _Clip) -> None:
        self._document = document
        self._clip = clip
        self._line, self._counted_to = 1, 0
        self._starts = [position for position, _ in document.lines or ()]

    def line_at(self, position: int) -> int:
        """The line of the file at a position; 0 where there is none."""
        if self._document.lines is not None:
            at = bisect_right(self._starts, position)
            return self._document.lines[at - 1][1] if at else 0
        text, last = self._document.text, self._counted_to
        step = text.count("\n", last, position) if position >= last else -text.count("\n", position, last)
        self._line, self._counted_to = self._line + step, position
        return self._line

    def page_at(self, position: int) -> int | None:
        return bisect_right(self._document.pages, position) or None

    def places(self, segments: Sequence[Segment], start: int, end: int) -> tuple[Place, ...]:
        """The places of the text from `start` to `end`; empty where one place covers all."""
        counted = self._document.lines is None
        found: list[Place] = []
        for position, heading in self._changes(segments, start, end):
            place = Place(
                position - start, self.line_at(position), counted, self.page_at(position), self._clip(heading)
            )
            same = 3 if counted else 1  # lines that are counted need no place of their own
            if not found or place[same:] != found[-1][same:]:
                found.append(place)
        if len(found) == 1 and (counted or not found[0].line):
            return ()
        return tuple(found[:MAX_PLACES])

    def _changes(
        self, segments: Sequence[Segment], start: int, end: int
    ) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Positions at which line, page or heading can change, in order, with the heading there."""
        document = self._document
        cuts = {max(start, segment.start): segment.heading for segment in segments}
        others = {
            *_within(document.pages, start, end),
            *_within(self._starts, start, end),
        } - cuts.keys()
        headings = sorted(cuts)
        for position in sorted([*headings, *others]):
            at = bisect_right(headings, position)
            yield position, cuts[headings[max(0, at - 1)]]


def _within(positions: Sequence[int], start: int, end: int) -> Sequence[int]:
    return positions[bisect_right(positions, start) : bisect_right(positions, end - 1)]
