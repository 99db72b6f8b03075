"""Texts without a vector: listing them, storing their vectors, and giving up one that cannot be embedded.

Works inside the store's transactions. Knows nothing of models: vectors are passed in as arrays.
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
        "SELECT texts.id, texts.title, texts.text, texts.tokens FROM todo "
        "JOIN texts ON texts.id = todo.text ORDER BY todo.mtime_ns DESC, todo.text LIMIT ?",
        (limit,),
    )
    return [EmbeddingJob(*one) for one in found]


def is_pending(db: apsw.Connection, job: EmbeddingJob) -> bool:
    """Whether the text of a job still has no vector: its id may belong to another text by now."""
    sql = "SELECT title, text FROM texts WHERE id = ? AND id IN (SELECT text FROM todo)"
    return bool(fetch_one(db, sql, (job.id,)) == (job.title, job.text))


def store_vectors(db: apsw.Connection, ids: Sequence[int], unit_rows: vectors.Floats) -> None:
    """Store (n, 768) unit rows for pending texts; texts that were deleted meanwhile are ignored."""
    sql = "DELETE FROM todo WHERE text IN (SELECT value FROM carray(?)) RETURNING text"
    pending = {text for (text,) in fetch_all(db, sql, (id_array(np.array(ids, np.int64)),))}
    kept = [i for i, text in enumerate(ids) if text in pending]
    texts = [ids[i] for i in kept]
    vectors.write(db, generations.receiving(db), texts, unit_rows[kept])
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
