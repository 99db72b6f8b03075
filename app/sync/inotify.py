"""Counts watched folders against Linux's limit before it is reached. Other systems have none.

watchdog reports no error for a folder below its root that it cannot watch, so this module counts both the
watches that are needed and those that exist: the kernel lists the watches of a process in `/proc/PID/fdinfo`
(man 5 proc, "inotify wd:").
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

LIMITS = ("/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches")
KEPT_FREE = 0.1
"""Share of the limit left to other programs."""


def room(limit: int | None = None) -> int | None:
    """How many more folders this user may watch with a tenth left free; None if there is no limit."""
    limit = limit if limit is not None else _limit()
    if limit is None:
        return None
    return int(limit * (1 - KEPT_FREE)) - sum(_watches(process) for process in _own_processes())


def held() -> int | None:
    """How many folders this process watches; None if the system does not say."""
    return _watches(Path("/proc/self")) if sys.platform == "linux" else None


def count_folders(root: str) -> int:
    """How many watches `root` needs: one for itself and one for each readable folder below."""
    count, waiting = 0, [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                count += 1
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
    return count


def _limit() -> int | None:
    if sys.platform != "linux":
        return None
    found = [number for path in LIMITS if (number := _number(path)) is not None]
    return min(found, default=None)


def _number(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return None


def _own_processes() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.geteuid():
                yield process
        except OSError:
            continue


def _watches(process: Path) -> int:
    try:
        return sum(_held_by(process, name) for name in os.listdir(process / "fd"))  # noqa: PTH208
    except OSError:
        return 0


def _held_by(process: Path, descriptor: str) -> int:
    try:
        if str((process / "fd" / descriptor).readlink()) != "anon_inode:inotify":
            return 0
        with (process / "fdinfo" / descriptor).open("rb") as lines:
            return sum(line.startswith(b"inotify wd:") for line in lines)
    except OSError:
        return 0
