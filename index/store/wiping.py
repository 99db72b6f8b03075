"""Overwriting deleted content on the disk: rewriting words and pages, truncating the log.

Owns when each step is due and how much time it may take. SQLite overwrites a deleted row (`secure_delete`),
but not the copies in unused parts of pages that moving rows leaves; VACUUM writes every page again. FTS5
keeps the words of a deleted row until its segments are merged, because a table without content cannot know
them (https://sqlite.org/fts5.html#the_optimize_command). Both also stay in the write-ahead log until it is
truncated. The pending steps are stored in the index, so that they survive the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import apsw

from index.store.database import BUSY_MS, fetch_all, fetch_one, fetch_value

WipeScope = Literal["all", "due", "quick"]
"""`all`: every step now. `due`: steps whose share of the time allows it. `quick`: only if the index is
small."""
WORDS, PAGES, LOG = "wipe words", "wipe pages", "wipe log"
"""Names of rows in the table of settings, present while the step is pending."""
SHARES = {WORDS: 200, PAGES: 5_000}
"""A step takes at most one part in so many of the time, so that writing stays below 0.3 and 0.1 MB a
second."""
QUICK_BYTES = 16 << 20
"""Size of the file up to which all steps together take a few tenths of a second."""
SHORT_WAIT_MS = 50
"""Milliseconds that a step which can be done later waits for an active reader."""
_SET = "INSERT OR REPLACE INTO settings(name, value) VALUES (?, ?)"


def mark_due(db: apsw.Connection) -> None:
    """Mark every step as pending; call it inside a transaction that deletes texts or names."""
    db.executemany(_SET, [(step, 1) for step in (WORDS, PAGES, LOG)])


def wipe(db: apsw.Connection, when: WipeScope) -> bool:
    """Run the pending steps that `when` allows; returns whether none is left."""
    if not _has_setting(db, WORDS, PAGES, LOG):
        return True
    db.set_busy_timeout(BUSY_MS if when == "all" else SHORT_WAIT_MS)
    try:
        for step, do in ((WORDS, _rewrite_words), (PAGES, _rewrite_pages)):
            if _has_setting(db, step) and _is_due(db, step, when):
                _run_timed(db, step, do)
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[misc]
        if not busy:
            db.execute("DELETE FROM settings WHERE name = ?", (LOG,))
    finally:
        db.set_busy_timeout(BUSY_MS)
    return not _has_setting(db, WORDS, PAGES, LOG)


def release_free_pages(db: apsw.Connection) -> None:
    """Shrink the file by its free pages once they are more than a twentieth of it."""
    free = fetch_value(db, "PRAGMA freelist_count", int)
    if free > 32 and free * 20 > fetch_value(db, "PRAGMA page_count", int):
        fetch_all(db, f"PRAGMA incremental_vacuum({free})")


def _run_timed(db: apsw.Connection, step: str, do: Callable[[apsw.Connection], None]) -> None:
    began = time.monotonic()
    do(db)
    wait = SHARES[step] * (time.monotonic() - began)
    db.execute("DELETE FROM settings WHERE name = ?", (step,))
    db.executemany(_SET, [(f"{step} at", time.time()), (f"{step} again after", wait)])


def _rewrite_words(db: apsw.Connection) -> None:
    for table in ("words", "names"):
        db.execute(f"INSERT INTO {table}({table}) VALUES ('optimize')")


def _rewrite_pages(db: apsw.Connection) -> None:
    db.execute("VACUUM")


def _is_due(db: apsw.Connection, step: str, when: WipeScope) -> bool:
    if when == "quick":
        return (
            fetch_value(db, "PRAGMA page_count", int) * fetch_value(db, "PRAGMA page_size", int)
            <= QUICK_BYTES
        )
    since = time.time() - _setting(db, f"{step} at")
    # A clock that was set back makes the time since the last one negative.
    return when == "all" or not 0 <= since < _setting(db, f"{step} again after")


def _has_setting(db: apsw.Connection, *names: str) -> bool:
    return any(fetch_one(db, "SELECT 1 FROM settings WHERE name = ?", (name,)) for name in names)


def _setting(db: apsw.Connection, name: str) -> float:
    found = fetch_one(db, "SELECT value FROM settings WHERE name = ?", (name,))
    return float(found[0]) if found else 0.0
