"""The compiled scan: which rows of int8 codes have the greatest products with a query, in one pass.

Owns the call of the library, and what it can do here. Knows nothing of what the rows are.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LIBRARY = Path(__file__).parent / "kernel.so"

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Codes = NDArray[np.int8]

_SCORED = np.dtype([("score", np.float32), ("row", np.int64)], align=True)


class _Scan(ctypes.Structure):
    """As in scan.h."""

    _fields_ = (
        ("codes", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("rows", ctypes.c_void_p),
        ("count", ctypes.c_int64),
        ("query", ctypes.c_void_p),
    )


@cache
def library() -> ctypes.CDLL | None:
    """None where it was not built, or from other sources."""
    try:
        found = ctypes.CDLL(str(LIBRARY))
        found.ken_scan.argtypes = [
            ctypes.POINTER(_Scan),
            ctypes.c_int64,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_void_p,
        ]
        found.ken_scan.restype = ctypes.c_int64
        found.ken_instructions.restype = ctypes.c_int
    except (OSError, AttributeError):
        return None
    return found


def instructions() -> tuple[int, ...]:
    """The instruction sets that it can use here, by their numbers in processor.h, the fastest first."""
    found = library()
    sets = found.ken_instructions() if found else 0
    return tuple(number for number in range(sets.bit_length() - 1, -1, -1) if sets >> number & 1)


def best_rows(
    codes: Codes,
    scales: Floats,
    query: Codes,
    k: int,
    rows: Ids | None = None,
    *,
    threads: int,
    instructions: int,
) -> tuple[Ids, Floats]:
    """The k rows of (n, 256) codes, all or of `rows`, with the greatest products with a (256,) query.

    A product is multiplied by the scale of its row; one whose scale is NaN is not found. Rows and scores,
    best first; of equal scores, the lower row first. Runs without the interpreter's lock.
    """
    found = library()
    assert found is not None
    count = len(scales) if rows is None else len(rows)
    most = min(k, count)
    best = np.empty(max(1, threads) * most, _SCORED)
    scan = _Scan(
        codes.ctypes.data,
        scales.ctypes.data,
        None if rows is None else rows.ctypes.data,
        count,
        query.ctypes.data,
    )
    size = found.ken_scan(ctypes.byref(scan), most, threads, instructions, best.ctypes.data)
    return best["row"][:size].copy(), best["score"][:size].copy()
