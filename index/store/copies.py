"""Backup, restore, and work on a copy of the index.

Owns how one index file replaces another: as a whole or not at all, and never with the write-ahead log of the
replaced file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from index.errors import IndexBusy, IndexCorrupt, IndexUnreachable
from index.private_files import sync_folder
from index.store.database import BUSY_MS, open_raw, open_reader, schema_version, translate_errors


def backup(path: Path, target: Path) -> None:
    """Copy the index at `path`, as it is now, to a new file at `target`; writers continue meanwhile.

    Raises IndexUnreachable where `target` exists or cannot be written.
    """
    _require_free(target)
    with contextlib.closing(open_reader(path)) as source, translate_errors(target):
        draft = _copy_database(source, target.parent, target.name)
        try:
            _require_free(target)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(target.parent)


def restore(path: Path, source: Path) -> None:
    """Replace the index at `path` by a backup; the caller holds the write lock.

    The backup is copied and checked first. If this is interrupted, `path` holds the old or the new index.
    Raises IndexCorrupt or IndexNewer where the backup is not a complete index of ken.
    """
    if not source.is_file():
        raise IndexUnreachable(f"There is no backup at {source}.", "Name a file that `ken backup` made.")
    with translate_errors(source), contextlib.closing(open_raw(source, write=False)) as opened:
        _require_intact(opened, source)
        draft = _copy_database(opened, path.parent, path.name)
    try:
        _replace_index(path, draft)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def staged_copy(path: Path) -> Iterator[Path]:
    """A copy of the index at `path` that replaces it if the block ends without an error.

    The caller holds the write lock. If the block raises, the copy is removed.
    """
    draft = path.with_name(f".{path.name}.staged")
    for file in _database_files(draft):
        file.unlink(missing_ok=True)
    try:
        if path.exists():
            with translate_errors(path), contextlib.closing(open_reader(path)) as source:
                _copy_database(source, path.parent, path.name).replace(draft)
        yield draft
        _replace_index(path, draft)
    finally:
        for file in _database_files(draft):
            file.unlink(missing_ok=True)


def _require_free(target: Path) -> None:
    if os.path.lexists(target):
        raise IndexUnreachable(f"{target} exists already.", "Name a file that does not.")


def _require_intact(opened: apsw.Connection, source: Path) -> None:
    if not schema_version(opened, source):
        raise IndexCorrupt(f"{source} holds no index of ken's.", "Name a file that `ken backup` made.")
    messages = [str(one) for (one,) in opened.execute("PRAGMA integrity_check(3)")]
    if messages != ["ok"]:
        raise IndexCorrupt(f"{source} is damaged: {'; '.join(messages)}.", "Name another backup.")


def _database_files(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def _copy_database(source: apsw.Connection, folder: Path, name: str) -> Path:
    """A complete copy in a new file in `folder`; removed if copying fails."""
    descriptor, draft_name = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    os.close(descriptor)
    draft = Path(draft_name)
    try:
        with contextlib.closing(open_raw(draft)) as copy:
            with copy.backup("main", source, "main") as running:
                running.step(-1)
            copy.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _replace_index(path: Path, draft: Path) -> None:
    """Rename `draft` to `path`, without the old log: SQLite would apply it to the new file of that name."""
    with translate_errors(path):
        if path.exists():
            _checkpoint_log(path)
        for file in _database_files(path)[1:]:
            file.unlink(missing_ok=True)
        draft.replace(path)
        sync_folder(path.parent)


def _checkpoint_log(path: Path) -> None:
    """Write the log into the file at `path`; a damaged file is kept beside it, with its log."""
    try:
        with contextlib.closing(open_raw(path)) as connection:
            connection.set_busy_timeout(BUSY_MS)
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[misc]
    except (apsw.CorruptError, apsw.NotADBError):
        kept = path.with_name(f"{path.name}.replaced-{int(time.time())}")
        kept.unlink(missing_ok=True)
        kept.hardlink_to(path)
        log = _database_files(path)[1]
        if log.exists():
            log.replace(kept.with_name(f"{kept.name}-wal"))
        return
    if busy:
        raise IndexBusy(f"Another ken is reading {path}.", "Close it, and try again.")
