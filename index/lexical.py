"""Words: the passages that hold a question's units best, by FTS5's BM25."""

from __future__ import annotations

import apsw
import numpy as np
from numpy.typing import NDArray

from index.database import array, rows
from index.question import Question

TITLE_WEIGHT = 2.0
WORK_ROWS = 10_000
"""Rows a question may score before its commonest words are left out of the match."""

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


def expression(question: Question) -> str:
    """What FTS5 is asked: required phrases joined by AND, the other units by OR; "" where no unit occurs.

    Where the units are common, the commonest are left out, so that the work stays bounded; they
    weigh little.
    """
    kept: list[str] = []
    work = 0
    for unit in sorted(question.units, key=lambda unit: unit.rows):
        work += unit.rows
        if kept and work > WORK_ROWS and not unit.required:
            break
        if unit.rows or unit.required:
            kept.append(unit.match)
    any_of = " OR ".join(kept)
    required = [unit.match for unit in question.required]
    return " AND ".join([*required, f"({any_of})"]) if required else any_of


def _oldest(question: Question) -> int:
    """The text number beyond which to look: 0, unless even the rarest word is in too many texts to score."""
    rarest = min((unit.rows for unit in question.units if unit.rows), default=0)
    if question.required or rarest <= WORK_ROWS:
        return 0
    return question.total - question.total * WORK_ROWS // rarest


def best(
    connection: apsw.Connection, question: Question, k: int, allowed: Ids | None = None
) -> tuple[Ids, Floats]:
    """The k passages that hold the question's units best: ids and BM25 scores (positive, best first)."""
    asked = expression(question)
    if not asked:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if allowed is not None:
        # The plus keeps SQLite from running the match once for each allowed row.
        return _scored(connection, asked, k, "AND +rowid IN (SELECT value FROM carray(?))", (array(allowed),))
    oldest = _oldest(question)
    while True:
        found = _scored(connection, asked, k, "AND rowid > ?", (oldest,))
        if len(found[0]) >= k or not oldest:
            return found
        # Words can be rare among the newest texts though they are common.
        oldest = max(0, question.total - 4 * (question.total - oldest))


def _scored(
    connection: apsw.Connection, asked: str, k: int, narrowed: str, bindings: tuple[object, ...]
) -> tuple[Ids, Floats]:
    found = rows(
        connection,
        f"WITH matched AS MATERIALIZED (SELECT rowid AS id, bm25(words, {TITLE_WEIGHT}, 1.0) AS score "
        f"FROM words WHERE words MATCH ? {narrowed} ORDER BY score LIMIT ?) SELECT id, score FROM matched",
        (asked, *bindings, k),
    )
    return np.array([id_ for id_, _ in found], np.int64), np.array([-score for _, score in found], np.float32)
