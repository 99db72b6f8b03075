"""Texts without a vector: listing them, storing their vectors, and giving up one that cannot be embedded.

Works inside the store's transactions. A text with an approximate vector (`approximate`) has none yet. Knows
nothing of models: vectors are passed in as arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import apsw
import numpy as np

from index.store import file_rows, generations, vectors
from index.store.database import fetch_all, fetch_one, id_array
from index.store.row_codec import MAX_REASON, clean_text


@dataclass(frozen=True, slots=True)
class EmbeddingJob:
    """A text without a vector. `title` is that of the document prompt."""

    id: int
    title: str
    text: str
    tokens: int


JOB_COLUMNS = "texts.id, texts.title, texts.text, texts.tokens"
"""The columns of an `EmbeddingJob`, in its order."""


def totals(db: apsw.Connection) -> tuple[int, int]:
    """The number of texts without a vector, and the sum of their tokens."""
    texts, tokens = fetch_one(
        db,
        "SELECT count(*), coalesce(sum(texts.tokens), 0) FROM todo JOIN texts ON texts.id = todo.text",
    )
    return int(texts), int(tokens)


def jobs(db: apsw.Connection, limit: int) -> list[EmbeddingJob]:
    """Texts without a vector, those of the newest files first."""
    found = fetch_all(
        db,
        f"SELECT {JOB_COLUMNS} FROM todo "
        "JOIN texts ON texts.id = todo.text ORDER BY todo.mtime_ns DESC, todo.text LIMIT ?",
        (limit,),
    )
    return [EmbeddingJob(*one) for one in found]


def jobs_of(db: apsw.Connection, texts: Sequence[int]) -> list[EmbeddingJob]:
    """Those of `texts` that have no vector, in this order."""
    sql = (
        f"SELECT {JOB_COLUMNS} FROM carray(?) AS wanted CROSS JOIN todo ON todo.text = wanted.value "
        "CROSS JOIN texts ON texts.id = todo.text"
    )
    return [
        EmbeddingJob(*one)
        for one in dict.fromkeys(fetch_all(db, sql, (id_array(np.array(texts, np.int64)),)))
    ]


def is_pending(db: apsw.Connection, job: EmbeddingJob) -> bool:
    """Whether the text of a job still has no vector: its id may belong to another text by now."""
    sql = "SELECT title, text FROM texts WHERE id = ? AND id IN (SELECT text FROM todo)"
    return bool(fetch_one(db, sql, (job.id,)) == (job.title, job.text))


def still_pending(db: apsw.Connection, jobs: Sequence[EmbeddingJob]) -> set[int]:
    """Those of the jobs' texts that still have no vector."""
    sql = "SELECT id, title, text FROM texts WHERE id IN (SELECT value FROM carray(?)) AND id IN "
    ids = id_array(np.array([job.id for job in jobs], np.int64))
    known = {tuple(found) for found in fetch_all(db, f"{sql} (SELECT text FROM todo)", (ids,))}
    return {job.id for job in jobs if (job.id, job.title, job.text) in known}


def store_vectors(db: apsw.Connection, ids: Sequence[int], unit_rows: vectors.Floats) -> None:
    """Store (n, 768) unit rows for pending texts; texts that were deleted meanwhile are ignored.

    An approximate vector that is not overwritten, since another generation receives, is erased: what is not
    pending has none.
    """
    sql = "DELETE FROM todo WHERE text IN (SELECT value FROM carray(?)) RETURNING text, approximate"
    pending = dict(fetch_all(db, sql, (id_array(np.array(ids, np.int64)),)))
    kept = [i for i, text in enumerate(ids) if text in pending]
    texts = [ids[i] for i in kept]
    number = generations.receiving(db)
    vectors.write(db, number, texts, unit_rows[kept])
    if number != generations.serving(db):
        vectors.erase(db, generations.serving(db), [text for text in texts if pending[text]])
    generations.log_changes(db, texts)
    generations.swap_when_complete(db)


def reject(db: apsw.Connection, text: int, reason: str) -> None:
    """Delete a text that the model cannot embed; see `Store.reject_text`."""
    found = fetch_all(db, "SELECT file, min(line) FROM passages WHERE text = ? GROUP BY file", (text,))
    db.executemany(
        "UPDATE files SET state = 'failed', hash = x'', reason = ? WHERE id = ?",
        [(clean_text(f"The passage at line {line} {reason}", MAX_REASON), file) for file, line in found],
    )
    db.execute("DELETE FROM passages WHERE text = ?", (text,))
    file_rows.drop_unused(db, {text})
    generations.swap_when_complete(db)
