"""Headings of documents and definitions of source code, by which passages are found as files are by names.

Owns the form in which they are compared, and their rows: for each file, the first passage with each heading.
"""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from index.store.facts import name_key
from index.store.row_codec import clean_text
from index.types import Passage

MAX_KEY = 100
"""Characters of a key; longer headings are sentences and no names."""


def heading_key(words: str) -> str:
    """The lookup key, letters and digits alone: `embed_query`, `EmbedQuery` and "embed query" are equal."""
    return name_key(words).replace(" ", "")


def put_headings(db: apsw.Connection, file: int, numbered: Iterable[tuple[int, Passage]]) -> None:
    """Add the headings of passages, given with their ordinals."""
    rows = [
        (key, file, ordinal)
        for ordinal, passage in numbered
        for key in map(heading_key, _headings(passage))
        if 0 < len(key) <= MAX_KEY
    ]
    db.executemany("INSERT OR IGNORE INTO headings(key, file, ordinal) VALUES (?, ?, ?)", rows)


def _headings(passage: Passage) -> set[str]:
    """The innermost heading of each part of the passage."""
    paths = (passage.heading, *(place.heading for place in passage.places))
    return {clean_text(path[-1]) for path in paths if path}
