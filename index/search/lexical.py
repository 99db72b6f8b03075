"""Lexical search: the passages with the clauses of a query, ranked by FTS5's BM25."""

from __future__ import annotations

import json

import apsw
import numpy as np
from numpy.typing import NDArray

from index.store.database import fetch_all, fetch_one, id_array
from index.store.fts_query import ParsedQuery, QueryClause

TITLE_WEIGHT = 2.0
"""Weight of a word in title and headings, where one in the body counts 1 (bm25's column weights)."""
WORK_ROWS = 5_000
"""Rows that a query may score, to bound its time: beyond, its commoner words are left out, and of the rarest
only the newest rows are scored."""
MOST_COUNTED = 100_000
"""Rows of the rarest word beyond which nothing is scored: BM25 counts all of them for each query, and a word
in so many passages hardly distinguishes them."""

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


def match_expression(query: ParsedQuery) -> str:
    """The MATCH expression: required groups joined by AND, all clauses by OR; "" where no clause occurs.

    Where the units are common, the commonest are left out, so that the work stays bounded; they
    weigh little.
    """
    kept: list[str] = []
    work = 0
    for clause in sorted(query.clauses, key=lambda clause: clause.passage_count):
        work += clause.passage_count
        if kept and work > WORK_ROWS and not clause.required:
            break
        if clause.passage_count or clause.required:
            kept.append(clause.match)
    any_of = " OR ".join(kept)
    required = [f"({' OR '.join(clause.match for clause in group)})" for group in query.groups]
    return " AND ".join([*required, f"({any_of})"]) if required else any_of


def _oldest(query: ParsedQuery, rarest: QueryClause) -> int:
    """The id after which texts are scored: 0, unless even the rarest word is in too many texts."""
    if query.required or rarest.passage_count <= WORK_ROWS:
        return 0
    return query.total - query.total * WORK_ROWS // rarest.passage_count


def best_passages(
    connection: apsw.Connection, query: ParsedQuery, k: int, allowed: Ids | None = None
) -> tuple[Ids, Floats]:
    """The k passages with the highest BM25 scores: ids and scores (positive, best first)."""
    expression = match_expression(query)
    if not expression:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rarest = min(query.clauses, key=lambda clause: clause.passage_count or query.total)
    # The plus prevents SQLite from running the match once for each allowed row.
    within = "" if allowed is None else "AND +rowid IN (SELECT value FROM carray(?))"
    bindings = () if allowed is None else (id_array(allowed),)
    if rarest.passage_count > MOST_COUNTED and not query.required:
        return _newest(connection, rarest, k, within, bindings)
    if allowed is not None:
        return _ids_and_scores(connection, expression, k, within, bindings)
    oldest = _oldest(query, rarest)
    while True:
        found = _ids_and_scores(connection, expression, k, "AND rowid > ?", (oldest,))
        if len(found[0]) >= k or not oldest:
            return found
        # A common word can be rare among the newest texts.
        oldest = max(0, query.total - 4 * (query.total - oldest))


def _newest(
    connection: apsw.Connection, clause: QueryClause, k: int, filter_: str, bindings: tuple[object, ...]
) -> tuple[Ids, Floats]:
    """The newest texts with a clause, each with the score of one occurrence in a text of average length."""
    found = fetch_all(
        connection,
        f"SELECT rowid FROM words WHERE words MATCH ? {filter_} ORDER BY rowid DESC LIMIT ?",
        (clause.match, *bindings, k),
    )
    return np.array([id_ for (id_,) in found], np.int64), np.full(len(found), clause.weight, np.float32)


def _ids_and_scores(
    connection: apsw.Connection, expression: str, k: int, filter_: str, bindings: tuple[object, ...]
) -> tuple[Ids, Floats]:
    # One row for all: fetching a row releases the interpreter's lock, which a writing thread then holds.
    ids, scores = fetch_one(
        connection,
        f"WITH matched AS MATERIALIZED (SELECT rowid AS id, bm25(words, {TITLE_WEIGHT}, 1.0) AS score "
        f"FROM words WHERE words MATCH ? {filter_} ORDER BY score LIMIT ?) "
        "SELECT json_group_array(id), json_group_array(score) FROM matched",
        (expression, *bindings, k),
    )
    return np.array(json.loads(ids), np.int64), -np.array(json.loads(scores), np.float32)
