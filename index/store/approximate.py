"""Approximate vectors: each that of a pending text, by which it is found until the model has read it.

Owns which pending texts have one, and whose they are: those of one student at a time. They are in the serving
generation, and `embedding_queue` replaces them. Knows nothing of how they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import apsw
import numpy as np
from numpy.typing import NDArray

from index.store import embedding_queue, generations, vectors
from index.store.database import fetch_all, fetch_one, fetch_value, id_array
from index.store.embedding_queue import JOB_COLUMNS, EmbeddingJob
from index.store.one_row import fetch_json

if TYPE_CHECKING:
    from index.store.store import Store

_SETTING = "student"
_OWN = "own student"
_FORMER = 2
"""The mark of a vector that the student made before it was adapted: it answers until it is made again."""
_ERASED_AT_ONCE = 4096
"""Vectors that are erased in one transaction, which takes some 50 ms."""


def use_student(store: Store, fingerprint: str) -> None:
    """From now on approximate vectors are those of this student; others are erased. Empty: there are none.

    While another model's vectors are made, those of its student stay: they answer together.
    """
    with store.reading() as db:
        found = fetch_one(db, "SELECT value FROM settings WHERE name = ?", (_SETTING,))
        stays = fingerprint and generations.successor(db)
    if stays or (found[0] if found else "") == fingerprint:
        return
    while _erase_some(store):
        """A reader may come between two transactions."""
    with store.writing() as db:
        db.execute("INSERT OR REPLACE INTO settings(name, value) VALUES (?, ?)", (_SETTING, fingerprint))


def adapt_student(store: Store, fingerprint: str, content: bytes) -> None:
    """From now on approximate vectors are those of the student in `content`, which is kept with the index.

    Those of the student that it was before answer until they are made again.
    """
    sql = "INSERT OR REPLACE INTO settings(name, value) VALUES (?, ?)"
    with store.writing() as db:
        db.executemany(sql, [(_SETTING, fingerprint), (_OWN, content)])
        db.execute("UPDATE todo SET approximate = ? WHERE approximate = 1", (_FORMER,))


def own_student(store: Store) -> bytes:
    """What `adapt_student` kept; empty if it was never called."""
    with store.reading() as db:
        found = fetch_one(db, "SELECT value FROM settings WHERE name = ?", (_OWN,))
    return found[0] if found and isinstance(found[0], bytes) else b""


def count_waiting(store: Store) -> int:
    """How many texts the model has not read."""
    with store.reading() as db:
        return fetch_value(db, "SELECT count(*) FROM todo", int)


def count_true(store: Store) -> int:
    """How many texts have the model's vector."""
    with store.reading() as db:
        sql = "SELECT (SELECT count(*) FROM texts) - (SELECT count(*) FROM todo)"
        return fetch_value(db, sql, int)


def with_vectors(store: Store, limit: int) -> tuple[list[EmbeddingJob], vectors.Floats]:
    """Up to `limit` texts, any of those that have the model's vector, and their vectors, (n, 768).

    None while another model's vectors are made, as in `waiting`.
    """
    with store.reading() as db:
        number = 0 if generations.successor(db) else generations.serving(db)
        sql = f"SELECT rowid FROM vectors_{number}_rowids WHERE rowid NOT IN (SELECT text FROM todo)"
        ids = np.array([text for (text,) in fetch_all(db, sql)] if number else [], np.int64)
        ids = np.random.default_rng().permutation(ids)[:limit]
        if not len(ids):
            return [], np.empty((0, vectors.FULL_DIMENSION), np.float32)
        found, rows = vectors.read_vectors(db, number, ids)
        sql = f"SELECT {JOB_COLUMNS} FROM carray(?) AS wanted CROSS JOIN texts ON texts.id = wanted.value"
        jobs = {text: EmbeddingJob(text, *rest) for text, *rest in fetch_all(db, sql, (id_array(found),))}
    kept = [place for place, text in enumerate(found.tolist()) if text in jobs]
    return [jobs[int(found[place])] for place in kept], rows[kept]


def _erase_some(store: Store) -> bool:
    sql = (
        "UPDATE todo SET approximate = 0 WHERE text IN (SELECT text FROM todo WHERE approximate > 0 LIMIT ?)"
    )
    with store.writing() as db:
        texts = [text for (text,) in fetch_all(db, f"{sql} RETURNING text", (_ERASED_AT_ONCE,))]
        vectors.erase(db, generations.serving(db), texts)
        generations.log_changes(db, texts)
    return bool(texts)


def exist(store: Store) -> bool:
    """Whether any text has an approximate vector."""
    with store.reading() as db:
        return _exist(db)


def are_complete(store: Store) -> bool:
    """Whether every pending text has an approximate vector."""
    with store.reading() as db:
        return fetch_one(db, "SELECT 1 FROM todo WHERE approximate = 0 LIMIT 1") is None


def waiting(store: Store, limit: int) -> list[EmbeddingJob]:
    """Pending texts without an approximate vector, those of the newest files first; then those with one of a
    student that was adapted since.

    None while another model's vectors are made: the serving ones are not of the present model.
    """
    sql = (
        f"SELECT {JOB_COLUMNS} FROM todo JOIN texts ON texts.id = todo.text "
        "WHERE todo.approximate = ? ORDER BY todo.mtime_ns DESC, todo.text DESC LIMIT ?"
    )
    with store.reading() as db:
        if generations.successor(db) or not generations.serving(db):
            return []
        found = fetch_all(db, sql, (0, limit))
        if len(found) < limit:
            found += fetch_all(db, sql, (_FORMER, limit - len(found)))
        return [EmbeddingJob(*one) for one in found]


def put(store: Store, jobs: Sequence[EmbeddingJob], rows: vectors.Floats) -> None:
    """Store (n, 768) expectations of vectors for texts from `waiting`, in one transaction.

    Texts that were deleted meanwhile, or have their vector, are ignored.
    """
    good = vectors.require_expectations(rows, len(jobs))
    with store.writing() as db:
        number = generations.serving(db)
        if generations.successor(db) or not number:
            return
        pending = embedding_queue.still_pending(db, jobs)
        kept = [i for i, job in enumerate(jobs) if job.id in pending]
        texts = [jobs[i].id for i in kept]
        vectors.write(db, number, texts, good[kept], approximate=True)
        db.executemany("UPDATE todo SET approximate = 1 WHERE text = ?", [(text,) for text in texts])
        generations.log_changes(db, texts)


def among(db: apsw.Connection, texts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of (n,) texts have an approximate vector, (n,)."""
    if not _exist(db):
        return np.zeros(len(texts), np.bool_)
    sql = (
        "SELECT json_group_array(todo.text) FROM carray(?) AS wanted "
        "CROSS JOIN todo ON todo.text = wanted.value WHERE approximate"
    )
    return np.isin(texts, np.array(fetch_json(db, sql, (id_array(texts),)), np.int64))


def _exist(db: apsw.Connection) -> bool:
    return fetch_one(db, "SELECT 1 FROM todo WHERE approximate > 0 LIMIT 1") is not None
