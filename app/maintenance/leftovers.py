"""Files in ken's home with text outside of the index: damaged indexes, unfinished copies, saved queries.

Owns their names and how long they are kept.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app import paths

MONTH = 30 * 86400
"""Seconds that a damaged index is kept: long enough to notice that its repair lost something."""
HOUR = 3600
"""Seconds without a write after which a copy counts as broken off."""
_SET_ASIDE = re.compile(r"-(\d+)(?:-wal)?$")
"""The time in the name of an index that was set aside, in seconds since 1970."""
LEFT_BEHIND = (
    "What was forgotten is not overwritten on the disk yet: another program is reading the index, or the "
    "disk is full. ken does it as soon as it can."
)


def delete_old() -> None:
    """Delete copies that were broken off, and damaged indexes older than a month."""
    for file in _half_made():
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > HOUR:
                file.unlink()
    for file in damaged():
        with suppress(OSError):
            when = _SET_ASIDE.search(file.name)
            if when and time.time() - int(when[1]) > MONTH:
                file.unlink()


def delete_all() -> None:
    """Delete damaged indexes, saved searches and the state of the terminal interface. Raises OSError."""
    home = paths.home()
    older_logs = home.glob(paths.log_path().name + ".*")
    for file in (*damaged(), *_half_made(), home / "standing.json", home / "tui.json", *older_logs):
        file.unlink(missing_ok=True)
    if paths.log_path().exists():
        os.truncate(paths.log_path(), 0)


def damaged() -> Iterator[Path]:
    """Indexes that a repair or a restore replaced and kept."""
    index = paths.index_path()
    for pattern in ("damaged-*", "replaced-*"):
        yield from index.parent.glob(f"{index.name}.{pattern}")


def _half_made() -> Iterator[Path]:
    """Copies of a restore, an import or a repair that did not finish."""
    index = paths.index_path()
    for pattern in (f".{index.name}.*", f"{index.name}.rescued*", ".standing.json.*", ".tui.json.*"):
        yield from index.parent.glob(pattern)
