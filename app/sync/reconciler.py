"""Compares the disk with the index, which events only hint at.

Owns what counts as new, changed, moved, deleted or away; changes nothing. A file on a disk that is not
mounted, or that cannot be read for now, is not deleted: its record stays. An error at one path affects that
path alone.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TypeVar

from app.folders.mounts import Disks
from app.folders.roots import is_gone
from app.sync.change_queue import folders_above
from app.sync.presence import Presence, why_away
from index.errors import FileUnreadable
from index.extract.opening import RETRIED_LATER, error_of_errno
from index.macos import is_dataless
from index.types import READ_AGAIN_CTIME, FileRecord, Stamp
from index.walk.walker import FoundFile, Rules, Skipped, walk

log = logging.getLogger(__name__)

T = TypeVar("T")

Known = dict[str, FileRecord]

LISTED = ("default: size", "not a file", "link", "secret:", "system", "ignore file")
"""Rules whose files are listed as problems; files that an ignore rule leaves out are not."""
RACY_NS = 2_000_000_000
"""Two seconds in nanoseconds: the coarsest time stamps of a file system (FAT)."""


@dataclass(slots=True)
class Differences:
    """The work that makes the index equal to the disk."""

    read: list[FoundFile] = field(default_factory=list)
    """New and changed files, the newest first."""
    moved: list[tuple[str, FileRecord]] = field(default_factory=list)
    """Old path, and the record to keep at the new one."""
    skipped: list[FileRecord] = field(default_factory=list)
    noted: list[FileRecord] = field(default_factory=list)
    """New records of files whose content is unchanged."""
    gone: list[FileRecord] = field(default_factory=list)
    away: list[FileRecord] = field(default_factory=list)
    """Files on disks that are not mounted: their records stay, and the user is told."""
    unreadable: list[str] = field(default_factory=list)
    """Files and folders to try again soon."""
    unchanged: int = 0
    notices: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    """Roots that are missing, and why."""


@dataclass(slots=True)
class _SeenPaths:
    """The paths seen on the disk. `blind`: folders that could not be listed."""

    found: dict[str, FoundFile] = field(default_factory=dict)
    left_out: dict[str, Skipped] = field(default_factory=dict)
    blind: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    """Files, and why."""

    @property
    def count(self) -> int:
        return len(self.found) + len(self.left_out)


def compare(
    roots: list[str],
    known: Known,
    rules: Rules,
    seen: Callable[[int], None] | None = None,
    verdicts: Callable[[str, Rules], Iterator[FoundFile | Skipped]] = walk,
    careful: bool = True,
    suspects: Container[str] = (),
    settled: Collection[str] = (),
) -> Differences:
    """Compare the disk under `roots` with `known`, the index's records under them.

    `seen` gets the number of paths from time to time. `careful`: a root that is missing or suddenly empty
    deletes nothing. `suspects` are read even if they look unchanged. `settled` are paths that are indexed
    already, each with everything under it; the set may grow during the walk.
    """
    result, met = Differences(), _SeenPaths()
    for root in roots:
        if careful and (reason := why_away(root, known)):
            result.missing.append((root, reason))
            met.blind.append(root)
            continue
        try:
            _look(root, met, result, verdicts(root, rules), seen)
        except Exception as error:
            log.exception("%s could not be compared", root)
            met.blind.append(root)
            result.unreadable.append(root)
            result.notices.append(f"{root} could not be compared ({type(error).__name__}). {RETRIED_LATER}")
    if settled:
        met.found, met.left_out = outside(met.found, settled), outside(met.left_out, settled)
        met.unreadable, known = outside(met.unreadable, settled), outside(known, settled)
    _sort_out(result, met, known, roots, suspects)
    return result


def outside(of_paths: Mapping[str, T], settled: Collection[str]) -> dict[str, T]:
    """The entries that are neither in `settled` nor under one of its paths."""
    return {path: one for path, one in of_paths.items() if not settled or not _among(path, settled)}


def _among(path: str, settled: Collection[str]) -> bool:
    return path in settled or any(above in settled for above in folders_above(path))


def _look(
    root: str,
    met: _SeenPaths,
    result: Differences,
    verdicts: Iterable[FoundFile | Skipped],
    seen: Callable[[int], None] | None,
) -> None:
    for verdict in verdicts:
        path = verdict.path
        if isinstance(verdict, FoundFile):
            met.found[path] = verdict
        elif not verdict.rule.startswith(("system", "link")):
            met.left_out[path] = verdict
        elif verdict.folder:
            if path == root or not is_gone(path):
                met.blind.append(path)
                result.unreadable.append(path)
                result.notices.append(f"{path}: {verdict.reason}")
        elif reason := _passing(path, verdict):
            met.unreadable[path] = reason
        elif not is_gone(path):
            met.left_out[path] = verdict
        if seen is not None and met.count % 500 == 0:
            seen(met.count)


def _passing(path: str, verdict: Skipped) -> str:
    """Why a file cannot be read for now; empty if the verdict is final or the file is deleted."""
    try:
        os.stat(path)  # noqa: PTH116
    except OSError as error:
        found = error_of_errno(error.errno or 0)
        return found.what if isinstance(found, FileUnreadable) else ""
    return f"{verdict.reason} {RETRIED_LATER}" if verdict.rule == "system" else ""


def unchanged(record: FileRecord, now: Stamp) -> bool:
    """Whether the file is unchanged since it was indexed.

    A file written a moment ago counts as changed: a second write may have had the same time stamp.
    """
    same = record.stamp.same(now) and abs(time.time_ns() - now.mtime_ns) > RACY_NS
    return same and (record.state == "indexed" or bool(record.reason))


def _sort_out(
    result: Differences, met: _SeenPaths, known: Known, roots: list[str], suspects: Container[str]
) -> None:
    recorded = {path: skip for path, skip in met.left_out.items() if skip.rule.startswith(LISTED)}
    hidden = tuple(folder.rstrip(os.sep) + os.sep for folder in met.blind)
    gone = {
        path: record
        for path, record in known.items()
        if path not in met.found
        and path not in recorded
        and path not in met.unreadable
        and not (path + os.sep).startswith(hidden)
    }
    disks = Disks()
    fresh = _sort_found(result, met.found, known, disks, suspects)
    result.read += _moves(result, fresh, gone, disks)
    result.read.sort(key=lambda file: -file.stat.st_mtime_ns)
    if gone:
        _sort_gone(result, gone, Presence(known, met.found, disks, roots))
    _note_unreadable(result, met.unreadable, known)
    for path, skip in recorded.items():
        record = known.get(path)
        if record is None or record.state != "skipped" or record.reason != skip.reason:
            result.skipped.append(FileRecord(path, 0, 0, 0, state="skipped", reason=skip.reason))


def _sort_found(
    result: Differences, found: dict[str, FoundFile], known: Known, disks: Disks, suspects: Container[str]
) -> list[FoundFile]:
    """Add changed files to those to read; returns the files that the index does not have."""
    fresh: list[FoundFile] = []
    for path, file in found.items():
        record = known.get(path)
        if record is None:
            fresh.append(file)
            continue
        now = Stamp.of(file.stat)
        readable_now = record.state == "named" and not file.unread and not record.hash
        if is_dataless(file.stat) and record.state == "indexed" and record.stamp[1:3] == now[1:3]:
            result.unchanged += 1  # only its content has left this disk
            continue
        if path in suspects or readable_now or not unchanged(record, now):
            result.read.append(file)
            continue
        result.unchanged += 1
        disk = disks.holding(path).number
        if (record.ctime_ns, record.disk) != (now.ctime_ns, disk):
            result.noted.append(replace(record, ctime_ns=now.ctime_ns, disk=disk))
    return fresh


def _sort_gone(result: Differences, gone: Known, presence: Presence) -> None:
    """Separate deleted files from files on disks that are not mounted."""
    for record in gone.values():
        if presence.away(record):
            result.away += [] if presence.hidden(record) else [record]
        else:
            here = replace(record, disk=presence.disk_now(record))
            result.gone.append(here)
            if here != record:
                result.noted.append(here)


def _note_unreadable(result: Differences, unreadable: dict[str, str], known: Known) -> None:
    for path, reason in unreadable.items():
        result.unreadable.append(path)
        record = unread_record(known.get(path), path, reason)
        if record == known.get(path):
            continue
        (result.noted if record.state == "indexed" else result.skipped).append(record)


def unread_record(record: FileRecord | None, path: str, reason: str) -> FileRecord:
    """The record of a file that cannot be read for now. Its passages stay, as not current."""
    if record is not None and record.state == "indexed":
        return replace(record, reason=reason, ctime_ns=READ_AGAIN_CTIME)
    return FileRecord(path, 0, 0, -1, state="failed", reason=reason)


def _moves(result: Differences, fresh: list[FoundFile], gone: Known, disks: Disks) -> list[FoundFile]:
    """Find the files of `gone` that are in `fresh` under a new name; returns the files to read.

    Inode numbers are compared on one disk only. A new name changes the status time, and so does new
    content: if it differs, the file is read as well.
    """
    by_identity = {
        (record.disk, *record.stamp[:3]): path
        for path, record in gone.items()
        if record.state == "indexed" and record.inode and record.hash
    }
    rest = []
    for file in fresh:
        now = Stamp.of(file.stat)
        disk = disks.holding(file.path).number
        old = by_identity.get((disk, *now[:3])) or by_identity.get((0, *now[:3]))
        if old is None or old not in gone or not _read_alike(gone[old], file.path):
            rest.append(file)
            continue
        record = replace(gone.pop(old), path=file.path, disk=disk)
        result.moved.append((old, record))
        if record.ctime_ns != now.ctime_ns:
            rest.append(file)
    return rest


def _read_alike(record: FileRecord, path: str) -> bool:
    """Whether equal content gives equal passages under the new name: some take their title from it."""
    before, after = PurePath(record.path), PurePath(path)
    return before.suffix == after.suffix and (before.stem == after.stem or record.title != before.stem)
