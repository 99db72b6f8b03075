"""Which vectors serve and which are being made: a generation for each fingerprint.

Works inside the store's transactions. While two generations stand, texts wait for the newer one, and
searches are answered from the older; when nothing waits, the newer takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from index.store import vectors
from index.store.database import fetch_all, fetch_one, fetch_value, id_array

LOG_ROWS = 16_384
"""Vector changes a resident copy may lag behind before it reads everything again."""

_ALL_TEXTS = (
    "INSERT OR IGNORE INTO todo(text, mtime_ns) SELECT passages.text, max(files.mtime_ns) "
    "FROM passages JOIN files ON files.id = passages.file {where} GROUP BY passages.text"
)


def serving(db: apsw.Connection) -> int:
    """The generation that answers searches; 0 before the first."""
    return fetch_value(db, "SELECT coalesce(max(number), 0) FROM generations WHERE serving", int)


def successor(db: apsw.Connection) -> int:
    """The generation being made beside the one that serves; 0 where there is none."""
    return fetch_value(db, "SELECT coalesce(max(number), 0) FROM generations WHERE NOT serving", int)


def fingerprint(db: apsw.Connection, number: int) -> str:
    found = fetch_one(db, "SELECT fingerprint FROM generations WHERE number = ?", (number,))
    return found[0] if found else ""


def receiving(db: apsw.Connection) -> int:
    """The generation new vectors belong to; an index that has none gets its first."""
    number = successor(db) or serving(db)
    return number or create(db, "", serves=True)


def numbers(db: apsw.Connection) -> list[int]:
    return [number for (number,) in fetch_all(db, "SELECT number FROM generations")]


def create(db: apsw.Connection, made_by: str, *, serves: bool) -> int:
    number = 1 + max(serving(db), successor(db))
    vectors.create_generation(db, number)
    db.execute(
        "INSERT INTO generations(number, fingerprint, serving) VALUES (?, ?, ?)", (number, made_by, serves)
    )
    return number


def use_fingerprint(db: apsw.Connection, made_by: str) -> None:
    """Make `made_by` what new vectors are made by, at the least cost."""
    now, after = serving(db), successor(db)
    if not now:
        create(db, made_by, serves=True)
    elif fingerprint(db, now) == made_by:
        if after:
            cancel_reembedding(db)
    elif not after or fingerprint(db, after) != made_by:
        begin_reembedding(db, made_by)


def begin_reembedding(db: apsw.Connection, made_by: str) -> None:
    """Start vectors beside those that serve, for every text."""
    if after := successor(db):
        _drop(db, after)
    create(db, made_by, serves=not serving(db))
    db.execute(_ALL_TEXTS.format(where=""))
    swap_when_complete(db)


def cancel_reembedding(db: apsw.Connection) -> None:
    """Back to the vectors that serve: only what they lack still waits."""
    _drop(db, successor(db))
    db.execute(_ALL_TEXTS.format(where=""))
    for ids, _ in vectors.iterate_chunks(db, serving(db)):
        db.execute("DELETE FROM todo WHERE text IN (SELECT value FROM carray(?))", (id_array(ids),))


def swap_when_complete(db: apsw.Connection) -> None:
    after = successor(db)
    if not after or fetch_one(db, "SELECT 1 FROM todo LIMIT 1"):
        return
    _drop(db, serving(db))
    db.execute("UPDATE generations SET serving = 1 WHERE number = ?", (after,))


def log_changes(db: apsw.Connection, texts: Sequence[int]) -> None:
    """Tell resident copies which vectors changed."""
    db.executemany("INSERT INTO vector_log(text) VALUES (?)", [(text,) for text in texts])
    db.execute("DELETE FROM vector_log WHERE seq <= (SELECT max(seq) FROM vector_log) - ?", (LOG_ROWS,))


def _drop(db: apsw.Connection, number: int) -> None:
    vectors.drop_generation(db, number)
    db.execute("DELETE FROM generations WHERE number = ?", (number,))
