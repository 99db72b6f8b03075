"""A compact copy of the vectors in memory, for a process that answers many queries.

Rows are indexed by text id: int8 codes with one scale for each row, 260 bytes for each text. The error of a
score is about 0.002; callers fetch more rows than needed and score those again from the file. The cache
follows the file by the log of changed vectors. The compiled kernel is compared with NumPy first; if they
differ, NumPy is used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apsw
import numkong
import numpy as np
from numpy.typing import NDArray

from index.store import vectors
from index.store.database import fetch_all, fetch_value

_BLOCK = 16_384
"""Rows scored at a time: their scores stay in the processor's cache while the best are selected, and are
small enough that the allocator reuses their memory."""
_ALONE = 65_536
"""Least rows for each thread: fewer are faster on one thread (measured)."""
_SPARE = 1.25
"""Factor by which the arrays grow beyond the needed size."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Codes = NDArray[np.int8]
Kernel = Callable[[Codes], Callable[[Codes], NDArray[Any]]]
"""Takes one query, (1, 256); returns a function from rows, (n, 256), to their n exact dot products."""

# The AMX kernels compute tiles of sixteen queries; for one query the others take a fifth less time.
for _tiles in ("sapphireamx", "graniteamx"):
    if numkong.get_capabilities().get(_tiles):
        numkong.disable_capability(_tiles)


def compiled_kernel(query: Codes) -> Callable[[Codes], NDArray[Any]]:
    packed = numkong.dots_pack(query)
    return lambda codes: np.asarray(numkong.dots_packed(codes, packed))[:, 0]


def numpy_kernel(query: Codes) -> Callable[[Codes], NDArray[Any]]:
    """The same with NumPy. A sum is at most 256 x 127², below 2²⁴: float32 holds it and every part of it
    exactly."""
    column = query[0].astype(np.float32)
    return lambda codes: codes.astype(np.float32) @ column


def compiled_agrees() -> bool:
    """Whether the compiled kernel gives the same sums as NumPy, for a block of rows and for one row."""
    codes = vectors.sample_codes()
    expected = numpy_kernel(codes[:1])(codes)
    try:
        dots = compiled_kernel(codes[:1])
        return np.array_equal(dots(codes), expected) and np.array_equal(dots(codes[-1:]), expected[-1:])
    except Exception:  # noqa: BLE001 (a kernel that fails is no better than one that is wrong)
        return False


class VectorCache:
    """The vectors of the serving generation; thread-safe."""

    def __init__(self) -> None:
        self.kernel_agrees = compiled_agrees()
        """False: the compiled kernel is wrong on this processor, and NumPy is used."""
        self._kernel: Kernel = compiled_kernel if self.kernel_agrees else numpy_kernel
        self._lock = threading.Lock()
        self._workers = min(4, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="ken-nearest")
        self._generation = 0
        self._seen = 0
        self._allocate(0)

    @property
    def nbytes(self) -> int:
        return self._codes.nbytes + self._scales.nbytes

    def nearest(
        self, db: apsw.Connection, generation: int, query: Floats, k: int, allowed: Ids | None = None
    ) -> tuple[Ids, Floats]:
        """About the k texts nearest to a (256,) unit query among `allowed`: ids and cosines, best first."""
        with self._lock:
            self._apply_changes(db, generation)
            if allowed is None:
                return self._best(self._codes, self._scales, query, k)
            inside = allowed[allowed < len(self._codes)]
            best, scores = self._best(self._codes[inside], self._scales[inside], query, k)
            return inside[best], scores

    def close(self) -> None:
        self._threads.shutdown()

    def _best(self, codes: Codes, scales: Floats, query: Floats, k: int) -> tuple[Ids, Floats]:
        """Rows and scores of the k best, best first; each thread selects the best of a stretch of rows."""
        code, scale = vectors.quantize_int8(query[None])
        dots = self._kernel(code)
        step = max(_ALONE, -(-len(codes) // self._workers))
        starts = range(0, max(1, len(codes)), step)

        def pick(start: int) -> tuple[Ids, Floats]:
            return _best_rows(dots, codes[start : start + step], scales[start : start + step], k)

        others = [self._threads.submit(pick, start) for start in starts[1:]]
        picked = [pick(0), *(other.result() for other in others)]
        rows_ = np.concatenate([start + some for start, (some, _) in zip(starts, picked, strict=True)])
        scores = np.concatenate([some for _, some in picked])
        order = np.lexsort((rows_, -scores))[:k]
        return rows_[order], scores[order] * scale[0]

    def _apply_changes(self, db: apsw.Connection, generation: int) -> None:
        newest = fetch_value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int)
        oldest = fetch_value(db, "SELECT coalesce(min(seq), 0) FROM vector_log", int)
        if generation != self._generation or newest < self._seen or oldest > self._seen + 1:
            self._reload(db, generation)
        elif newest > self._seen:
            changed = fetch_all(db, "SELECT DISTINCT text FROM vector_log WHERE seq > ?", (self._seen,))
            self._update(db, generation, [text for (text,) in changed])
        self._generation, self._seen = generation, newest

    def _reload(self, db: apsw.Connection, generation: int) -> None:
        self._allocate(fetch_value(db, "SELECT coalesce(max(id), 0) FROM texts", int))
        if not generation:
            return
        for ids, heads in vectors.iterate_chunks(db, generation):
            self._set_rows(ids, heads)

    def _update(self, db: apsw.Connection, generation: int, texts: list[int]) -> None:
        """Read the vectors of `texts` again."""
        room = max(texts, default=0) + 1
        if room > len(self._codes):
            codes, scales = self._codes, self._scales
            self._allocate(int(room * _SPARE))
            self._codes[: len(codes)], self._scales[: len(scales)] = codes, scales
        self._scales[np.array(texts, np.int64)] = np.nan
        self._set_rows(*vectors.read_heads(db, generation, texts))

    def _allocate(self, last: int) -> None:
        self._codes = np.zeros((last + 1, vectors.SEARCH_DIMENSION), np.int8)
        # A row without a vector has the score NaN, which is greater than nothing.
        self._scales = np.full(last + 1, np.nan, np.float32)

    def _set_rows(self, ids: Ids, heads: Floats) -> None:
        codes, scales = vectors.quantize_int8(heads)
        self._codes[ids], self._scales[ids] = codes, scales


def _best_rows(
    dots: Callable[[Codes], NDArray[Any]], codes: Codes, scales: Floats, k: int
) -> tuple[Ids, Floats]:
    """Rows and scores of the k best, in any order; only scores above the k-th best so far are sorted."""
    best, scores = np.empty(0, np.int64), np.empty(0, np.float32)
    least = np.float32(-np.inf)
    for start in range(0, len(codes), _BLOCK):
        block = slice(start, start + _BLOCK)
        found = np.multiply(dots(codes[block]), scales[block], dtype=np.float32, casting="unsafe")
        better = np.flatnonzero(found > least)
        if not len(better):
            continue
        best, scores = np.concatenate([best, start + better]), np.concatenate([scores, found[better]])
        if len(scores) > k:
            kept = np.argpartition(scores, len(scores) - k)[len(scores) - k :]
            best, scores = best[kept], scores[kept]
            least = scores.min()
    return best, scores
