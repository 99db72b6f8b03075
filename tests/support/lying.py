"""A cutting that stands for a reader that a file has taken over: it answers whatever it likes."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass

from index.extract.worker import ChunkerSettings
from index.types import Document, Passage


@dataclass(frozen=True, slots=True)
class Lying(ChunkerSettings):
    """Writes `answer` to the parent's socket and ends."""

    answer: bytes = b""
    dripping: bool = False
    """Goes on with a byte now and then for ever."""

    def prepare(self) -> None:
        pass

    def passages(self, document: Document, name: str) -> list[Passage]:
        channel = int(sys.argv[1])
        os.set_blocking(channel, True)
        rest = memoryview(self.answer)
        while rest:
            rest = rest[os.write(channel, rest) :]
        while self.dripping:
            os.write(channel, b" ")
            threading.Event().wait(0.05)
        os._exit(0)


@dataclass(frozen=True, slots=True)
class Spinning(ChunkerSettings):
    """Uses the processor for ever."""

    def passages(self, document: Document, name: str) -> list[Passage]:
        while True:
            pass
