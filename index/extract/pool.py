"""Reading files in child processes that can be killed: the parent's side.

Owns the children and what they may take. Knows no format.
"""

from __future__ import annotations

import os
import pickle
import threading

from index.closing import Closing
from index.errors import FileUnreadable, ReaderKilled
from index.extract.answer import ExtractedDocument, ParsedAnswer, Refusal, parse_answer
from index.extract.child import Child
from index.extract.opening import RETRIED_LATER, open_regular_file
from index.extract.worker import ChunkerSettings, pack_request
from index.types import Stamp

HARD_SECONDS = 60.0
"""Processor time after which a child that has not answered is ended."""
MEMORY_BYTES = 450 << 20
"""Resident memory of one child."""


class ReaderPool(Closing):
    """Children that read files, started when they are needed; thread-safe.

    `read` may be called from as many threads as there are workers at once; further calls wait.
    """

    def __init__(
        self, workers: int = 2, *, seconds: float = HARD_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._seconds = seconds
        self._memory = memory_bytes
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._places = threading.BoundedSemaphore(max(1, workers))
        self._lock = threading.Lock()
        self._closed = False
        self.memory = 0
        """Resident bytes at their peak of the largest child that has answered so far."""

    def read(
        self, path: str, chunking: ChunkerSettings | None = None, *, real: str = "", page: int = 0
    ) -> ExtractedDocument:
        """The document at `path`, with its passages where `chunking` says how to cut it.

        With `page`, that page of it alone, read as a picture.

        With `real`, the real path that was judged, that one is opened, and no link on the way is followed.

        Raises FileSkipped or FileFailed with the reason: FileUnreadable where it says nothing of the
        file, FileTooSlow where the time was over. A file that changes while it is read is read
        again, up to three times in all; one whose reader is killed from outside, once.
        """
        request = pack_request(os.path.basename(path), cut=chunking is not None, page=page)  # noqa: PTH119
        killed = False
        for _ in range(3):
            with open_regular_file(path, real) as descriptor:
                before = os.fstat(descriptor)
                try:
                    answer = self._request_answer(request, descriptor, chunking)
                except ReaderKilled:
                    if killed or self._closed:
                        raise
                    killed = True
                    continue
                after = os.fstat(descriptor)
            if Stamp.of(before) == Stamp.of(after):
                if isinstance(answer, Refusal):
                    raise answer.error
                return answer.of_file(before)
        raise FileUnreadable(f"It kept changing while it was being read. {RETRIED_LATER}")

    def prepare(self, chunking: ChunkerSettings | None = None) -> None:
        """Start a child that waits for work, if none does: a start takes longer than most files."""
        with self._lock:
            ready = bool(self._idle) or self._closed
        if not ready:
            self._give(self._start_child(pickle.dumps(chunking)))

    def abandon(self) -> None:
        """Have every `read` in progress fail soon, so that the next one need not wait."""
        with self._lock:
            for child in self._busy:
                child.kill()

    def close(self) -> None:
        """End the children; a `read` in progress fails."""
        self._closed = True
        self.abandon()
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _request_answer(
        self, request: bytes, descriptor: int, chunking: ChunkerSettings | None
    ) -> ParsedAnswer | Refusal:
        packed = pickle.dumps(chunking)
        with self._places:
            child = self._take(packed)
            try:
                if not child.send(request, descriptor):
                    self._end(child)
                    child = self._start_child(packed)
                    child.send(request, descriptor)
                answer = parse_answer(child.receive(), chunking.size if chunking else None)
                self.memory = max(self.memory, answer.memory)
            except BaseException:
                self._end(child)
                raise
            self._give(child)
            return answer

    def _take(self, packed: bytes) -> Child:
        """A child that can cut in this way: it is told how at its start."""
        with self._lock:
            child = self._idle.pop() if self._idle else None
            self._busy |= {child} if child is not None else set()
        if child is not None and child.chunking != packed:
            self._end(child)
            child = None
        return child or self._start_child(packed)

    def _start_child(self, packed: bytes) -> Child:
        child = Child(self._memory, self._seconds, packed)
        with self._lock:
            self._busy.add(child)
        return child

    def _give(self, child: Child) -> None:
        with self._lock:
            if not self._closed:
                self._busy.discard(child)
                self._idle.append(child)
                return
        self._end(child)

    def _end(self, child: Child) -> None:
        with self._lock:
            self._busy.discard(child)
        child.end()
