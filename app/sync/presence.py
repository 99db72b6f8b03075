"""Tells what was deleted from what is away: a root that is missing or suddenly empty, an unmounted disk.

A record names the disk of its file. If that disk is still mounted there, the file was deleted. If another
disk is, or none, the file is away, unless the same disk only has a new number: the system assigns device
numbers at each start. Unchanged files show that. Owns this decision; changes nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from app.folders.mounts import Disks
from app.folders.roots import is_under
from index.macos import privacy_refusal
from index.types import FileRecord, Stamp
from index.walk.walker import FoundFile

MOSTLY = 0.5
"""Share of a disk's files with equal size and time that identifies it if all inode numbers are new."""


class Presence:
    """The disks in one comparison of `known` with `found` under `roots`."""

    def __init__(
        self,
        known: Mapping[str, FileRecord],
        found: Mapping[str, FoundFile],
        disks: Disks,
        roots: Sequence[str],
    ) -> None:
        self._known = known
        self._found = found
        self._disks = disks
        self._roots = roots
        self._present: set[int] = set()
        self._renumbered: set[tuple[int, int]] = set()
        self._look()

    def away(self, record: FileRecord) -> bool:
        """Whether the disk of a missing file is not mounted."""
        if not record.disk:
            return False
        disk = self._disks.holding(record.path)
        if record.disk != disk.number:
            return (record.disk, disk.number) not in self._renumbered
        whole = any(is_under(disk.mount, root) for root in self._roots)
        return whole and not disk.lasting and disk.number not in self._present

    def hidden(self, record: FileRecord) -> bool:
        """Whether a missing file is only hidden under the mount point of a disk that belongs there."""
        over = self._disks.holding(record.path)
        below = self._disks.holding(over.mount)
        return over.number in self._present and record.disk == below.number

    def disk_now(self, record: FileRecord) -> int:
        """The number of the disk that is mounted at the file's path."""
        return self._disks.holding(record.path).number

    def _look(self) -> None:
        """Find the disks that hold known files, and those with a new number."""
        files = Counter(record.disk for record in self._known.values())
        alike: Counter[tuple[int, int]] = Counter()
        for path, file in self._found.items():
            record = self._known.get(path)
            if record is None:
                continue
            now, disk = Stamp.of(file.stat), self.disk_now(record)
            if record.disk in (0, disk):
                self._present |= {disk} if record.stamp[1:3] == now[1:3] else set()
                continue
            if record.stamp[:3] == now[:3]:
                self._renumbered.add((record.disk, disk))
            elif record.stamp[1:3] == now[1:3]:
                alike[record.disk, disk] += 1
        self._renumbered |= {(old, new) for (old, new), n in alike.items() if n >= MOSTLY * files[old]}


def why_away(root: str, known: Mapping[str, FileRecord]) -> str:
    """Why the content of `root` must not count as deleted; empty if it may."""
    try:
        if not os.path.isdir(root):  # noqa: PTH112
            if os.path.lexists(root) or (os.path.isdir(os.path.dirname(root)) and root in known):  # noqa: PTH112, PTH120
                return ""
            return "It is missing. Its files stay in the index until it is back."
        if (target := os.path.realpath(root)) != root:
            return f"It is a link to {target} now, and ken follows no links. Its files stay in the index."
        with os.scandir(root) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        return f"It cannot be read: {privacy_refusal(error.errno or 0) or f'{error.strerror}.'}"
    if empty and any(record.state == "indexed" for path, record in known.items() if is_under(path, root)):
        return "It is suddenly empty. Its files stay in the index; `ken forget` removes them."
    return ""


def folders_away(away: Iterable[FileRecord]) -> dict[str, str]:
    """For each unmounted disk the innermost existing folder above its files, with the notice for it."""
    by_disk: dict[int, list[str]] = {}
    for record in away:
        by_disk.setdefault(record.disk, []).append(os.path.dirname(record.path))  # noqa: PTH120
    notices = {}
    for folders in by_disk.values():
        folder = _there(os.path.commonpath(folders))
        notices[folder] = (
            f"The disk at {folder} is not mounted. Its files stay in the index until it is back; "
            "`ken forget` removes them."
        )
    return notices


def _there(folder: str) -> str:
    while not os.path.isdir(folder) and (above := os.path.dirname(folder)) != folder:  # noqa: PTH112, PTH120
        folder = above
    return folder
