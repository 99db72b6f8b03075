"""Files that pass a filter, newest first: the answer to a query without words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search import by_name
from index.search.filter_sql import of_files, of_passages, where_clause
from index.search.group_by_file import COLUMNS, StoredPassage, hit_at
from index.store.database import fetch_all, fetch_value, id_array
from index.store.fts_query import ParsedQuery
from index.types import Filter, Results

if TYPE_CHECKING:
    from index.store.fts_query import Pattern

DATED = 200
"""Results among which the newest are selected."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The texts that match patterns, and the patterns."""

    ids: NDArray[np.int64]
    patterns: tuple[Pattern, ...]


def newest(db: apsw.Connection, filter_: Filter, limit: int, matching: Matching | None = None) -> Results:
    """At most `limit` files, each with its first passage that passes, and how many pass.

    `matching` are the texts that match the patterns of the filter, if it has some.
    """
    where, bindings = where_clause(of_files(filter_))
    passes, wanted = where_clause(of_passages(filter_))
    if matching is not None:
        passes += " AND passages.text IN (SELECT value FROM carray(?))"
        wanted = (*wanted, id_array(matching.ids))
    listed = "state = 'indexed'" if wanted else by_name.FINDABLE
    passing = f"FROM files WHERE {listed} AND {where}"
    if wanted:
        passing += f" AND id IN (SELECT file FROM passages WHERE {passes})"
        bindings = (*bindings, *wanted)
    found = fetch_all(db, f"SELECT id {passing} ORDER BY mtime_ns DESC, path LIMIT ?", (*bindings, limit))
    known = len(found) < limit
    total = len(found) if known else fetch_value(db, f"SELECT count(*) {passing}", int, bindings)
    first = (
        f"SELECT {COLUMNS} FROM carray(?) AS wanted JOIN files ON files.id = wanted.value "
        "JOIN passages ON passages.file = files.id AND passages.ordinal = "
        f"(SELECT min(ordinal) FROM passages WHERE file = files.id AND {passes}) "
        "JOIN texts ON texts.id = passages.text ORDER BY files.mtime_ns DESC, files.path"
    )
    places = fetch_all(db, first, (id_array(_ids(found)), *wanted))
    shown = ParsedQuery("", (), 0, patterns=matching.patterns if matching else ())
    passages = [StoredPassage(*place) for place in places]
    known_hits = by_name.hits(db, [file for (file,) in found])
    known_hits |= {passage.file: hit_at(db, shown, passage, filter_.heading) for passage in passages}
    hits = tuple(known_hits[file] for (file,) in found)
    return Results(hits, is_close=bool(hits), confidence=1.0 if hits else 0.0, total=total)


def by_date(results: Results, limit: int) -> Results:
    """The newest of the hits that have at least half the score of the best one."""
    best = max((hit.score for hit in results.hits), default=0.0)
    answering = [hit for hit in results.hits if 2 * hit.score >= best]
    newest_first = sorted(answering, key=lambda hit: -hit.modified_ns)
    return replace(results, hits=tuple(newest_first[:limit]))


def _ids(found: list[tuple[int]]) -> NDArray[np.int64]:
    return np.array([id_ for (id_,) in found], np.int64)
