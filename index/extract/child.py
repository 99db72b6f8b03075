"""One reading process as its parent holds it: started, asked, waited for within limits, ended.

Owns the process and the parent's end of its socket; `worker` is the other end. Knows nothing of paths.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from index.errors import FileFailed, FileTooSlow, ReaderKilled
from index.extract import limits
from index.extract.answer import MAX_HEADER_BYTES, MAX_NUMBERS_BYTES, MAX_TEXT_BYTES, PackedAnswer
from index.extract.opening import RETRIED_LATER
from index.extract.worker import ANSWER_HEADER, SETTINGS_HEADER

_PATIENCE = 5
"""It has so many times its processor time by the clock, for the processor may be busy with other work."""
END_SECONDS = 2.0
"""A killed process that has not ended by then waits for a disk or a server: it is left to the system."""
ENOUGH = "Where the machine has too little memory for it, exclude it."
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; sys.path.insert(0, {root!r}); from index.extract.{module} import main; main(*sys.argv[1:])"
)
_PASSED_ON = ("PYTHONPATH", "LD_LIBRARY_PATH")
"""All of the environment that a reader sees: where its code is. Keys and tokens stay with the parent."""


def command(module: str, *arguments: str) -> list[str]:
    """What runs `main` of a module of this package in a process of its own."""
    quiet = ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, "-P", *quiet, "-c", _START.format(root=_ROOT, module=module), *arguments]


def reader_environment() -> dict[str, str]:
    """The environment of a process that reads."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


class Child:
    """One reading process and the socket it answers on."""

    def __init__(self, memory_bytes: int, seconds: float, packed: bytes) -> None:
        self._seconds = seconds
        self._abandoned = False
        self.chunking = packed
        """How it can cut: it opens what it needs for that at its start, and nothing later."""
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                command("worker", str(there.fileno()), str(memory_bytes), str(seconds)),
                pass_fds=(there.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=reader_environment(),
            )
        self._link = here
        with contextlib.suppress(ConnectionError):
            here.sendall(SETTINGS_HEADER.pack(len(packed)) + packed)

    def send(self, request: bytes, descriptor: int) -> bool:
        """Hand over an open file; False where the child has ended for want of work."""
        if self._process.poll() is not None:
            return False
        try:
            socket.send_fds(self._link, [request], [descriptor])
        except (BrokenPipeError, ConnectionError):
            return False
        return True

    def receive(self) -> PackedAnswer:
        """The answer to what was sent; raises FileFailed where none comes."""
        end = time.monotonic() + _PATIENCE * self._seconds
        try:
            header, numbers, body = ANSWER_HEADER.unpack(self._exactly(ANSWER_HEADER.size, end))
            if header > MAX_HEADER_BYTES or numbers > MAX_NUMBERS_BYTES or body > MAX_TEXT_BYTES:
                raise FileFailed("Reading it gave more than may be taken from one file.")
            return PackedAnswer(*(self._exactly(size, end) for size in (header, numbers, body)))
        except TimeoutError:
            raise FileTooSlow(self._too_long, by_clock=True) from None
        except (ConnectionError, EOFError):
            raise self._why_it_ended() from None

    def kill(self) -> None:
        """End the process; whoever waits for its answer collects it."""
        self._abandoned = True
        self._process.kill()

    def end(self) -> None:
        """Kill the process and collect it; one that even so does not end is left behind."""
        self._link.close()
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)

    def _exactly(self, size: int, end: float) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._link.settimeout(max(0.001, end - time.monotonic()))
            got = self._link.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return bytes(data)

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
        if status in (-signal.SIGKILL, -signal.SIGTERM) and not self._abandoned:
            name = signal.Signals(-status).name
            return ReaderKilled(f"The process that read it was killed ({name}). {RETRIED_LATER}", ENOUGH)
        if status == -signal.SIGABRT:  # what Rust and C++ do where there is no memory for what they ask
            why = "It asks for more memory than a reader may use, or is damaged so that the reader gave up."
        elif status == limits.OUT_OF_MEMORY:
            why = "Reading it takes more memory than a reader may use."
        else:
            why = "It made the reader crash, so it is damaged in a way that is not understood."
        return FileFailed(why)
