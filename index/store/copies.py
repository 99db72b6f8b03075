"""The index copied, put back, and worked on beside its place.

Owns how one file takes the place of another: whole or not at all, and never with the write-ahead log of
the one that it replaces.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

from index.errors import IndexCorrupt, IndexUnreachable
from index.store.database import open_plain, open_reader, titled, version_of


def backup(path: Path, target: Path) -> None:
    """Copy the index at `path`, as it is at this moment, to a new file at `target`; writers go on meanwhile.

    Raises IndexUnreachable where `target` exists or cannot be written.
    """
    source = open_reader(path)
    try:
        if target.exists():
            raise IndexUnreachable(f"{target} exists already.", "Name a file that does not.")
        with titled(target):
            _copied(source, target.parent, target.name).replace(target)
    finally:
        source.close()


def restore(path: Path, source: Path) -> None:
    """Put a backup in the place of the index at `path`; whoever calls holds the right to write.

    The backup is copied and checked first. What is replaced loses its write-ahead log before, or
    SQLite would apply that to the backup. Interrupted anywhere, `path` holds the old or the new index.
    Raises IndexCorrupt or IndexNewer where the backup is no whole index of ken's.
    """
    if not source.is_file():
        raise IndexUnreachable(f"There is no backup at {source}.", "Name a file that `ken backup` made.")
    with titled(source):
        opened = open_plain(source, write=False)
        try:
            if not version_of(opened, source):
                raise IndexCorrupt(
                    f"{source} holds no index of ken's.", "Name a file that `ken backup` made."
                )
            said = [str(one) for (one,) in opened.execute("PRAGMA integrity_check(3)")]
            if said != ["ok"]:
                raise IndexCorrupt(f"{source} is damaged: {'; '.join(said)}.", "Name another backup.")
            draft = _copied(opened, path.parent, path.name)
        finally:
            opened.close()
    with titled(path):
        _without_log(path)
        draft.replace(path)


@contextlib.contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A copy of the index at `path` to work on, which takes its place where the block ends well.

    Whoever calls holds the right to write. Nothing of the copy is left where the block raises.
    """
    draft = path.with_name(f".{path.name}.staged")
    for file in _with_log(draft):
        file.unlink(missing_ok=True)
    try:
        if path.exists():
            with titled(path), contextlib.closing(open_reader(path)) as source:
                _copied(source, path.parent, path.name).replace(draft)
        yield draft
        with titled(path):
            _without_log(path)
            draft.replace(path)
    finally:
        for file in _with_log(draft):
            file.unlink(missing_ok=True)


def _with_log(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def _copied(source: apsw.Connection, folder: Path, name: str) -> Path:
    """A whole copy in a file of its own in `folder`; nothing is left where it fails."""
    descriptor, draft_name = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    os.close(descriptor)
    draft = Path(draft_name)
    try:
        copy = open_plain(draft)
        try:
            with copy.backup("main", source, "main") as running:
                running.step(-1)
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _without_log(path: Path) -> None:
    """Bring what the log holds into the file and delete the log; a damaged index is set aside with it."""
    if not path.exists():
        pass
    elif not _checkpointed(path):
        set_aside = f"{path.name}.replaced-{int(time.time())}"
        path.replace(path.with_name(set_aside))
    for file in _with_log(path)[1:]:
        file.unlink(missing_ok=True)


def _checkpointed(path: Path) -> bool:
    try:
        connection = open_plain(path)
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[misc]
            return not busy
        finally:
            connection.close()
    except apsw.Error:
        return False
