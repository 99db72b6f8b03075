"""Reading and cutting ahead of storing: files in, records and passages out, on threads of their own.

Child processes read and cut; a thread here only waits for one. How far they read ahead is bounded, so
that neither memory nor the embedder suffers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePath

from app.model import TextModel
from index.errors import FileFailed, FileSkipped
from index.extract import Cutting, ReaderPool
from index.passages.chunker import SIZE
from index.types import FileRecord, FileState, Passage
from index.walk.walker import Found

AHEAD = 4
"""Files being read or waiting to be stored, for each reader."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One file as it was read: its record and its passages (none where it was refused)."""

    record: FileRecord
    passages: Sequence[Passage] = ()


class Reading:
    """The files of one run. `begin`, then `finished` until `running` is empty, then `close`.

    A `pool` that is lent is left open.
    """

    def __init__(
        self, model: TextModel, readers: int, passage_tokens: int, pool: ReaderPool | None = None
    ) -> None:
        self._model = model
        self._size = passage_tokens or SIZE
        self._pool = pool or ReaderPool(readers)
        self._lent = pool is not None
        # one more than readers: while it takes an answer apart, no reader waits
        self._threads = ThreadPoolExecutor(readers + 1, thread_name_prefix="read")
        self._ahead = AHEAD * readers
        self._files: deque[Found] = deque()
        self._urgent: set[Future[Taken | None]] = set()
        self.running: set[Future[Taken | None]] = set()

    def begin(self, files: Sequence[Found]) -> None:
        """Read these, in this order."""
        self._files.extend(files)
        self._submit()

    def first(self, files: Sequence[Found]) -> None:
        """Read these before all that is not begun yet."""
        for file in files:
            future = self._threads.submit(self._take, file)
            self.running.add(future)
            self._urgent.add(future)

    @property
    def has_urgent(self) -> bool:
        """Whether files given to `first` are still being read."""
        return bool(self._urgent)

    def finished(self) -> tuple[list[Taken], int]:
        """What was read since the last call, and how many files that was, those that vanished included."""
        done = {future for future in self.running if future.done()}
        self.running -= done
        self._urgent -= done
        self._submit()
        return [taken for future in done if (taken := future.result()) is not None], len(done)

    def close(self) -> None:
        """Stop; readers in the middle of a file are ended."""
        self._files.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if not self._lent:
            self._pool.close()

    def _submit(self) -> None:
        while self._files and len(self.running) < self._ahead:
            self.running.add(self._threads.submit(self._take, self._files.popleft()))

    def _take(self, found: Found) -> Taken | None:
        """Read and cut one file; None where it vanished meanwhile."""
        try:
            read = self._pool.read(found.path, Cutting(self._model.counter, self._size))
        except FileSkipped as refused:
            return Taken(_refused(found, "skipped", refused.what))
        except FileFailed as refused:
            there = os.path.lexists(found.path)
            return Taken(_refused(found, "failed", refused.what)) if there else None
        document, name = read.document, PurePath(found.path).stem
        record = FileRecord(
            path=found.path,
            inode=read.inode,
            size=read.size,
            mtime_ns=read.mtime_ns,
            hash=read.hash,
            reason=document.note,
            kind=document.kind,
            language=document.language,
            title=document.title or name,
        )
        return Taken(record, read.passages)


def _refused(found: Found, state: FileState, reason: str) -> FileRecord:
    stat = found.stat
    return FileRecord(found.path, stat.st_ino, stat.st_size, stat.st_mtime_ns, state=state, reason=reason)
