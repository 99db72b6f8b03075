"""Files found by their path: the folders and names that hold words of a question."""

from __future__ import annotations

import os

import apsw

from index.store.database import fetch_all, fetch_value
from index.store.fts_query import LAST_CHARACTER, ParsedQuery, QueryClause, tokenize
from index.store.row_codec import path_words

FILES = 50
"""Files a question may find by name."""
MATCHED = 2_000
"""Paths that are looked at: a folder of photos must not crowd out the notes beside it."""
SHARE = 0.5
"""What a path that holds the whole question adds to the lexical part of its passages."""
_COMMON = 5
"""A word in more than one path of this many, such as a home folder's, says nothing."""


def files_by_path(db: apsw.Connection, query: ParsedQuery) -> dict[int, float]:
    """Files whose path holds words of the question, with what that adds to their lexical part."""
    most = sum(clause.weight for clause in query.clauses)
    distinctive = telling_units(db, query)
    if not distinctive:
        return {}
    found = fetch_all(
        db,
        "WITH matched AS MATERIALIZED (SELECT rowid AS id FROM names WHERE names MATCH ? "
        "ORDER BY rank LIMIT ?) SELECT files.id, files.path FROM matched JOIN files USING (id) "
        "WHERE files.state = 'indexed' LIMIT ?",
        (" OR ".join(clause.match for clause in distinctive), MATCHED, FILES),
    )
    return {file: SHARE * weight_in(db, os.fsdecode(path), distinctive) / most for file, path in found}


def telling_units(db: apsw.Connection, query: ParsedQuery) -> list[QueryClause]:
    """The units of a question that some path holds and that tell files apart."""
    return [clause for clause in query.clauses if _is_distinctive(db, clause)]


def held_by_a_path(db: apsw.Connection, clause: QueryClause) -> int:
    """How many paths hold the unit's rarest word; 0 where some word of it is in none."""
    return min((_paths_with(db, term, clause.prefix) for term in clause.terms), default=0)


def _is_distinctive(db: apsw.Connection, clause: QueryClause) -> bool:
    """Whether some path holds the unit's words, and none of them is common."""
    held = [_paths_with(db, term, clause.prefix) for term in clause.terms]
    if not all(held):
        return False
    # No further than decides: counting every file of a large index costs more than the rest of this.
    enough = _COMMON * max(held)
    files = fetch_value(db, "SELECT count(*) FROM (SELECT 1 FROM files LIMIT ?)", int, (enough,))
    return files == enough or max(held) == 1


def weight_in(db: apsw.Connection, path: str, distinctive: list[QueryClause]) -> float:
    """The weight of the units that a path, or a part of one, holds."""
    held = {token.term for token in tokenize(db, path_words(path))}
    return sum(
        clause.weight
        for clause in distinctive
        if all(_holds(held, term, clause.prefix) for term in clause.terms)
    )


def _holds(held: set[str], term: str, prefix: bool) -> bool:
    return term in held or (prefix and any(one.startswith(term) for one in held))


def _paths_with(db: apsw.Connection, term: str, prefix: bool) -> int:
    """How many paths hold a term."""
    if prefix:
        sql = "SELECT coalesce(sum(doc), 0) FROM names_terms WHERE term >= ? AND term < ?"
        return fetch_value(db, sql, int, (term, term + LAST_CHARACTER))
    return fetch_value(db, "SELECT coalesce(max(doc), 0) FROM names_terms WHERE term = ?", int, (term,))
