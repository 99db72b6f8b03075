"""Extracts files ahead of the store: files in, records and passages out.

Owns which file goes to which reader process, and how far reading is ahead: that is bounded, so that memory
stays bounded too. A thread here only waits for a reader. A priority file never waits for a slow file: it goes
to a free reader, or to one that reads priority files only and gives each a short time. Knows nothing of the
index.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePath

from app.folders.mounts import Disks
from app.folders.roots import is_gone
from app.model import TextModel
from embedder.errors import EmbedderError
from index import kinds
from index.errors import FileFailed, FileSkipped, FileTooSlow, FileUnreadable, FileWithheld
from index.extract import ChunkerSettings, ReaderPool, picture
from index.extract.opening import RETRIED_LATER
from index.passages.chunker import MAX_TOKENS
from index.types import FileRecord, FileState, Passage, Stamp
from index.walk.walker import FoundFile

log = logging.getLogger(__name__)

AHEAD = 4
"""Files in work for each reader: enough that none is idle, few enough for memory."""
TEXTLESS = "It holds no text; it is found by its name."
PRIORITY_READERS = 3
"""Readers for priority files, started when needed: two may be busy with slow files. Each takes 25 MB."""
PRIORITY_BYTES = 1 << 20
"""A larger file is read with all others, before those that are not begun: few notes are so long."""
PRIORITY_SECONDS = 1.0
"""Seconds of processor time for a file in such a reader; a slower file is read again with all others."""


@dataclass(frozen=True, slots=True)
class ExtractedFile:
    """The record of one file and its passages; none if it was refused."""

    record: FileRecord
    passages: Sequence[Passage] = ()
    unreadable: bool = False
    """The system refused to read it, so its content is unknown."""


class ReaderPools:
    """The reader processes, started on demand: `count` for all files, more for priority files."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.all = ReaderPool(count)
        self.priority = ReaderPool(PRIORITY_READERS, seconds=PRIORITY_SECONDS)

    def abandon(self) -> None:
        """Give up the files that are being read, so that the next run does not wait for them."""
        self.all.abandon()
        self.priority.abandon()

    def close(self) -> None:
        self.all.close()
        self.priority.close()


class ExtractStage:
    """Extracts the files of one run. Call `begin`, then `finished` until `running` is empty, then `close`.

    `lent` readers stay open.
    """

    def __init__(self, model: TextModel, readers: ReaderPools, passage_tokens: int, *, lent: bool) -> None:
        self._model = model
        self._size = passage_tokens or MAX_TOKENS
        self._readers = readers
        self._lent = lent
        # one more than readers: while it takes an answer apart, no reader waits
        self._threads = ThreadPoolExecutor(readers.count + 1, thread_name_prefix="read")
        self._priority_threads = ThreadPoolExecutor(PRIORITY_READERS, thread_name_prefix="read-priority")
        self._disks = Disks()
        self._files: deque[FoundFile] = deque()
        self._priority: deque[FoundFile] = deque()
        self._running: dict[Future[ExtractedFile | None], FoundFile] = {}
        self._running_priority: dict[Future[ExtractedFile | None], FoundFile] = {}
        self._in_hand: set[str] = set()
        self._prepared = False

    @property
    def running(self) -> set[Future[ExtractedFile | None]]:
        return {*self._running, *self._running_priority}

    def begin(self, files: Sequence[FoundFile]) -> None:
        """Queue files, in this order."""
        self._files.extend(files)
        self._submit()

    def first(self, files: Sequence[FoundFile]) -> None:
        """Queue priority files before all files that are not begun; large ones use no priority reader."""
        self._disks = Disks()
        small = [file for file in files if file.stat.st_size <= PRIORITY_BYTES or file.unread]
        large = [file for file in files if file.stat.st_size > PRIORITY_BYTES and not file.unread]
        self._files.extendleft(reversed(large))
        self._priority.extend(small)
        self._in_hand |= {file.path for file in small}
        self._submit()

    @property
    def has_priority(self) -> bool:
        """Whether priority files are still being read, slow ones excepted."""
        return bool(self._in_hand)

    def finished(self) -> tuple[list[ExtractedFile], int]:
        """The files extracted since the last call, and their number with those that vanished."""
        taken: list[ExtractedFile] = []
        count = 0
        for running in (self._running, self._running_priority):
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
        """Stop, and end the readers that are in the middle of a file."""
        self._files.clear()
        self._priority.clear()
        for threads in (self._threads, self._priority_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self._readers.abandon()
        if not self._lent:
            self._readers.close()

    def _submit(self) -> None:
        while self._priority:
            if len(self._running) < self._readers.count:
                self._begin_one(self._priority.popleft())
            elif len(self._running_priority) < PRIORITY_READERS:
                file = self._priority.popleft()
                future = self._priority_threads.submit(self._take, file, self._readers.priority)
                self._running_priority[future] = file
            else:
                return
        while self._files and len(self._running) < AHEAD * self._readers.count:
            self._begin_one(self._files.popleft())

    def _prepare(self) -> None:
        """Start a priority reader, since the others may be busy for long."""
        self._readers.priority.prepare(self._chunking)

    @property
    def _chunking(self) -> ChunkerSettings:
        return ChunkerSettings(self._model.counter, self._size)

    def _begin_one(self, file: FoundFile) -> None:
        self._running[self._threads.submit(self._take, file, self._readers.all)] = file
        if file.stat.st_size > PRIORITY_BYTES and not (file.unread or self._prepared):
            self._prepared = True
            self._priority_threads.submit(self._prepare)

    def _take(self, found: FoundFile, pool: ReaderPool) -> ExtractedFile | None:
        """Extract one file; None if it vanished. A failure becomes the record of this file alone.

        Raises `FileTooSlow` if it has to be read again with all others.
        """
        try:
            if found.unread:
                return self._record_without_text(
                    found, "named", found.unread, scans=picture.pages_of(found.path)
                )
            return self._read(found, pool)
        except FileWithheld as refused:
            return self._record_without_text(found, "skipped", refused.what, kind="")
        except FileSkipped as refused:
            return self._record_without_text(found, "skipped", refused.what)
        except FileTooSlow as refused:
            if pool is self._readers.priority:
                raise
            what = f"{refused.what} {RETRIED_LATER}" if refused.by_clock else refused.what
            return self._record_without_text(found, "failed", what, unreadable=refused.by_clock)
        except FileFailed as refused:
            if is_gone(found.path):
                return None
            unreadable = isinstance(refused, FileUnreadable)
            return self._record_without_text(found, "failed", refused.what, unreadable=unreadable)
        except EmbedderError:
            raise
        except Exception as error:
            log.exception("%s could not be read", found.path)
            return self._record_without_text(found, "failed", f"Reading it failed ({type(error).__name__}).")

    def _read(self, found: FoundFile, pool: ReaderPool) -> ExtractedFile:
        read = pool.read(found.path, self._chunking, real=found.real)
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
            scans=document.scans,
            catalog=document.catalog,
            ctime_ns=read.ctime_ns,
            disk=self._disks.holding(found.path).number,
        )
        if document.scans and not read.passages:
            record = replace(record, state="named", reason=picture.SCANNED)
        elif not document.text.strip():
            record = replace(record, state="named", reason=document.note or TEXTLESS)
        return ExtractedFile(record, read.passages)

    def _record_without_text(
        self,
        found: FoundFile,
        state: FileState,
        reason: str,
        *,
        unreadable: bool = False,
        kind: str | None = None,
        scans: tuple[int, ...] = (),
    ) -> ExtractedFile:
        """The record of a file without text. Search finds it by its name, unless `kind` is empty."""
        disk = self._disks.holding(found.path).number
        name = PurePath(found.path).name
        record = FileRecord(
            found.path, *Stamp.of(found.stat)[:3], state=state, reason=reason,
            ctime_ns=Stamp.of(found.stat).ctime_ns, disk=disk,
            kind=kinds.guessed(name) if kind is None else kind, title=name, scans=scans,
        )  # fmt: skip
        return ExtractedFile(record, (), unreadable)
