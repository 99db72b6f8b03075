"""Leaving nothing behind of what was dropped: words rewritten, free pages given back, the log emptied.

Owns when that is due and what it may cost. SQLite overwrites deleted rows itself (`secure_delete`); FTS5
keeps the words of deleted rows until its segments are merged, since a table without content does not know
them (https://sqlite.org/fts5.html#the_optimize_command).
"""

from __future__ import annotations

import time

import apsw

from index.store.database import row, rows, value

WIPE_SHARE = 100
"""Rewriting the words takes at most one hundredth of the time, unless a person asks for it."""
_NOTE = "INSERT OR REPLACE INTO settings(name, value) VALUES (?, ?)"


def note_dropped(db: apsw.Connection) -> None:
    """Inside a transaction that drops texts or files: there is something to wipe."""
    db.execute(_NOTE, ("dropped", 1))


def wipe(db: apsw.Connection, *, now: bool) -> bool:
    """Whether nothing that was dropped is left in the file or its log."""
    dropped = bool(_setting(db, "dropped"))
    if not dropped and not now:
        return True
    if dropped and (now or time.time() >= _setting(db, "wipe_not_before")):
        _rewrite(db)
    busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[misc]
    return not busy and not _setting(db, "dropped")


def give_back_pages(db: apsw.Connection) -> None:
    """Free pages shrink the file as soon as they are more than a twentieth of it."""
    free = value(db, "PRAGMA freelist_count", int)
    if free > 32 and free * 20 > value(db, "PRAGMA page_count", int):
        rows(db, f"PRAGMA incremental_vacuum({free})")


def _rewrite(db: apsw.Connection) -> None:
    began = time.monotonic()
    db.execute("BEGIN IMMEDIATE")
    try:
        for table in ("words", "names"):
            db.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")
        if free := value(db, "PRAGMA freelist_count", int):
            db.execute(f"PRAGMA incremental_vacuum({free})").fetchall()
        seconds = time.monotonic() - began
        db.execute("DELETE FROM settings WHERE name = 'dropped'")
        db.execute(_NOTE, ("wipe_not_before", time.time() + WIPE_SHARE * seconds))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _setting(db: apsw.Connection, name: str) -> float:
    found = row(db, "SELECT value FROM settings WHERE name = ?", (name,))
    return float(found[0]) if found else 0.0
