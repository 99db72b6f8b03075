"""Generations of vectors, one for each fingerprint: the serving one, and its successor while it is made.

Works inside the store's transactions. While there are two generations, the older one answers searches and
pending texts get vectors of the newer one; when no text is pending, the newer one replaces the older.
Approximate vectors are only in the serving one, each of a pending text that is marked so.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import numpy as np

from index.store import vectors
from index.store.database import fetch_all, fetch_one, fetch_value, id_array

LOG_ROWS = 16_384
"""Rows of the log of changed vectors: a cache that is further behind reads all vectors again, so
that the log stays small."""

_ALL_TEXTS = (
    "INSERT OR IGNORE INTO todo(text, mtime_ns) SELECT passages.text, max(files.mtime_ns) "
    "FROM passages JOIN files ON files.id = passages.file {where} GROUP BY passages.text"
)


def serving(db: apsw.Connection) -> int:
    """The generation that answers searches; 0 before the first."""
    return fetch_value(db, "SELECT coalesce(max(number), 0) FROM generations WHERE serving", int)


def successor(db: apsw.Connection) -> int:
    """The generation that is being made beside the serving one; 0 where there is none."""
    return fetch_value(db, "SELECT coalesce(max(number), 0) FROM generations WHERE NOT serving", int)


def stored_fingerprint(db: apsw.Connection, number: int) -> str:
    found = fetch_one(db, "SELECT fingerprint FROM generations WHERE number = ?", (number,))
    return found[0] if found else ""


def receiving(db: apsw.Connection) -> int:
    """The generation that new vectors belong to; created if the index has none."""
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
    """Set the fingerprint of new vectors to `made_by`; keeps every vector that can stay."""
    now, after = serving(db), successor(db)
    if not now:
        create(db, made_by, serves=True)
    elif stored_fingerprint(db, now) == made_by:
        if after:
            cancel_reembedding(db)
    elif not after or stored_fingerprint(db, after) != made_by:
        begin_reembedding(db, made_by)


def begin_reembedding(db: apsw.Connection, made_by: str) -> None:
    """Begin a new generation beside the serving one; every text becomes pending."""
    if after := successor(db):
        _drop(db, after)
    create(db, made_by, serves=not serving(db))
    db.execute(_ALL_TEXTS.format(where=""))
    swap_when_complete(db)


def cancel_reembedding(db: apsw.Connection) -> None:
    """Delete the successor; texts without a vector, or with an approximate one, stay pending."""
    _drop(db, successor(db))
    db.execute(_ALL_TEXTS.format(where=""))
    sql = "DELETE FROM todo WHERE NOT approximate AND text IN (SELECT value FROM carray(?))"
    for ids, _ in vectors.iterate_chunks(db, serving(db)):
        db.execute(sql, (id_array(ids),))


def swap_when_complete(db: apsw.Connection) -> None:
    after = successor(db)
    if not after or fetch_one(db, "SELECT 1 FROM todo LIMIT 1"):
        return
    _drop(db, serving(db))
    db.execute("UPDATE generations SET serving = 1 WHERE number = ?", (after,))


def log_changes(db: apsw.Connection, texts: Sequence[int]) -> None:
    """Record which vectors changed, for the vector caches of other processes."""
    if not texts:
        return
    db.execute("INSERT INTO vector_log(text) SELECT value FROM carray(?)", (id_array(np.array(texts)),))
    db.execute("DELETE FROM vector_log WHERE seq <= (SELECT max(seq) FROM vector_log) - ?", (LOG_ROWS,))


def _drop(db: apsw.Connection, number: int) -> None:
    vectors.drop_generation(db, number)
    db.execute("DELETE FROM generations WHERE number = ?", (number,))
