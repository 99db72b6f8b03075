"""A disk that fails at a chosen operation: a SQLite VFS in front of the system's own.

Owns counting and failing; knows nothing of what is written. While it is open it is every new connection's
disk. See https://sqlite.org/vfs.html and https://rogerbinns.github.io/apsw/vfs.html.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

SYSTEM = apsw.vfs_names()[0]
FULL, BROKEN = apsw.FullError, apsw.IOError


class FaultyVfs(apsw.VFS):
    """Open for as long as connections of it are; `fails` says at which operation, and how."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._error: type[apsw.Error] | None = None
        self._at = 0
        self._lasting = False
        self.operations: list[str] = []
        """What was done since `fails` was last entered: write, sync, cut, open, delete; or reads alone."""
        self._reads = False
        self.failed = 0
        super().__init__("faulty", SYSTEM, makedefault=True)

    @contextmanager
    def fails(
        self, at: int, error: type[apsw.Error] | None, *, lasting: bool = False, reads: bool = False
    ) -> Iterator[None]:
        """Fail at the operation of that number, the first being 1; `lasting`: and at every later one.

        `reads`: count, and fail at, reads alone.
        """
        self._error, self._at, self._lasting, self._reads = error, at, lasting, reads
        self.operations, self.failed = [], 0
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None  # where SQLite goes on by itself
        try:
            yield
        finally:
            self._error = None
            sys.unraisablehook = hook

    def count(self, what: str) -> bool:
        """Count an operation; whether it has to fail."""
        with self._guard:
            if self._reads != (what == "read"):
                return False
            self.operations.append(what)
            done = len(self.operations)
            due = done >= self._at if self._lasting else done == self._at
            if self._error is None or not due:
                return False
            self.failed += 1
            return True

    def raise_fault(self) -> None:
        assert self._error is not None
        raise self._error("the disk failed")

    def xOpen(self, name: Any, flags: Any) -> Any:  # noqa: N802
        if self.count("open"):
            raise apsw.CantOpenError("the disk failed")
        return _File(self, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        if self.count("delete"):
            raise apsw.IOError("the disk failed")
        super().xDelete(name, sync)


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyVfs, name: Any, flags: Any) -> None:
        self._disk = disk
        super().__init__(SYSTEM, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._disk.count("write"):
            # What a full disk, or power that goes, leaves of a page.
            super().xWrite(bytes(data)[: len(data) // 2], offset)
            self._disk.raise_fault()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._disk.count("sync"):
            self._disk.raise_fault()
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        if self._disk.count("cut"):
            self._disk.raise_fault()
        super().xTruncate(size)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if self._disk.count("read"):
            self._disk.raise_fault()
        return super().xRead(amount, offset)
