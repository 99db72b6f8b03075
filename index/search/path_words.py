"""Files found by their paths: folders and names that hold words of a query."""

from __future__ import annotations

import os

import apsw

from index.store.database import fetch_all, fetch_value
from index.store.fts_query import ParsedQuery, QueryClause, tokenize
from index.store.row_codec import path_words

FILES = 50
"""Files that a query finds by path: more than a page of results."""
MATCHED = 2_000
"""Paths that are read: a folder of photos must not crowd out the notes beside it."""
SHARE = 0.5
"""The lexical score that a path with all words of the query adds to its passages."""
_COMMON = 5
"""A word is distinctive if it is in at most one of so many paths; the name of a home folder is not."""


def files_by_path(db: apsw.Connection, query: ParsedQuery) -> dict[int, float]:
    """Files whose paths hold words of the query, with the addition to their lexical scores."""
    most = sum(clause.weight for clause in query.clauses)
    distinctive = distinctive_clauses(db, query)
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


def distinctive_clauses(db: apsw.Connection, query: ParsedQuery) -> list[QueryClause]:
    """The clauses of a query that some path holds and that distinguish files."""
    return [clause for clause in query.clauses if _is_distinctive(db, clause)]


def _is_distinctive(db: apsw.Connection, clause: QueryClause) -> bool:
    """Whether some path holds the words of the clause, and none of them is common."""
    if not clause.path_count:
        return False
    commonest = max(clause.path_counts)
    # Counted only as far as needed: counting every file of a large index costs more than the rest.
    enough = _COMMON * commonest
    files = fetch_value(db, "SELECT count(*) FROM (SELECT 1 FROM files LIMIT ?)", int, (enough,))
    return files == enough or commonest == 1


def weight_in(db: apsw.Connection, path: str, distinctive: list[QueryClause]) -> float:
    """The weight of the clauses that a path, or a part of it, holds."""
    held = {token.term for token in tokenize(db, path_words(path))}
    return sum(
        clause.weight
        for clause in distinctive
        if all(_holds(held, term, clause.prefix) for term in clause.terms)
    )


def _holds(held: set[str], term: str, prefix: bool) -> bool:
    return term in held or (prefix and any(one.startswith(term) for one in held))
