"""The index as answers read it: opened when it is first needed, and let go where its file is another.

Owns the connections that read. Knows nothing of what is asked, and of writing only who may make a new file.
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
    """Safe from any thread. `cached_vectors`: keep vectors in memory for many queries."""

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
        """The open tables; None where there is no index yet."""
        with self.guard:
            self._notice_replaced()
            if self._store is None and (create or self.path.exists()):
                self._store = Store(self.path)
                self._identity = file_identity(self.path)
            return self._store

    def made(self) -> Store:
        """The open tables, made where there are none yet."""
        store = self.store(create=True)
        assert store is not None
        return store

    def searcher(self) -> Searcher:
        """Raises `NothingIndexed` where there is no index yet."""
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
        """What is wrong with how this processor compares vectors: it stays the same, so it is asked once."""
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
        """Give back what holds memory; it is opened again when it is next needed."""
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

    # Where the file is removed or replaced while it is open

    def made_anew_by(self, maker: threading.Thread, on_lost: Callable[[], None]) -> None:
        """From now on only `maker` opens a file that took the place of the open one; `on_lost` tells it.

        One thread has to close every connection to the old file before it opens the new one.
        """
        self._maker, self._on_lost = maker, on_lost

    @property
    def is_lost(self) -> bool:
        """Whether the file that is open is not the one at its path."""
        return self._lost or self._identity not in (None, file_identity(self.path))

    def renewed(self) -> None:
        """`maker` has made the file anew."""
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
                "It is made anew from the folders; ask again in a moment.",
            )


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode; None where there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_dev, stat.st_ino)


def nothing_indexed() -> NothingIndexed:
    return NothingIndexed(
        "No file has been indexed.", "Run `ken index FOLDER` first, or `ken demo` to see how it works."
    )
