"""The child process that reads files: it opens nothing itself and may die at any time.

Owns the child's side of the exchange with `pool`: one request (a name, limits and an open
descriptor), one answer (the document, or why there is none). Knows nothing of the index.

An answer is a header in JSON and the text in UTF-8, each preceded by its length in 4 bytes; JSON
because what comes out of a process that has met a hostile file must not be able to do anything.
"""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import pickle
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from typing import Any, get_args

from index.errors import FileFailed, FileSkipped
from index.extract import limits, sniff
from index.extract.source import MAX_TEXT, Source, WatchedFile
from index.passages.chunker import SIZE, cut
from index.types import Document, Passage, SectionKind, TokenCounter

IDLE_SECONDS = 60.0
"""A child without work for this long ends."""
LENGTHS = struct.Struct("!III")
"""In front of an answer: the bytes of its header, its numbers and its text."""
KINDS: tuple[SectionKind, ...] = get_args(SectionKind)
_NAME = struct.Struct("!H")
_COLLECT_AFTER = 50_000
"""Objects made between two collections: a document is many small ones that live until it is sent."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """What a child needs to cut what it reads; travels pickled, to the child only."""

    counter: Callable[[], TokenCounter]
    """Makes the token counter, once in each child."""
    size: int = SIZE
    """Tokens of the largest passage."""

    def passages(self, document: Document, name: str) -> list[Passage]:
        return cut(document, PurePath(name).stem, _counter(self.counter), size=self.size)


@lru_cache(maxsize=1)
def _counter(make: Callable[[], TokenCounter]) -> TokenCounter:
    return make()


@lru_cache(maxsize=1)
def _cutting(packed: bytes) -> Cutting | None:
    cutting: Cutting | None = pickle.loads(packed)
    return cutting


def main(channel: int, memory_bytes: int, seconds: float) -> None:
    """Answer requests on the socket `channel` until the other side closes it or falls silent.

    Ends where one takes more than `seconds` of processor time.
    """
    limits.limit_this_process(memory_bytes)
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    with socket.socket(fileno=channel) as link:
        link.settimeout(IDLE_SECONDS)
        while request := _receive(link):
            link.settimeout(None)
            limits.allow_processor_time(seconds)
            link.sendall(_answer(*request))
            link.settimeout(IDLE_SECONDS)


def asked(name: bytes, cutting: Cutting | None) -> bytes:
    """A request, sent with the open file: its name, and how it is to be cut, if it is."""
    return _NAME.pack(len(name)) + name + pickle.dumps(cutting)


def _receive(link: socket.socket) -> tuple[str, Cutting | None, int] | None:
    try:
        data, descriptors, _, _ = socket.recv_fds(link, 65_536, 1)
    except (TimeoutError, ConnectionError):
        return None
    if not data or not descriptors:
        return None
    end = _NAME.size + _NAME.unpack_from(data)[0]
    return os.fsdecode(data[_NAME.size : end]), _cutting(data[end:]), descriptors[0]


def _answer(name: str, cutting: Cutting | None, descriptor: int) -> bytes:
    """The bytes that answer one request. What the system does not let be read is no fault of the file's."""
    try:
        with WatchedFile(descriptor) as file:
            answer = _read(name, cutting, file, os.fstat(descriptor).st_size)
            return _unreadable(file.error) if file.error else answer
    except OSError as error:
        return _unreadable(error.errno or errno.EIO)


def _read(name: str, cutting: Cutting | None, file: WatchedFile, size: int) -> bytes:
    """The bytes that answer; every way a reader can fail ends here."""
    try:
        with io.BufferedReader(file) as stream:
            source = Source(stream, name, size)
            digest = source.digest()
            document = _bounded(sniff.read(source))
            return pack(document, digest, cutting.passages(document, name) if cutting else None)
    except FileSkipped as error:
        return _refusal("skipped", error.what, error.fix)
    except FileFailed as error:
        return _refusal("failed", error.what, error.fix)
    except MemoryError:
        return _refusal("failed", "Reading it takes more memory than a reader may use.", "")
    except RecursionError:
        return _refusal("failed", "It is nested too deeply to be read.", "")
    except Exception as error:  # noqa: BLE001 (whatever a library raises on a broken file is its reason)
        return _refusal("failed", f"It is damaged or not what its name says ({_brief(error)}).", "")


def _brief(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:160]}" if words else type(error).__name__


def _bounded(document: Document) -> Document:
    if len(document.text) <= MAX_TEXT:
        return document
    note = f"Only the first {MAX_TEXT >> 20} million characters are read."
    notes = document.note if note in document.note else f"{document.note} {note}".strip()
    return replace(document, text=document.text[:MAX_TEXT], note=notes)


def pack(document: Document, digest: bytes, passages: Sequence[Passage] | None = None) -> bytes:
    """A document as it travels, with its passages or else its sections, each heading once."""
    headings: dict[tuple[str, ...], int] = {}
    numbers = array("I")
    if passages is None:
        for start, end, kind, heading in document.sections:
            numbers.extend((start, end, KINDS.index(kind), headings.setdefault(heading, len(headings))))
    else:
        for p in passages:
            heading_number = headings.setdefault(p.heading, len(headings))
            numbers.extend((p.start, p.end, p.line, heading_number, p.page or 0, p.tokens))
    header = {
        "hash": digest.hex(),
        "kind": document.kind,
        "title": document.title,
        "passage_title": passages[0].title if passages else "",
        "language": document.language,
        "note": document.note,
        "headings": list(headings),
        "cut": passages is not None,
        "pages": document.pages,
        "withheld": document.withheld,
    }
    return _frame(header, numbers.tobytes(), document.text)


def _unreadable(error: int) -> bytes:
    return _frame({"refused": "unreadable", "errno": error})


def _refusal(state: str, what: str, fix: str) -> bytes:
    return _frame({"refused": state, "what": what, "fix": fix})


def _frame(header: dict[str, Any], numbers: bytes = b"", text: str = "") -> bytes:
    header["memory"] = limits.own_peak_memory()
    head = json.dumps(header, separators=(",", ":")).encode("ascii")
    body = text.encode("utf-8", "surrogatepass")
    return b"".join((LENGTHS.pack(len(head), len(numbers), len(body)), head, numbers, body))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
