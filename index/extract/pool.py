"""Reading files in child processes that can be killed: the parent's side.

Owns the children and what they may take. Knows no format.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from index.errors import FileFailed, FileSkipped, FileTooSlow, FileUnreadable
from index.extract import limits
from index.extract.opening import AGAIN, failure, opened
from index.extract.source import MAX_TEXT
from index.extract.worker import KINDS, LENGTHS, Cutting, asked
from index.types import UNKNOWN, Document, Passage, Section, Stamp, int64

HARD_SECONDS = 60.0
"""Processor time after which a child that has not answered is ended."""
_PATIENCE = 5
"""It is given so many times as long by the clock, for the processor may be busy with other work."""
END_SECONDS = 2.0
"""A killed process that has not ended by then waits for a disk or a server: it is left to the system."""
MEMORY_BYTES = 450 << 20
"""Resident memory of one child."""
_MOST_HEADER = 64 << 20
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; sys.path.append(sys.argv[4]); from index.extract.worker import main; "
    "main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))"
)


_Answer = tuple[dict[str, Any], "array[int]", str]
"""Header, numbers and text, as `worker.pack` makes them."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A document, and the file it was read from as it stood then."""

    document: Document
    """Without its sections where it was cut."""
    passages: tuple[Passage, ...]
    hash: bytes
    """BLAKE2b of the content, 16 bytes."""
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int = UNKNOWN


class ReaderPool:
    """Children that read files, started when they are needed; thread-safe.

    `read` may be called from as many threads as there are workers at once; further calls wait.
    """

    def __init__(
        self, workers: int = 2, *, seconds: float = HARD_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._seconds = seconds
        self._memory = memory_bytes
        self._idle: list[_Child] = []
        self._places = threading.BoundedSemaphore(max(1, workers))
        self._lock = threading.Lock()
        self._closed = False
        self.memory = 0
        """Resident bytes at their peak of the largest child that has answered so far."""

    def read(self, path: str, cutting: Cutting | None = None) -> ReadFile:
        """The document at `path`, with its passages where `cutting` says how to cut it.

        Raises FileSkipped or FileFailed with the reason: FileUnreadable where it says nothing of the
        file, FileTooSlow where the time was over. A file that changes while it is read is read
        again, up to three times in all.
        """
        request = asked(os.fsencode(os.path.basename(path)), cutting)  # noqa: PTH119
        for _ in range(3):
            with opened(path) as descriptor:
                before = os.fstat(descriptor)
                answer = self._ask(request, descriptor)
                after = os.fstat(descriptor)
            if Stamp.of(before) == Stamp.of(after):
                return _read_file(*answer, before)
        raise FileUnreadable(f"It kept changing while it was being read. {AGAIN}")

    def close(self) -> None:
        """End the children; a `read` in progress fails."""
        self._closed = True
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: bytes, descriptor: int) -> _Answer:
        with self._places:
            child = self._take()
            try:
                if not child.send(request, descriptor):
                    child.end()
                    child = _Child(self._memory, self._seconds)
                    child.send(request, descriptor)
                answer = child.receive()
                self.memory = max(self.memory, int(answer[0]["memory"]))
            except BaseException:
                child.end()
                raise
            self._give(child)
            return answer

    def _take(self) -> _Child:
        with self._lock:
            return self._idle.pop() if self._idle else _Child(self._memory, self._seconds)

    def _give(self, child: _Child) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(child)
                return
        child.end()


class _Child:
    """One reading process and the socket it answers on."""

    def __init__(self, memory_bytes: int, seconds: float) -> None:
        self._seconds = seconds
        here, there = socket.socketpair()
        with there:
            limits = (str(there.fileno()), str(memory_bytes), str(seconds))
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, *limits, _ROOT],
                pass_fds=(there.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread of it takes address space
            )
        self._link = here

    def send(self, request: bytes, descriptor: int) -> bool:
        """Hand over an open file; False where the child has ended for want of work."""
        if self._process.poll() is not None:
            return False
        try:
            socket.send_fds(self._link, [request], [descriptor])
        except (BrokenPipeError, ConnectionError):
            return False
        return True

    def receive(self) -> _Answer:
        """The answer to what was sent; raises FileFailed where none comes."""
        self._link.settimeout(_PATIENCE * self._seconds)
        try:
            head, numbers, body = LENGTHS.unpack(self._exactly(LENGTHS.size))
            if max(head, numbers) > _MOST_HEADER or body > 4 * MAX_TEXT:
                raise FileFailed("Reading it gave more than may be taken from one file.")
            header = json.loads(self._exactly(head))
            found = array("I", bytes(self._exactly(numbers)))
            return header, found, self._exactly(body).decode("utf-8", "surrogatepass")
        except TimeoutError:
            raise FileTooSlow(self._too_long, by_clock=True) from None
        except (ConnectionError, EOFError):
            raise self._why_it_ended() from None

    def end(self) -> None:
        """Kill the process and collect it."""
        self._link.close()
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)

    def _exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            got = self._link.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return data

    @property
    def _too_long(self) -> str:
        return f"Reading it took more than {self._seconds:.0f} seconds."

    def _why_it_ended(self) -> FileFailed:
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            status = 0
        if status == -signal.SIGXCPU:
            return FileTooSlow(self._too_long)
        if status == -signal.SIGABRT:  # what Rust and C++ do where there is no memory for what they ask
            why = "It asks for more memory than a reader may use, or is damaged so that the reader gave up."
        elif status == limits.OUT_OF_MEMORY:
            why = "Reading it takes more memory than a reader may use."
        else:
            why = "It made the reader crash, so it is damaged in a way that is not understood."
        return FileFailed(why)


def _read_file(header: dict[str, Any], numbers: array[int], text: str, status: os.stat_result) -> ReadFile:
    if header.get("refused") == "unreadable":
        raise failure(int(header["errno"]))
    if "refused" in header:
        kind = FileSkipped if header["refused"] == "skipped" else FileFailed
        raise kind(header["what"], header["fix"])
    headings = [tuple(path) for path in header["headings"]]
    sections: tuple[Section, ...] = ()
    passages: tuple[Passage, ...] = ()
    if header["cut"]:
        title = header["passage_title"]
        passages = tuple(
            Passage(text[start:end], start, end, line, title, headings[heading], page or None, tokens)
            for start, end, line, heading, page, tokens in _rows(numbers, 6)
        )
    else:
        sections = tuple(
            Section(start, end, KINDS[kind], headings[heading])
            for start, end, kind, heading in _rows(numbers, 4)
        )
    document = Document(
        text,
        header["kind"],
        header["title"],
        header["language"],
        sections,
        tuple(header["pages"]),
        header["note"],
        tuple((start, end) for start, end in header["withheld"]),
    )
    return ReadFile(
        document,
        passages,
        bytes.fromhex(header["hash"]),
        status.st_size,
        int64(status.st_mtime_ns),
        status.st_ino,
        int64(status.st_ctime_ns),
    )


def _rows(numbers: array[int], width: int) -> Iterator[tuple[int, ...]]:
    return zip(*[iter(numbers)] * width, strict=True)
