"""Files in ken's home that are not needed any more: damaged indexes that a repair kept, and memories.

Owns their names and how long they stay.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app import paths

MONTH = 30 * 86400
"""Seconds that a damaged index is kept: long enough to see that nothing is missing from what was saved."""


def delete_old() -> None:
    """Delete damaged indexes that were kept for a month."""
    for file in _damaged():
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > MONTH:
                file.unlink()


def delete_all() -> None:
    """Delete damaged indexes, saved searches, and what the interface remembers. Raises OSError."""
    home = paths.home()
    older_logs = home.glob(paths.log_path().name + ".*")
    for file in (*_damaged(), home / "standing.json", home / "tui.json", *older_logs):
        file.unlink(missing_ok=True)
    if paths.log_path().exists():
        os.truncate(paths.log_path(), 0)


def _damaged() -> Iterator[Path]:
    index = paths.index_path()
    for pattern in ("damaged-*", "rescued*", "replaced-*"):
        yield from index.parent.glob(f"{index.name}.{pattern}")
