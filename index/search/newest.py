"""Files that pass a filter, newest first: what a query without words asks for."""

from __future__ import annotations

from dataclasses import replace

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search.filters import where_clause
from index.search.group_by_file import COLUMNS, StoredPassage, hit_at
from index.store.database import fetch_all, fetch_value, id_array
from index.store.fts_query import ParsedQuery
from index.types import Filter, Results

_NO_WORDS = ParsedQuery("", (), 0)


def newest(db: apsw.Connection, narrowed: Filter, limit: int) -> Results:
    """At most `limit` files, each with its first passage under the heading asked for, and how many pass."""
    where, bindings = where_clause(replace(narrowed, heading=""))
    under, heading = where_clause(Filter(heading=narrowed.heading))
    passing = f"FROM files WHERE state = 'indexed' AND {where}"
    if narrowed.heading:
        passing += f" AND EXISTS (SELECT 1 FROM passages WHERE file = files.id AND {under})"
    given = (*bindings, *heading)
    found = fetch_all(db, f"SELECT id {passing} ORDER BY mtime_ns DESC, path LIMIT ?", (*given, limit))
    total = fetch_value(db, f"SELECT count(*) {passing}", int, given) if len(found) == limit else len(found)
    first = (
        f"SELECT {COLUMNS} FROM carray(?) AS asked JOIN files ON files.id = asked.value "
        "JOIN passages ON passages.file = files.id AND passages.ordinal = "
        f"(SELECT min(ordinal) FROM passages WHERE file = files.id AND {under}) "
        "JOIN texts ON texts.id = passages.text ORDER BY files.mtime_ns DESC, files.path"
    )
    places = fetch_all(db, first, (id_array(_ids(found)), *heading))
    hits = tuple(hit_at(db, _NO_WORDS, StoredPassage(0, *place)) for place in places)
    return Results(hits, is_close=bool(hits), confidence=1.0 if hits else 0.0, total=total)


def _ids(found: list[tuple[int]]) -> NDArray[np.int64]:
    return np.array([id_ for (id_,) in found], np.int64)
