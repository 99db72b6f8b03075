"""Texts that match regular expressions: the stored texts are read one by one, newest first.

Owns the time limits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw
import numpy as np
from numpy.typing import NDArray

from index.store.database import fetch_all, fetch_value, id_array

if TYPE_CHECKING:
    from index.store.fts_query import Pattern

SECONDS = 2.0
"""Seconds for a scan: users do not wait longer for an answer."""
A_TEXT = 0.2
"""Seconds for one text: this bounds an expression that backtracks; the scan goes on with the next text."""
BATCH = 256
"""Texts read together, to bound memory."""
MOST = 20_000
"""Matching texts after which the scan ends: more are no useful answer."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scan:
    """Texts that match every pattern, ascending; `left_out` is a sentence on texts that were not read."""

    ids: Ids
    left_out: str = ""


def scan(
    db: apsw.Connection, patterns: Sequence[Pattern], within: Ids | None, seconds: float = SECONDS
) -> Scan:
    """Read the texts of `within` (ascending; None: all) for at most so many seconds."""
    deadline = time.monotonic() + seconds
    found: list[int] = []
    skipped = 0
    for read, (id_, text) in enumerate(_texts(db, within)):
        left = deadline - time.monotonic()
        if left <= 0 or len(found) >= MOST:
            every = len(within) if within is not None else fetch_value(db, "SELECT count(*) FROM texts", int)
            return Scan(_ascending(found), f"Only the newest {read:,} of {every:,} passages were looked at.")
        try:
            if all(pattern.search(text, timeout=min(left, A_TEXT), concurrent=True) for pattern in patterns):
                found.append(id_)
        except TimeoutError:
            skipped += 1
    note = f"{skipped:,} passages take too long to compare and were left out." if skipped else ""
    return Scan(_ascending(found), note)


def _texts(db: apsw.Connection, within: Ids | None) -> Iterator[tuple[int, str]]:
    if within is not None:
        for start in range(len(within), 0, -BATCH):
            ids = within[max(0, start - BATCH) : start]
            yield from fetch_all(
                db,
                "SELECT id, text FROM texts WHERE id IN (SELECT value FROM carray(?)) ORDER BY id DESC",
                (id_array(ids),),
            )
        return
    last = fetch_value(db, "SELECT coalesce(max(id), 0) FROM texts", int) + 1
    while batch := fetch_all(
        db, f"SELECT id, text FROM texts WHERE id < ? ORDER BY id DESC LIMIT {BATCH}", (last,)
    ):
        yield from batch
        last = batch[-1][0]


def _ascending(found: list[int]) -> Ids:
    return np.array(sorted(found), np.int64)
