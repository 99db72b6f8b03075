"""The vectors as the file has them, for a process that answers one query.

Owns the threads that read a large index, each on a connection of its own, and the check that all of them see
what the caller sees. Knows nothing of how vectors are stored.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import apsw
import numpy as np

from index.store import generations, vectors
from index.store.database import SnapshotPool, fetch_value

_THREADS = min(4, os.cpu_count() or 1)
_ALONE = 256
"""Chunks that one thread reads sooner than it opens another connection (measured)."""

Found = tuple[vectors.Ids, vectors.Floats]
"""Ids and cosines, best first."""


class FileVectors:
    """The vectors of the index that the pool reads; thread-safe."""

    def __init__(self, pool: SnapshotPool) -> None:
        self._pool = pool

    def nearest(
        self,
        db: apsw.Connection,
        generation: int,
        query: vectors.Floats,
        k: int,
        allowed: vectors.Ids | None = None,
    ) -> Found:
        """The k texts nearest to a (256,) unit query among `allowed`: ids and cosines, best first."""
        return self.begin(db, generation, query, k, allowed)()

    def begin(
        self,
        db: apsw.Connection,
        generation: int,
        query: vectors.Floats,
        k: int,
        allowed: vectors.Ids | None = None,
    ) -> Callable[[], Found]:
        """The same, found while the caller does something else; call what is returned for the answer."""
        chunks = vectors.chunk_ids(db, generation)
        if len(chunks) <= _ALONE or (allowed is not None and len(allowed) <= vectors.FEW):
            return lambda: vectors.nearest(db, generation, query, k, allowed)
        seen = _state(db)
        step = -(-len(chunks) // _THREADS)
        stretches = [chunks[start : start + step] for start in range(0, len(chunks), step)]
        parts = [_Part(self._pool, seen, generation, query, part[0], part[-1]) for part in stretches]

        def found() -> Found:
            scored = [part.result(db) for part in parts]
            ids = np.concatenate([some for some, _ in scored])
            return vectors.best(ids, np.concatenate([scores for _, scores in scored]), k, allowed)

        return found


class _Part(threading.Thread):
    """Scores the vectors of some chunks."""

    def __init__(
        self,
        pool: SnapshotPool,
        seen: tuple[int, int],
        generation: int,
        query: vectors.Floats,
        first: int,
        last: int,
    ) -> None:
        super().__init__(name="ken-nearest")
        self._pool, self._seen = pool, seen
        self._wanted = (generation, query, first, last)
        self._found: Found | None = None
        self.start()

    def run(self) -> None:
        try:
            with self._pool.snapshot() as db:
                if _state(db) == self._seen:
                    self._found = vectors.score_chunks(db, *self._wanted)
        except Exception:  # noqa: BLE001 (the caller repeats it, and gets the error)
            return

    def result(self, db: apsw.Connection) -> Found:
        """What the thread found, or, where it saw another state of the index, what the caller finds."""
        self.join()
        return self._found or vectors.score_chunks(db, *self._wanted)


def _state(db: apsw.Connection) -> tuple[int, int]:
    """What changes with every change of a vector that answers searches."""
    return generations.serving(db), fetch_value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int)
