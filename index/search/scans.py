"""The exact search among int8 codes: which rows have the greatest products with a query.

Owns the choice of what computes it: ken's own compiled scan, or NumPy where that was not built (on macOS with
numkong's products). What is compiled is compared with NumPy first and not used if they differ. All give the
same answer. Knows nothing of what the rows are.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.search import scan_kernel
from index.store import vectors

THREADS = min(4, os.cpu_count() or 1)
_BLOCK = 16_384
"""Rows that NumPy scores at a time: their scores stay in the processor's cache while the best are selected,
and are small enough that the allocator reuses their memory."""
_ALONE = 65_536
"""Least rows for each thread of NumPy: fewer are faster on one thread (measured)."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Codes = NDArray[np.int8]
Products = Callable[[Codes], Callable[[Codes], NDArray[Any]]]
"""Takes one query, (1, 256); returns a function from rows, (n, 256), to their n exact dot products."""


class Scan(Protocol):
    """A way to search."""

    def best(
        self, codes: Codes, scales: Floats, query: Codes, k: int, rows: Ids | None = None
    ) -> tuple[Ids, Floats]:
        """The k of (n, 256) rows, all or those in `rows`, with the greatest products with a (1, 256) query.

        k is at least 1. A product is multiplied by the scale of its row; a row whose scale is NaN is not
        found. Rows and scores, best first; of equal scores, the lower row first.
        """

    def close(self) -> None: ...


class CompiledScan:
    """Ken's own: products and selection in one pass, by one of the instruction sets of this processor."""

    def __init__(self, instructions: int) -> None:
        self._instructions = instructions

    def best(
        self, codes: Codes, scales: Floats, query: Codes, k: int, rows: Ids | None = None
    ) -> tuple[Ids, Floats]:
        return scan_kernel.best_rows(
            codes, scales, query[0], k, rows, threads=THREADS, instructions=self._instructions
        )

    def close(self) -> None:
        pass


class BlockScan:
    """With a library's products: each thread selects the best of a stretch of rows, block by block."""

    def __init__(self, products: Products) -> None:
        self._products = products
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ken-scan")

    def best(
        self, codes: Codes, scales: Floats, query: Codes, k: int, rows: Ids | None = None
    ) -> tuple[Ids, Floats]:
        if rows is not None:
            best, scores = self.best(codes[rows], scales[rows], query, k)
            return rows[best], scores
        products = self._products(query)
        step = max(_ALONE, -(-len(codes) // THREADS))
        starts = range(0, max(1, len(codes)), step)

        def pick(start: int) -> tuple[Ids, Floats]:
            return _best_rows(products, codes[start : start + step], scales[start : start + step], k)

        others = [self._threads.submit(pick, start) for start in starts[1:]]
        picked = [pick(0), *(other.result() for other in others)]
        found = np.concatenate([start + some for start, (some, _) in zip(starts, picked, strict=True)])
        return _ordered(found, np.concatenate([some for _, some in picked]), k)

    def close(self) -> None:
        self._threads.shutdown()


def numpy_products(query: Codes) -> Callable[[Codes], NDArray[Any]]:
    """A sum is at most 256 x 127², below 2²⁴: float32 holds it and every part of it exactly."""
    column = query[0].astype(np.float32)
    return lambda codes: codes.astype(np.float32) @ column


def numkong_products(query: Codes) -> Callable[[Codes], NDArray[Any]]:
    import numkong

    packed = numkong.dots_pack(query)
    return lambda codes: np.asarray(numkong.dots_packed(codes, packed))[:, 0]


def choose() -> tuple[Scan, str]:
    """The fastest scan that is right here, and the name of the compiled part that is not; "" if none is."""
    wrong = ""
    for name, make in (("ken's own scan", _compiled), ("numkong", _with_numkong)):
        try:
            scan = make()
        except ImportError:
            continue
        if scan is None:
            continue
        if agrees(scan):
            return scan, wrong
        scan.close()
        wrong = wrong or name
    return BlockScan(numpy_products), wrong


def agrees(scan: Scan) -> bool:
    """Whether it finds what NumPy finds: all rows, those of a list, and the better half."""
    codes = vectors.sample_codes()
    scales = np.linspace(1, 2, len(codes), dtype=np.float32)
    rows = np.arange(1, len(codes), 3)
    plain = BlockScan(numpy_products)
    try:
        for k, some in ((len(codes), None), (len(codes) // 2, None), (len(rows), rows)):
            expected, right = plain.best(codes, scales, codes[:1], k, some)
            found, scores = scan.best(codes, scales, codes[:1], k, some)
            if not (np.array_equal(found, expected) and np.array_equal(scores, right)):
                return False
    except Exception:  # noqa: BLE001 (a kernel that fails is no better than one that is wrong)
        return False
    return True


def _compiled() -> Scan | None:
    sets = scan_kernel.instructions()
    return CompiledScan(sets[0]) if sets else None


def _with_numkong() -> Scan:
    """Installed on macOS, where ken has no compiled code of its own."""
    import numkong  # noqa: F401

    return BlockScan(numkong_products)


def _best_rows(
    products: Callable[[Codes], NDArray[Any]], codes: Codes, scales: Floats, k: int
) -> tuple[Ids, Floats]:
    """Rows and scores of the k best, in any order; only scores above the k-th best so far are sorted."""
    best, scores = np.empty(0, np.int64), np.empty(0, np.float32)
    least = np.float32(-np.inf)
    for start in range(0, len(codes), _BLOCK):
        block = slice(start, start + _BLOCK)
        found = np.multiply(products(codes[block]), scales[block], dtype=np.float32, casting="unsafe")
        better = np.flatnonzero(found > least)
        if not len(better):
            continue
        best, scores = np.concatenate([best, start + better]), np.concatenate([scores, found[better]])
        if len(scores) > k:
            best, scores = _ordered(best, scores, k)
            least = scores[-1]
    return best, scores


def _ordered(rows: Ids, scores: Floats, k: int) -> tuple[Ids, Floats]:
    """The k best, best first; of equal scores, the lower row."""
    if len(scores) > 4 * k:
        near = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k])
        rows, scores = rows[near], scores[near]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]
