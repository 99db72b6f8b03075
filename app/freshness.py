"""Whether a hit is still true: each hit's file is looked at before it is shown."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from index.types import Hit


@dataclass(frozen=True, slots=True)
class Checked:
    """Hits whose file is there, and among their paths those whose file changed since it was indexed."""

    hits: tuple[Hit, ...]
    changed: dict[str, int]
    """Path to the size it has now."""
    gone: int


def check(hits: Iterable[Hit]) -> Checked:
    kept: list[Hit] = []
    changed: dict[str, int] = {}
    gone = 0
    for hit in hits:
        try:
            stat = os.stat(hit.path)  # noqa: PTH116
        except OSError:
            gone += 1
            continue
        kept.append(hit)
        if (stat.st_size, stat.st_mtime_ns, stat.st_ino) != (hit.size, hit.modified_ns, hit.inode):
            changed[hit.path] = stat.st_size
    return Checked(tuple(kept), changed, gone)
