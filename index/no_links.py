"""Opens what is at a real path: a link anywhere on the way is an error.

Owns the descent from `/`, each step in the folder that the step before opened. So no folder on the way, in a
root or above it, can become a link between a check of the path and the opening. Raises `OSError`: ELOOP or
ENOTDIR where there is a link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import PurePath
from typing import NamedTuple

_THROUGH = getattr(os, "O_PATH", getattr(os, "O_SEARCH", os.O_RDONLY))
"""Opens a folder to go through it, without permission to list it: O_PATH of Linux, O_SEARCH of macOS."""
_STEP = _THROUGH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderEntry(NamedTuple):
    """One name in a folder."""

    name: str
    status: os.stat_result | OSError
    """The status of the file itself, also where it is a link; or why there is none."""


def open_real(path: str, flags: int, check: Callable[[os.stat_result], None] | None = None) -> int:
    """A descriptor of the file or folder at an absolute, normalized path.

    `check` sees its status first and may raise: opening alone can start a device or a download.
    """
    *above, name = PurePath(path).parts[1:] or (".",)
    folder = os.open(os.sep, _STEP)
    try:
        for part in above:
            inner = os.open(part, _STEP, dir_fd=folder)
            os.close(folder)
            folder = inner
        if check is not None:
            check(_status_in(folder, name))
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)


def _status_in(folder: int, name: str) -> os.stat_result:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return status


def list_folder(path: str) -> list[FolderEntry]:
    """The entries of the folder at an absolute, normalized path, in name order."""
    folder = open_real(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (FolderEntry(entry.name, _status(entry)) for entry in entries), key=lambda one: one.name
            )
    finally:
        os.close(folder)


def _status(entry: os.DirEntry[str]) -> os.stat_result | OSError:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError as error:
        return error
