"""Inconsistencies between the tables of an index, and their repair.

Works inside the store's transactions. vec0 has no check of its own, and the table of words has no content, so
the ids of texts, words and vectors are compared. Repairs that need more than the index are queued: a text
without a vector becomes pending, a file that lost passages counts as changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apsw

from index.store import generations, vectors
from index.store.database import fetch_all, fetch_one, fetch_value
from index.store.fts_query import to_fts_text
from index.store.row_codec import path_words
from index.store.word_forms import FORM

_FORM_SETTING = "words form"


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """A kind of inconsistency, and the number of rows with it."""

    what: str
    rows: int


_CHECKS: tuple[tuple[str, str], ...] = (
    ("passages whose text is gone", "SELECT file FROM passages WHERE text NOT IN (SELECT id FROM texts)"),
    ("passages whose file is gone", "SELECT file FROM passages WHERE file NOT IN (SELECT id FROM files)"),
    ("texts that no passage uses", "SELECT id FROM texts WHERE id NOT IN (SELECT text FROM passages)"),
    ("texts without words", "SELECT id FROM texts WHERE id NOT IN (SELECT id FROM words_docsize)"),
    ("words without a text", "SELECT id FROM words_docsize WHERE id NOT IN (SELECT id FROM texts)"),
    ("files without a name to find", "SELECT id FROM files WHERE id NOT IN (SELECT id FROM names_docsize)"),
    ("names without a file", "SELECT id FROM names_docsize WHERE id NOT IN (SELECT id FROM files)"),
    ("waiting texts that are gone", "SELECT text FROM todo WHERE text NOT IN (SELECT id FROM texts)"),
    ("numbers both used and free", "SELECT id FROM freed WHERE id IN (SELECT id FROM texts)"),
)


def check(db: apsw.Connection) -> list[Inconsistency]:
    """All inconsistencies; changes nothing."""
    found = [Inconsistency(what, len(fetch_all(db, sql))) for what, sql in _CHECKS]
    without, orphans = _vector_disagreements(db)
    found.append(Inconsistency("texts that have no vector and wait for none", len(without)))
    found.append(Inconsistency("vectors without a text", len(orphans)))
    found += [
        Inconsistency(f"damaged words ({table})", 1)
        for table in ("words", "names")
        if not _is_intact(db, table)
    ]
    return [finding for finding in found if finding.rows]


def page_damage(db: apsw.Connection) -> list[str]:
    """The faults that SQLite finds in the pages of the file; empty where there are none.

    Faults of the full-text tables are left out: those tables can be built again.
    """
    messages = [line for (one,) in fetch_all(db, "PRAGMA quick_check(20)") for line in str(one).splitlines()]
    return [one for one in messages if one != "ok" and "fts5" not in one and not one.startswith("***")]


def repair_tables(db: apsw.Connection, drop_unused: Callable[[set[int]], None]) -> None:
    """Make all tables consistent."""
    db.execute(
        "UPDATE files SET mtime_ns = -1, hash = x'' WHERE id IN "
        "(SELECT file FROM passages WHERE text NOT IN (SELECT id FROM texts))"
    )
    db.execute("DELETE FROM passages WHERE text NOT IN (SELECT id FROM texts)")
    db.execute("DELETE FROM passages WHERE file NOT IN (SELECT id FROM files)")
    db.execute(
        "UPDATE files SET mtime_ns = -1, hash = x'' WHERE state = 'indexed' AND size > 0 "
        "AND id NOT IN (SELECT file FROM passages)"
    )
    db.execute("DELETE FROM freed WHERE id IN (SELECT id FROM texts)")
    db.execute("DELETE FROM todo WHERE text NOT IN (SELECT id FROM texts)")
    drop_unused(
        {
            text
            for (text,) in fetch_all(db, "SELECT id FROM texts WHERE id NOT IN (SELECT text FROM passages)")
        }
    )
    _repair_words(db)
    _repair_names(db)
    without, orphans = _vector_disagreements(db)
    number = generations.receiving(db)
    vectors.erase(db, number, orphans)
    db.executemany("INSERT OR IGNORE INTO todo(text, mtime_ns) VALUES (?, 0)", [(text,) for text in without])
    generations.log_changes(db, [*without, *orphans])


def has_old_words(db: apsw.Connection) -> bool:
    """Whether words are stored in a form that an earlier release gave them."""
    return bool(fetch_one(db, "SELECT 1 FROM settings WHERE name = ? AND value < ?", (_FORM_SETTING, FORM)))


def renew_words(db: apsw.Connection) -> None:
    """Make the words of texts and paths anew where they have an older form than is asked for now."""
    if not has_old_words(db):
        return
    for table in ("words", "names"):
        db.execute(f"INSERT INTO {table}({table}) VALUES ('delete-all')")
    _repair_words(db)
    _repair_names(db)
    db.execute("UPDATE settings SET value = ? WHERE name = ?", (FORM, _FORM_SETTING))


def _repair_words(db: apsw.Connection) -> None:
    if not _is_intact(db, "words"):
        db.execute("INSERT INTO words(words) VALUES ('delete-all')")
    for (id_,) in fetch_all(db, "SELECT id FROM words_docsize WHERE id NOT IN (SELECT id FROM texts)"):
        db.execute("DELETE FROM words WHERE rowid = ?", (id_,))
    lacking = fetch_all(db, "SELECT id FROM texts WHERE id NOT IN (SELECT id FROM words_docsize)")
    for (id_,) in lacking:
        title, text = fetch_one(db, "SELECT title, text FROM texts WHERE id = ?", (id_,))
        db.execute(
            "INSERT INTO words(rowid, title, body) VALUES (?, ?, ?)",
            (id_, to_fts_text(title), to_fts_text(text)),
        )


def _repair_names(db: apsw.Connection) -> None:
    if not _is_intact(db, "names"):
        db.execute("INSERT INTO names(names) VALUES ('delete-all')")
    for (id_,) in fetch_all(db, "SELECT id FROM names_docsize WHERE id NOT IN (SELECT id FROM files)"):
        db.execute("DELETE FROM names WHERE rowid = ?", (id_,))
    for id_, path in fetch_all(
        db, "SELECT id, path FROM files WHERE id NOT IN (SELECT id FROM names_docsize)"
    ):
        db.execute("INSERT INTO names(rowid, path) VALUES (?, ?)", (id_, path_words(os.fsdecode(path))))


def _is_intact(db: apsw.Connection, table: str) -> bool:
    """Whether FTS5's integrity check passes; asked by the pragma, which writes nothing."""
    try:
        return fetch_value(db, f"PRAGMA integrity_check({table})", str) == "ok"
    except (apsw.CorruptError, apsw.SQLError):
        return False


def _vector_disagreements(db: apsw.Connection) -> tuple[list[int], list[int]]:
    """Texts without a vector that are not pending, and vectors without a text, in the receiving
    generation."""
    number = generations.successor(db) or generations.serving(db)
    held: set[int] = set()
    if number:
        for ids, _ in vectors.iterate_chunks(db, number):
            held.update(ids.tolist())
    texts = {id_ for (id_,) in fetch_all(db, "SELECT id FROM texts")}
    waiting = {id_ for (id_,) in fetch_all(db, "SELECT text FROM todo")}
    return sorted(texts - held - waiting), sorted(held - texts)


def is_mostly_free(db: apsw.Connection, share: float, least: int) -> bool:
    """Whether more than `share` of the ids of texts, and more than `least`, are free."""
    given = fetch_value(db, "SELECT coalesce(max(id), 0) FROM texts", int)
    free = fetch_value(db, "SELECT count(*) FROM freed", int)
    return free > least and free > share * max(given, free)


def rebuild_vectors(db: apsw.Connection, numbers: Sequence[int]) -> None:
    """Copy each generation into a table without free slots, under a new number."""
    for number in numbers:
        successor = 1 + max(generations.numbers(db))
        vectors.copy_generation(db, number, successor)
        vectors.drop_generation(db, number)
        db.execute("UPDATE generations SET number = ? WHERE number = ?", (successor, number))
