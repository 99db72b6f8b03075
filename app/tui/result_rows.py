"""From an answer to the rows of the list: grouping by file, expansion, order, and why each is there.

Pure functions over immutable rows; knows nothing of widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.api import Answer
from index.types import HEADING_SEPARATOR, Hit

Sort = Literal["relevance", "date"]
Reason = Literal["words", "meaning", "words + meaning"]

MEANING_FROM = 0.3
"""Cosine between query and passage from which meaning counts as a reason of its own."""

SHORT_WORD = 3
"""Letters up to which a word is not marked where longer ones are: they are "the" and "is"."""

RowKey = tuple[str, int]
"""Path, and the passage's start; -1 for the row of the file itself."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list's model: a file with its best passage, or a further passage of it."""

    hit: Hit
    depth: int = 0
    places: int = 1
    """Passages of the file that answer, the best included."""
    expanded: bool = False
    sure: float = 0.0
    """How sure, 0..1."""
    reason: Reason = "meaning"
    stale: bool = False
    pinned: bool = False

    @property
    def key(self) -> RowKey:
        return (self.hit.path, self.hit.start if self.depth else -1)


def build(
    answer: Answer, sort: Sort, expanded: frozenset[str], pinned: frozenset[tuple[str, int]] = frozenset()
) -> list[Row]:
    """The rows of an answer, files in the order asked for, opened files with all their places."""
    hits = sorted(answer.hits, key=lambda hit: -hit.modified_ns) if sort == "date" else answer.hits
    rows: list[Row] = []
    for hit in hits:
        opened = hit.path in expanded and bool(hit.more)
        row = Row(
            hit,
            places=1 + len(hit.more),
            expanded=opened,
            sure=sureness(hit, answer),
            reason=reason(hit),
            stale=hit.path in answer.stale,
            pinned=(hit.path, hit.start) in pinned,
        )
        rows.append(row)
        if opened:
            rows.extend(_places(row, answer))
    return rows


def _places(row: Row, answer: Answer) -> list[Row]:
    places = sorted((replace(row.hit, more=()), *row.hit.more), key=lambda hit: hit.start)
    return [
        Row(hit, depth=1, sure=sureness(hit, answer), reason=reason(hit), stale=row.stale) for hit in places
    ]


def reason(hit: Hit) -> Reason:
    """Why a hit is there: its words, its meaning, or both."""
    meant = hit.similarity is not None and (hit.words is None or hit.similarity >= MEANING_FROM)
    if meant and hit.words is not None:
        return "words + meaning"
    return "meaning" if meant else "words"


def sureness(hit: Hit, answer: Answer) -> float:
    """How sure ken is of a hit, 0..1: how sure of the answer, in the hit's share of the best score."""
    best = max((other.score for other in answer.hits), default=0.0)
    share = hit.score / best if best > 0 else 0.0
    return max(0.0, min(1.0, share)) * max(0.0, min(1.0, answer.confidence))


def heading(hit: Hit) -> str:
    """The heading path without a repetition of the title."""
    parts = [part for part in hit.heading if part and part != hit.title]
    return HEADING_SEPARATOR.join(parts)


def index_of(rows: Sequence[Row], key: RowKey | None) -> int | None:
    """The index of the row with this key; a closed place falls back to its file."""
    if key is None:
        return None
    for wanted in (key, (key[0], -1)):
        for index, row in enumerate(rows):
            if row.key == wanted:
                return index
    return None
