"""Pages read as pictures, one at a time, when nothing else is to be done: text always goes first.

A process of its own reads, with more memory and time than those that read text. Each page is stored as soon
as it is read, so that stopped work continues with the next page.
"""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from app.folders.pictures import left_out
from app.folders.roots import RootSet
from app.model import TextModel
from embedder.errors import EmbedderError
from index.errors import FileFailed, FileSkipped, FileTooSlow, FileUnreadable
from index.extract import ChunkerSettings, ReaderPool, recognizer
from index.store import scans
from index.store.store import Store
from index.types import FileRecord, Passage
from index.walk.walker import FoundFile, Rules, check_path

log = logging.getLogger(__name__)

SECONDS = 120.0
"""Processor time for one page, after which it is given up: ten times what a full page takes."""
MEMORY_BYTES = 1_300 << 20
"""Memory of the process that reads pictures: RapidOCR needs 700 MB for a page of 2,000 pixels."""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page as it was read. `record` is of the file; None where there is nothing to store."""

    path: str
    page: int
    record: FileRecord | None
    passages: tuple[Passage, ...] = ()
    reason: str = ""
    """Why it could not be read, for good."""


class Recognizing:
    """The pages of one run. `begin_next` while nothing else is done, `finished` until `running` is empty."""

    def __init__(self, store: Store, model: TextModel, rules: Rules, passage_tokens: int) -> None:
        self._store = store
        self._rules = rules
        self._model = model
        self._size = passage_tokens
        self._pages: deque[tuple[str, int]] | None = None
        self._tried: set[tuple[str, int]] = set()
        self._pool: ReaderPool | None = None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="recognize")
        self.running: set[Future[ReadPage]] = set()

    def begin_next(self) -> bool:
        """Have the next page read; False where none waits, or pictures are not read here."""
        if not recognizer.is_installed():
            return False
        if not self._pages:
            waiting = [one for one in scans.waiting(self._store) if one not in self._tried]
            self._pages = deque(one for one in waiting if not left_out(one[0], self._rules, self._roots()))
        if not self._pages:
            return False
        path, page = self._pages.popleft()
        self._tried.add((path, page))
        self.running.add(self._threads.submit(self._read, path, page))
        return True

    def finished(self) -> list[tuple[str, int]]:
        """Store what was read; paths, and how many texts lack a vector by each."""
        done = {future for future in self.running if future.done()}
        self.running -= done
        return [(read.path, self._put(read)) for read in (future.result() for future in done)]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._pool is not None:
            self._pool.close()

    def _roots(self) -> RootSet:
        return RootSet(self._store.roots())

    def _put(self, read: ReadPage) -> int:
        if read.record is not None:
            return scans.put_page(self._store, read.record, read.page, read.passages)
        if read.reason:
            scans.give_up(self._store, read.path, read.page, read.reason)
        return 0

    def _read(self, path: str, page: int) -> ReadPage:
        root = self._roots().root_of(path)
        found = check_path(path, root, self._rules) if root is not None else None
        if not isinstance(found, FoundFile):
            return ReadPage(path, page, None)
        if self._pool is None:
            self._pool = ReaderPool(1, seconds=SECONDS, memory_bytes=MEMORY_BYTES)
        try:
            chunking = ChunkerSettings(self._model.counter, self._size, recognizes=True)
            read = self._pool.read(path, chunking, real=found.real, page=page)
        except FileUnreadable:
            return ReadPage(path, page, None)
        except FileTooSlow as error:
            return ReadPage(path, page, None, reason="" if error.by_clock else error.what)
        except (FileSkipped, FileFailed) as error:
            return ReadPage(path, page, None, reason=error.what)
        except EmbedderError:
            raise
        except Exception as error:
            log.exception("page %d of %s could not be read", page, path)
            return ReadPage(path, page, None, reason=f"Reading it failed ({type(error).__name__}).")
        document = read.document
        record = FileRecord(
            path, read.inode, read.size, read.mtime_ns, read.hash, kind=document.kind, fields=document.fields
        )
        return ReadPage(path, page, record, read.passages)
