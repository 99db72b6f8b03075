"""The places of the parts of a passage in their file: line, page and headings, stored and looked up.

Owns the lookup of a place by position, and its stored form. Knows no format.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import Any

from index.types import Passage, Place

MAX_PLACES = 2_000
"""Places of one passage: one for each line of the largest passage."""


def place_at(passage: Passage, offset: int) -> Place:
    """Line, page and headings at an offset in the passage's text."""
    at = bisect_right([place.offset for place in passage.places], offset)
    if not at:
        begin = Place(0, passage.line, passage.line > 0, passage.page, passage.heading)
    else:
        begin = passage.places[at - 1]
    ends = passage.text.count("\n", begin.offset, offset) if begin.counted else 0
    return begin._replace(offset=offset, line=begin.line + ends)


def encode_places(passage: Passage) -> str | None:
    """The stored form of the places, without headings equal to those of the passage; None without places."""
    if not passage.places:
        return None
    rows = [
        [p.offset, p.line, int(p.counted), p.page, None if p.heading == passage.heading else list(p.heading)]
        for p in passage.places[:MAX_PLACES]
    ]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False)


def decode_places(stored: str | None, heading: tuple[str, ...]) -> tuple[Place, ...]:
    """The stored places; empty where the stored form is not valid."""
    if not stored:
        return ()
    try:
        return tuple(_decode_place(row, heading) for row in json.loads(stored))
    except (ValueError, TypeError):
        return ()


def _decode_place(row: Any, heading: tuple[str, ...]) -> Place:
    offset, line, counted, page, own = row
    if not all(type(number) is int and number >= 0 for number in (offset, line, page or 0)):
        raise ValueError("a place has no numbers")
    path = heading if own is None else tuple(str(part).encode("utf-8", "replace").decode() for part in own)
    return Place(offset, line, bool(counted), page, path)
