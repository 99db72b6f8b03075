"""The open index, for reading: opened when first needed, opened again if its file was replaced.

Owns the connections that read. Knows nothing of queries, and of writing only which thread may create a new
file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from app.errors import NothingIndexed
from index.errors import IndexUnreachable
from index.search.searcher import Searcher
from index.store.store import Store


class OpenIndex:
    """Safe from any thread. `cached_vectors`: keep vectors in memory, for many queries."""

    def __init__(self, path: Path, *, cached_vectors: bool = False) -> None:
        self.path = path
        self.guard = threading.RLock()
        self._cached_vectors = cached_vectors
        self._store: Store | None = None
        self._searcher: Searcher | None = None
        self._identity: tuple[int, int] | None = None
        """Device and inode of the file that is open."""
        self._lost = False
        self._maker: threading.Thread | None = None
        self._on_lost: Callable[[], None] = lambda: None

    def store(self, *, create: bool = False) -> Store | None:
        """The open store; None if there is no index yet."""
        with self.guard:
            self._notice_replaced()
            if self._store is None and (create or self.path.exists()):
                self._store = Store(self.path)
                self._identity = file_identity(self.path)
            return self._store

    def made(self) -> Store:
        """The open store, created if there is none yet."""
        store = self.store(create=True)
        assert store is not None
        return store

    def searcher(self) -> Searcher:
        """Raises `NothingIndexed` if there is no index yet."""
        with self.guard:
            self._notice_replaced()
            if self._searcher is None:
                if not self.path.exists():
                    raise nothing_indexed()
                self._searcher = Searcher(self.path, cached_vectors=self._cached_vectors)
                self._identity = file_identity(self.path)
            return self._searcher

    @cached_property
    def faults(self) -> list[str]:
        """Faults in how this processor compares vectors; checked once, because they cannot change."""
        return self.searcher().faults

    @property
    def bytes(self) -> int:
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @property
    def is_warm(self) -> bool:
        """Whether vectors are held in memory."""
        return self._searcher is not None

    def release(self) -> None:
        """Release memory; the next query opens the index again."""
        with self.guard:
            searcher, self._searcher = self._searcher, None
        if searcher is not None:
            searcher.close()

    def close(self) -> None:
        with self.guard:
            for part in (self._store, self._searcher):
                if part is not None:
                    part.close()
            self._store = self._searcher = self._identity = None

    # If the file is removed or replaced while it is open

    def recreated_by(self, maker: threading.Thread, on_lost: Callable[[], None]) -> None:
        """From now on only the thread `maker` opens a file that replaced the open one; `on_lost` notifies it.

        One thread has to close every connection to the old file before it opens the new one.
        """
        self._maker, self._on_lost = maker, on_lost

    @property
    def is_lost(self) -> bool:
        """Whether the open file is no longer the one at its path."""
        return self._lost or self._identity not in (None, file_identity(self.path))

    def renewed(self) -> None:
        """Called by `maker` when it has created the new file."""
        self._lost = False

    def _notice_replaced(self) -> None:
        if not self.is_lost:
            return
        if self._maker is None:
            self.close()
        elif not self._lost:
            self._lost = True
            self._on_lost()
        if self._lost and threading.current_thread() is not self._maker:
            raise IndexUnreachable(
                f"{self.path} was removed or replaced while ken had it open.",
                "ken indexes the folders again; try again in a moment.",
            )


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None if there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino)


def nothing_indexed() -> NothingIndexed:
    return NothingIndexed(
        "No file has been indexed.", "Run `ken index FOLDER` first, or `ken demo` to see how it works."
    )
