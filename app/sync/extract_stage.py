"""Reading and cutting ahead of storing: files in, records and passages out, on threads of their own.

Child processes read and cut; a thread here only waits for one. How far they read ahead is bounded, so
that neither memory nor the embedder suffers. What cannot wait never waits for a slow file: it goes to a
reader that is free, or to one of those that read nothing else, each file for a moment only.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePath

from app.folders.roots import is_gone
from app.model import TextModel
from app.sync.mounts import Disks
from embedder.errors import EmbedderError
from index import kinds
from index.errors import FileFailed, FileSkipped, FileTooSlow, FileUnreadable, FileWithheld
from index.extract import ChunkerSettings, ReaderPool
from index.extract.opening import RETRIED_LATER
from index.passages.chunker import MAX_TOKENS
from index.types import FileRecord, FileState, Passage, Stamp
from index.walk.walker import Found

log = logging.getLogger(__name__)

AHEAD = 4
"""Files being read or waiting to be stored, for each reader."""
URGENT = 3
"""Readers of what cannot wait, started when needed: two may be at slow files. Each takes some 25 MB."""
URGENT_SECONDS = 1.0
"""Processor time that such a reader gives a file; one that takes longer is read again among all others."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One file as it was read: its record and its passages (none where it was refused)."""

    record: FileRecord
    passages: Sequence[Passage] = ()
    unreadable: bool = False
    """Refused by the system, which says nothing of what the file holds."""


class Readers:
    """The processes that read, started when they are needed: `count` for all files, more for urgent ones."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.all = ReaderPool(count)
        self.urgent = ReaderPool(URGENT, seconds=URGENT_SECONDS)

    def abandon(self) -> None:
        """Let go of the files that are being read, so that those of the next run need not wait for them."""
        self.all.abandon()
        self.urgent.abandon()

    def close(self) -> None:
        self.all.close()
        self.urgent.close()


class Reading:
    """The files of one run. `begin`, then `finished` until `running` is empty, then `close`.

    `readers` that are lent are left open.
    """

    def __init__(self, model: TextModel, readers: Readers, passage_tokens: int, *, lent: bool) -> None:
        self._model = model
        self._size = passage_tokens or MAX_TOKENS
        self._readers = readers
        self._lent = lent
        # one more than readers: while it takes an answer apart, no reader waits
        self._threads = ThreadPoolExecutor(readers.count + 1, thread_name_prefix="read")
        self._urgent_threads = ThreadPoolExecutor(URGENT, thread_name_prefix="read-urgent")
        self._disks = Disks()
        self._files: deque[Found] = deque()
        self._urgent: deque[Found] = deque()
        self._running: dict[Future[Taken | None], Found] = {}
        self._running_urgent: dict[Future[Taken | None], Found] = {}
        self._in_hand: set[str] = set()

    @property
    def running(self) -> set[Future[Taken | None]]:
        return {*self._running, *self._running_urgent}

    def begin(self, files: Sequence[Found]) -> None:
        """Read these, in this order."""
        self._files.extend(files)
        self._submit()

    def first(self, files: Sequence[Found]) -> None:
        """Read these before all that is not begun yet."""
        self._disks = Disks()
        self._urgent.extend(files)
        self._in_hand |= {file.path for file in files}
        self._submit()

    @property
    def has_urgent(self) -> bool:
        """Whether files given to `first` are still being read, but for those that take long."""
        return bool(self._in_hand)

    def finished(self) -> tuple[list[Taken], int]:
        """What was read since the last call, and how many files that was, those that vanished included."""
        taken: list[Taken] = []
        count = 0
        for running in (self._running, self._running_urgent):
            for future in [future for future in running if future.done()]:
                file = running.pop(future)
                self._in_hand.discard(file.path)
                try:
                    one = future.result()
                except FileTooSlow:
                    self._files.appendleft(file)
                    continue
                count += 1
                if one is not None:
                    taken.append(one)
        self._submit()
        return taken, count

    def close(self) -> None:
        """Stop; readers in the middle of a file are ended."""
        self._files.clear()
        self._urgent.clear()
        for threads in (self._threads, self._urgent_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self._readers.abandon()
        if not self._lent:
            self._readers.close()

    def _submit(self) -> None:
        while self._urgent:
            if len(self._running) < self._readers.count:
                self._begin_one(self._urgent.popleft())
            elif len(self._running_urgent) < URGENT:
                file = self._urgent.popleft()
                future = self._urgent_threads.submit(self._take, file, self._readers.urgent)
                self._running_urgent[future] = file
            else:
                return
        while self._files and len(self._running) < AHEAD * self._readers.count:
            self._begin_one(self._files.popleft())

    def _begin_one(self, file: Found) -> None:
        self._running[self._threads.submit(self._take, file, self._readers.all)] = file

    def _take(self, found: Found, pool: ReaderPool) -> Taken | None:
        """Read and cut one file; None where it vanished meanwhile. What it makes fail is its own failure.

        Raises FileTooSlow where it is to be read again among all others.
        """
        try:
            if found.unread:
                return self._refused(found, "named", found.unread)
            return self._read(found, pool)
        except FileWithheld as refused:
            return self._refused(found, "skipped", refused.what, kind="")
        except FileSkipped as refused:
            return self._refused(found, "skipped", refused.what)
        except FileTooSlow as refused:
            if pool is self._readers.urgent:
                raise
            what = f"{refused.what} {RETRIED_LATER}" if refused.by_clock else refused.what
            return self._refused(found, "failed", what, unreadable=refused.by_clock)
        except FileFailed as refused:
            if is_gone(found.path):
                return None
            unreadable = isinstance(refused, FileUnreadable)
            return self._refused(found, "failed", refused.what, unreadable=unreadable)
        except EmbedderError:
            raise
        except Exception as error:
            log.exception("%s could not be read", found.path)
            return self._refused(found, "failed", f"Reading it failed ({type(error).__name__}).")

    def _read(self, found: Found, pool: ReaderPool) -> Taken:
        read = pool.read(found.path, ChunkerSettings(self._model.counter, self._size), root=found.root)
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
            fields=document.fields,
            links=document.links,
            ctime_ns=read.ctime_ns,
            disk=self._disks.holding(found.path).number,
        )
        return Taken(record, read.passages)

    def _refused(
        self,
        found: Found,
        state: FileState,
        reason: str,
        *,
        unreadable: bool = False,
        kind: str | None = None,
    ) -> Taken:
        """A file without text. It is found by its name, unless `kind` is empty."""
        disk = self._disks.holding(found.path).number
        name = PurePath(found.path).name
        record = FileRecord(
            found.path, *Stamp.of(found.stat)[:3], state=state, reason=reason,
            ctime_ns=Stamp.of(found.stat).ctime_ns, disk=disk,
            kind=kinds.guessed(name) if kind is None else kind, title=name,
        )  # fmt: skip
        return Taken(record, (), unreadable)
