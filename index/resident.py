"""A compact copy of the vectors in memory, for a process that lives long and must answer at once.

Rows are the texts' numbers: int8 codes with one scale a row, 260 bytes a text. Scores are exact to
about 0.002; whoever asks takes a few more than needed and scores those again from the file. The copy
follows the file through the log of vector changes.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import apsw
import numkong
import numpy as np
from numpy.typing import NDArray

from index import vectors
from index.database import rows, value

_BLOCK = 65_536
"""Rows read from the file, or scored by one thread, at a time."""
_SPARE = 1.25
"""How far beyond what is needed the arrays grow."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


class Resident:
    """The vectors of the generation that serves; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers = min(4, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="ken-nearest")
        self._generation = 0
        self._seen = 0
        self._clear(0)

    @property
    def nbytes(self) -> int:
        return self._codes.nbytes + self._scales.nbytes

    def nearest(
        self, db: apsw.Connection, generation: int, query: Floats, k: int, allowed: Ids | None = None
    ) -> tuple[Ids, Floats]:
        """About the k texts nearest to a (256,) unit query among `allowed`: ids and cosines, best first."""
        with self._lock:
            self._follow(db, generation)
            if allowed is None:
                scores = self._scores(self._codes, self._scales, query)
                best = _best(scores, k)
                return best.astype(np.int64), scores[best]
            inside = allowed[allowed < len(self._codes)]
            scores = self._scores(self._codes[inside], self._scales[inside], query)
            best = _best(scores, k)
            return inside[best], scores[best]

    def close(self) -> None:
        self._threads.shutdown()

    def _scores(self, codes: NDArray[np.int8], scales: Floats, query: Floats) -> Floats:
        code, scale = _quantise(query[None])
        blocks = max(1, min(self._workers, len(codes) // _BLOCK))
        step = -(-len(codes) // blocks) if len(codes) else 1
        parts = [slice(start, start + step) for start in range(0, len(codes), step)]
        if not parts:
            return np.empty(0, np.float32)
        products = list(self._threads.map(lambda part: _dot(code, codes[part]), parts))
        scores = np.asarray(np.concatenate(products) * (scales * scale[0]), np.float32)
        scores[scales == 0] = -np.inf
        return scores

    def _follow(self, db: apsw.Connection, generation: int) -> None:
        newest = value(db, "SELECT coalesce(max(seq), 0) FROM vector_log", int)
        oldest = value(db, "SELECT coalesce(min(seq), 0) FROM vector_log", int)
        if generation != self._generation or newest < self._seen or oldest > self._seen + 1:
            self._read_all(db, generation)
        elif newest > self._seen:
            changed = rows(db, "SELECT DISTINCT text FROM vector_log WHERE seq > ?", (self._seen,))
            self._read(db, generation, [text for (text,) in changed])
        self._generation, self._seen = generation, newest

    def _read_all(self, db: apsw.Connection, generation: int) -> None:
        self._clear(value(db, "SELECT coalesce(max(id), 0) FROM texts", int))
        if not generation:
            return
        for ids, heads in vectors.blocks(db, generation, _BLOCK):
            self._put(ids, heads)

    def _read(self, db: apsw.Connection, generation: int, texts: list[int]) -> None:
        """Take up what changed."""
        room = max(texts, default=0) + 1
        if room > len(self._codes):
            codes, scales = self._codes, self._scales
            self._clear(int(room * _SPARE))
            self._codes[: len(codes)], self._scales[: len(scales)] = codes, scales
        self._scales[np.array(texts, np.int64)] = 0
        found = vectors.heads_of(db, generation, texts)
        if found:
            self._put(np.array(list(found), np.int64), np.stack(list(found.values())))

    def _clear(self, last: int) -> None:
        self._codes = np.zeros((last + 1, vectors.DIMENSION), np.int8)
        self._scales = np.zeros(last + 1, np.float32)

    def _put(self, ids: Ids, heads: Floats) -> None:
        codes, scales = _quantise(heads)
        self._codes[ids], self._scales[ids] = codes, scales


def _quantise(heads: Floats) -> tuple[NDArray[np.int8], Floats]:
    scales = np.abs(heads).max(axis=1) / np.float32(127)
    return np.rint(heads / np.maximum(scales, 1e-12)[:, None]).astype(np.int8), scales.astype(np.float32)


def _dot(code: NDArray[np.int8], codes: NDArray[np.int8]) -> Floats:
    products = numkong.cdist(code, np.ascontiguousarray(codes), "dot")
    return np.asarray(products, np.float32).reshape(-1)


def _best(scores: Floats, k: int) -> Ids:
    """Positions of the k highest finite scores, best first."""
    if k < len(scores):
        chosen = np.argpartition(scores, len(scores) - k)[len(scores) - k :]
    else:
        chosen = np.arange(len(scores))
    chosen = chosen[np.isfinite(scores[chosen])]
    return chosen[np.argsort(-scores[chosen], kind="stable")]
