"""Files found by their path: the folders and names that hold words of a question."""

from __future__ import annotations

import os

import apsw

from index.store.database import rows, value
from index.store.fts_query import LAST, Question, Unit, tokenize
from index.store.row_codec import path_words

FILES = 50
"""Files a question may find by name."""
MATCHED = 2_000
"""Paths that are looked at: a folder of photos must not crowd out the notes beside it."""
SHARE = 0.5
"""What a path that holds the whole question adds to the lexical part of its passages."""
_COMMON = 5
"""A word in more than one path of this many, such as a home folder's, says nothing."""


def matching(db: apsw.Connection, question: Question) -> dict[int, float]:
    """Files whose path holds words of the question, with what that adds to their lexical part."""
    most = sum(unit.weight for unit in question.units)
    telling = telling_units(db, question)
    if not telling:
        return {}
    found = rows(
        db,
        "WITH matched AS MATERIALIZED (SELECT rowid AS id FROM names WHERE names MATCH ? "
        "ORDER BY rank LIMIT ?) SELECT files.id, files.path FROM matched JOIN files USING (id) "
        "WHERE files.state = 'indexed' LIMIT ?",
        (" OR ".join(unit.match for unit in telling), MATCHED, FILES),
    )
    return {file: SHARE * weight_in(db, os.fsdecode(path), telling) / most for file, path in found}


def telling_units(db: apsw.Connection, question: Question) -> list[Unit]:
    """The units of a question that some path holds and that tell files apart."""
    return [unit for unit in question.units if _tells(db, unit)]


def held_by_a_path(db: apsw.Connection, unit: Unit) -> int:
    """How many paths hold the unit's rarest word; 0 where some word of it is in none."""
    return min((_paths(db, term, unit.prefix) for term in unit.terms), default=0)


def _tells(db: apsw.Connection, unit: Unit) -> bool:
    """Whether some path holds the unit's words, and none of them is common."""
    held = [_paths(db, term, unit.prefix) for term in unit.terms]
    if not all(held):
        return False
    # No further than decides: counting every file of a large index costs more than the rest of this.
    enough = _COMMON * max(held)
    files = value(db, "SELECT count(*) FROM (SELECT 1 FROM files LIMIT ?)", int, (enough,))
    return files == enough or max(held) == 1


def weight_in(db: apsw.Connection, path: str, telling: list[Unit]) -> float:
    """The weight of the units that a path, or a part of one, holds."""
    held = {token.term for token in tokenize(db, path_words(path))}
    return sum(unit.weight for unit in telling if all(_holds(held, term, unit.prefix) for term in unit.terms))


def _holds(held: set[str], term: str, prefix: bool) -> bool:
    return term in held or (prefix and any(one.startswith(term) for one in held))


def _paths(db: apsw.Connection, term: str, prefix: bool) -> int:
    """How many paths hold a term."""
    if prefix:
        sql = "SELECT coalesce(sum(doc), 0) FROM names_terms WHERE term >= ? AND term < ?"
        return value(db, sql, int, (term, term + LAST))
    return value(db, "SELECT coalesce(max(doc), 0) FROM names_terms WHERE term = ?", int, (term,))
