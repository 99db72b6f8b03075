"""What differs between the disk and the index: the truth that events only hint at.

Walks a root and compares it with what the index remembers; decides, changes nothing. A root that is
missing or suddenly empty is a disk that is not there, never a mass deletion.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from index.types import FileRecord
from index.walk.walker import Found, Rules, Skipped, walk

Known = dict[str, FileRecord]

LISTED = ("format:", "default: size", "not a file", "link", "secret:", "system", "ignore file")
"""Rules whose files are listed among the problems; files left out by an ignore rule are not."""


RACY_NS = 2_000_000_000
"""Two seconds: the coarsest time stamps of a file system (FAT)."""


@dataclass(slots=True)
class Differences:
    """What has to be done so that the index equals the disk."""

    read: list[Found] = field(default_factory=list)
    """New and changed files, the newest first."""
    moved: list[tuple[str, FileRecord]] = field(default_factory=list)
    """Old path, and the record to keep at the new one."""
    skipped: list[FileRecord] = field(default_factory=list)
    gone: list[FileRecord] = field(default_factory=list)
    unchanged: int = 0
    notices: list[str] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    """Roots that are not there, and why."""


def compare(
    roots: list[str],
    known: Known,
    rules: Rules,
    seen: Callable[[int], None] | None = None,
    verdicts: Callable[[str, Rules], Iterator[Found | Skipped]] = walk,
    careful: bool = True,
) -> Differences:
    """Compare the disk under `roots` with `known`, the index's records under them.

    `seen` is told now and then how many paths were looked at. `careful`: nothing is concluded from a
    root that is missing or suddenly empty.
    """
    found: dict[str, Found] = {}
    left_out: dict[str, Skipped] = {}
    found_all = Differences()
    blind: list[str] = []
    for root in roots:
        if careful and (reason := absent(root, known)):
            found_all.missing.append((root, reason))
            blind.append(root)
            continue
        for verdict in verdicts(root, rules):
            if isinstance(verdict, Found):
                found[verdict.path] = verdict
            elif verdict.folder and verdict.rule == "system":
                blind.append(verdict.path)
                found_all.notices.append(f"{verdict.path}: {verdict.reason}")
            else:
                left_out[verdict.path] = verdict
            if seen is not None and (len(found) + len(left_out)) % 500 == 0:
                seen(len(found) + len(left_out))
    _sort_out(found_all, found, left_out, known, blind)
    return found_all


def absent(root: str, known: Known) -> str:
    """Why nothing may be concluded from what is (not) under `root`; empty where all is well."""
    try:
        if not os.path.isdir(root):  # noqa: PTH112
            if os.path.lexists(root) or (os.path.isdir(os.path.dirname(root)) and root in known):  # noqa: PTH112, PTH120
                return ""
            return "It is not there; what was indexed from it is kept until it is back."
        with os.scandir(root) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    if empty and any(record.state == "indexed" for record in _under(root, known)):
        return "It is suddenly empty; what was indexed from it is kept. `ken forget` drops it."
    return ""


def unchanged(record: FileRecord, stat: os.stat_result) -> bool:
    """Whether the file is as the index read it, by size, time and identity.

    A file written a moment ago may have been written again within the same tick of its time stamp.
    """
    same = same_file(record, stat) and abs(time.time_ns() - stat.st_mtime_ns) > RACY_NS
    return same and (record.state == "indexed" or bool(record.reason and "permission" not in record.reason))


def same_file(record: FileRecord, stat: os.stat_result) -> bool:
    """Whether size, time of change and identity are those the index knows."""
    return (record.size, record.mtime_ns, record.inode) == (stat.st_size, stat.st_mtime_ns, stat.st_ino)


def _under(root: str, known: Known) -> Iterator[FileRecord]:
    prefix = root.rstrip(os.sep) + os.sep
    return (record for path, record in known.items() if path == root or path.startswith(prefix))


def _sort_out(
    result: Differences,
    found: dict[str, Found],
    left_out: dict[str, Skipped],
    known: Known,
    blind: list[str],
) -> None:
    recorded = {path: skip for path, skip in left_out.items() if skip.rule.startswith(LISTED)}
    prefixes = tuple(folder.rstrip(os.sep) + os.sep for folder in blind)
    gone = {
        path: record
        for path, record in known.items()
        if path not in found and path not in recorded and not (path + os.sep).startswith(prefixes)
    }
    fresh: list[Found] = []
    for path, file in found.items():
        record = known.get(path)
        if record is None:
            fresh.append(file)
        elif unchanged(record, file.stat):
            result.unchanged += 1
        else:
            result.read.append(file)
    result.read += _moves(result, fresh, gone)
    result.read.sort(key=lambda file: -file.stat.st_mtime_ns)
    result.gone = list(gone.values())
    for path, skip in recorded.items():
        record = known.get(path)
        if record is None or record.state != "skipped" or record.reason != skip.reason:
            result.skipped.append(FileRecord(path, 0, 0, 0, state="skipped", reason=skip.reason))


def _moves(result: Differences, fresh: list[Found], gone: Known) -> list[Found]:
    """Take out of `fresh` and `gone` what is one file under a new name; returns the others of `fresh`."""
    by_identity = {
        (record.inode, record.size, record.mtime_ns): path
        for path, record in gone.items()
        if record.state == "indexed" and record.inode and record.hash
    }
    rest = []
    for file in fresh:
        key = (file.stat.st_ino, file.stat.st_size, file.stat.st_mtime_ns)
        old = by_identity.get(key)
        if old is None or old not in gone or not _read_alike(gone[old], file.path):
            rest.append(file)
        else:
            stat = file.stat
            result.moved.append(
                (old, replace(gone.pop(old), path=file.path, inode=stat.st_ino, mtime_ns=stat.st_mtime_ns))
            )
    return rest


def _read_alike(record: FileRecord, path: str) -> bool:
    """Whether the same content gives the same passages under the new name: some take their title from it."""
    before, after = PurePath(record.path), PurePath(path)
    return before.suffix == after.suffix and (before.stem == after.stem or record.title != before.stem)
