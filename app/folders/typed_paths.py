"""Converts paths that users type into the form that the index stores.

Owns that form: absolute, with all links of folders resolved, each name as the disk spells it. Knows nothing
of the index.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace

from app.errors import PathInvalid
from app.folders.disk_names import DiskNames, spelled
from app.sanitize import plain_path
from index.macos import privacy_refusal
from index.types import Filter

KERNEL = ("/proc", "/sys")
"""Where Linux shows its state as files: to watch them takes minutes and never ends."""


def absolute_path(path: str) -> str:
    """The path made absolute, with the links of its folders resolved; a link to a file keeps its name."""
    path = spelled(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111
    if os.path.isdir(path):  # noqa: PTH112
        real = os.path.realpath(path)
    else:
        folder, name = os.path.split(path)
        real = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
    return path if real == path else spelled(real)


def spelled_filter(filter_: Filter) -> Filter:
    """The filter with its absolute folders as the disk spells them."""
    return _spelled_filter(filter_, DiskNames())


def _spelled_filter(filter_: Filter, names: DiskNames) -> Filter:
    if not (filter_.folders or filter_.excluding):
        return filter_
    folders = (names.spelled(one) if one.startswith(os.sep) else one for one in filter_.folders)
    excluding = (_spelled_filter(one, names) for one in filter_.excluding)
    return replace(filter_, folders=tuple(folders), excluding=tuple(excluding))


def completed_folder(typed: str) -> str:
    """The typed path with what all folders that go on from it have in common, as shells complete."""
    folder, name = os.path.split(os.path.expanduser(typed))  # noqa: PTH111
    try:
        with os.scandir(folder or ".") as entries:
            names = [e.name for e in entries if e.name.startswith(name) and e.is_dir()]
    except OSError:
        return typed
    names = [one for one in names if name or not one.startswith(".")]
    common = os.path.commonprefix(names)  # noqa: RUF071 -- of letters, as it is typed
    return typed + common[len(name) :] + ("/" if len(names) == 1 else "") if names else typed


def indexable_path(path: str) -> str:
    """The same, checked: raises `PathInvalid` if the path cannot be indexed."""
    if not path:
        raise PathInvalid("The path is empty.", "Name a folder or a file.")
    full = absolute_path(path)
    shown = plain_path(full)
    if full == os.sep or any(full == top or full.startswith(f"{top}/") for top in KERNEL):
        raise PathInvalid(
            f"{shown} holds the state of the running system, which is no document and changes all the time.",
            "Name the folders that hold your files, such as ~.",
        )
    try:
        mode = os.stat(full).st_mode  # noqa: PTH116
    except OSError as error:
        if refusal := privacy_refusal(error.errno or 0):
            raise PathInvalid(f"{shown} cannot be read: {refusal}") from error
        raise PathInvalid(f"{shown} cannot be read: {error.strerror}.", "Check its spelling.") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise PathInvalid(f"{shown} is neither a folder nor a file.", "Name a folder or a file.")
    if not os.access(full, os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0)):
        raise PathInvalid(
            f"There is no permission to read {shown}.", "Change its permissions, or run as its owner."
        )
    return full
