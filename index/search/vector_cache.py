"""A compact copy of the vectors in memory, for a process that answers many queries.

Rows are indexed by text id: int8 codes with one scale for each row, 260 bytes for each text. The error of a
score is about 0.002; callers fetch more rows than needed and score those again from the file. The cache
follows the file by the log of changed vectors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search import scans
from index.store import vectors
from index.store.database import fetch_value
from index.store.one_row import fetch_json

_SPARE = 1.25
"""Factor by which the arrays are larger than needed, so that they are rarely copied; the system provides the
memory when it is first used."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Found = tuple[Ids, Floats]
"""Ids and cosines, best first."""


class VectorCache:
    """The vectors of the serving generation; thread-safe."""

    def __init__(self) -> None:
        self._scan, self.wrong = scans.choose()
        """`wrong` names the compiled part that computes wrongly on this processor; empty if none does."""
        self._lock = threading.Lock()
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="ken-nearest")
        self._generation = 0
        self._seen = 0
        self._is_beyond = False
        self._rows = 0
        """Rows that can have a vector; the arrays have more."""
        self._allocate(1)

    @property
    def nbytes(self) -> int:
        return self._codes[: self._rows].nbytes + self._scales[: self._rows].nbytes

    def nearest(
        self, db: apsw.Connection, generation: int, query: Floats, k: int, allowed: Ids | None = None
    ) -> Found:
        """About the k texts nearest to a (256,) unit query among `allowed`: ids and cosines, best first."""
        with self._lock:
            if self._follow(db, generation):
                return self._best(query, k, allowed)
        return vectors.nearest(db, generation, query, k, allowed)

    def begin(
        self, db: apsw.Connection, generation: int, query: Floats, k: int, allowed: Ids | None = None
    ) -> Callable[[], Found]:
        """The same, found while the caller does something else; call what is returned for the answer."""
        self._lock.acquire()
        try:
            if self._follow(db, generation):
                return self._ahead.submit(self._best_and_release, query, k, allowed).result
        except BaseException:
            self._lock.release()
            raise
        self._lock.release()
        return lambda: vectors.nearest(db, generation, query, k, allowed)

    def close(self) -> None:
        self._ahead.shutdown()
        self._scan.close()

    def _best_and_release(self, query: Floats, k: int, allowed: Ids | None) -> Found:
        try:
            return self._best(query, k, allowed)
        finally:
            self._lock.release()

    def _best(self, query: Floats, k: int, allowed: Ids | None) -> Found:
        code, scale = vectors.quantize_int8(query[None])
        inside = None if allowed is None else allowed[allowed < self._rows]
        codes, scales = self._codes[: self._rows], self._scales[: self._rows]
        ids, scores = self._scan.best(codes, scales, code, k, inside)
        return ids, scores * scale[0]

    def _follow(self, db: apsw.Connection, generation: int) -> bool:
        """Bring the cache to what the caller sees; False where another search has brought it beyond that.

        The file answers then: to go back, and forth again, means to read all vectors. Twice in turn, the log
        itself has gone back, as in an index that was replaced.
        """
        newest = fetch_value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int)
        oldest = fetch_value(db, "SELECT coalesce(min(seq), 0) FROM vector_log", int)
        self._is_beyond = generation == self._generation and newest < self._seen and not self._is_beyond
        if self._is_beyond:
            return False
        if generation != self._generation or newest < self._seen or oldest > self._seen + 1:
            self._reload(db, generation)
        elif newest > self._seen:
            sql = "SELECT json_group_array(DISTINCT text) FROM vector_log WHERE seq > ?"
            self._update(db, generation, fetch_json(db, sql, (self._seen,)))
        self._generation, self._seen = generation, newest
        return True

    def _reload(self, db: apsw.Connection, generation: int) -> None:
        self._allocate(fetch_value(db, "SELECT coalesce(max(id), 0) + 1 FROM texts", int))
        if not generation:
            return
        for ids, heads in vectors.iterate_chunks(db, generation):
            self._set_rows(ids, heads)

    def _update(self, db: apsw.Connection, generation: int, texts: list[int]) -> None:
        """Read the vectors of `texts` again."""
        rows = max(self._rows, max(texts, default=0) + 1)
        if rows > len(self._codes):
            codes, scales = self._codes, self._scales
            self._allocate(rows)
            self._codes[: len(codes)], self._scales[: len(scales)] = codes, scales
        self._rows = rows
        self._scales[np.array(texts, np.int64)] = np.nan
        self._set_rows(*vectors.read_heads(db, generation, texts))

    def _allocate(self, rows: int) -> None:
        self._rows = rows
        self._codes = np.zeros((int(rows * _SPARE), vectors.SEARCH_DIMENSION), np.int8)
        # A row without a vector has the score NaN, which is greater than nothing.
        self._scales = np.full(len(self._codes), np.nan, np.float32)

    def _set_rows(self, ids: Ids, heads: Floats) -> None:
        codes, scales = vectors.quantize_int8(heads)
        self._codes[ids], self._scales[ids] = codes, scales
