"""The child process that reads files: it opens nothing itself and may die at any time.

Owns the child's side of the exchange with `child`: first how to cut, then, once the process has given
up its rights, one request (a name and an open descriptor) and one answer (the document, or why there is
none) after the other. Knows nothing of the index.

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
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import PurePath
from typing import Any, get_args

from index.credentials import credentials
from index.errors import FileFailed, FileSkipped, FileWithheld
from index.extract import limits, sniff
from index.extract.confinement import confine
from index.extract.picture import read_page
from index.extract.recognizer import other_scripts, recognizer
from index.extract.source import MAX_CHARACTERS, Source, WatchedFile
from index.extract.withhold import withhold_credentials
from index.macos import fetch_nothing
from index.passages.chunker import MAX_TOKENS, chunk_document
from index.types import Document, Passage, SectionKind, TokenCounter

IDLE_SECONDS = 60.0
"""A child without work for this long ends."""
SETTINGS_HEADER = struct.Struct("!I")
"""In front of the pickled `ChunkerSettings`, the first that a child is sent: its bytes."""
ANSWER_HEADER = struct.Struct("!III")
"""In front of an answer: the bytes of its header, its numbers and its text."""
NO_LINES = -1
"""In place of a number of lines: the text is the file's own."""
SECTION_KINDS: tuple[SectionKind, ...] = get_args(SectionKind)
_REQUEST_HEADER = struct.Struct("!?I")
"""In front of a file's name: whether its passages are asked for, and which page as a picture (0: none)."""
_COLLECT_AFTER = 50_000
"""Objects made between two collections: a document is many small ones that live until it is sent."""


@dataclass(frozen=True, slots=True)
class ChunkerSettings:
    """What a child needs to cut what it reads; travels pickled, to the child only."""

    counter: Callable[[], TokenCounter]
    """Makes the token counter, once in each child."""
    size: int = MAX_TOKENS
    """Tokens of the largest passage."""
    recognizes: bool = False
    """Whether pages are asked for as pictures."""

    def prepare(self) -> None:
        """Open what counting needs: nothing can be opened once the process has given up its rights."""
        _counter(self.counter)
        if self.recognizes:
            other_scripts()

    def passages(self, document: Document, name: str) -> list[Passage]:
        return chunk_document(document, PurePath(name).stem, _counter(self.counter), size=self.size)


@lru_cache(maxsize=1)
def _counter(make: Callable[[], TokenCounter]) -> TokenCounter:
    return make()


def main(channel: str, memory_bytes: str, seconds: str) -> None:
    """Answer requests on the socket `channel` until the other side closes it or falls silent.

    Ends where one takes more than `seconds` of processor time.
    """
    limits.limit_this_process(int(memory_bytes))
    fetch_nothing()
    with socket.socket(fileno=int(channel)) as link:
        chunking, error = _prepare(link)
        confine(partial(_last_preparations, chunking, int(memory_bytes)))
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER)
        link.settimeout(IDLE_SECONDS)
        while request := _receive(link):
            name, cut, page, descriptor = request
            link.settimeout(None)
            limits.allow_processor_time(float(seconds))
            answer = _answer(name, chunking if cut else None, page, descriptor)
            link.sendall(_unreadable(error) if cut and error else answer)
            link.settimeout(IDLE_SECONDS)


def _last_preparations(chunking: ChunkerSettings | None, memory_bytes: int) -> None:
    """What starts threads: done when no file but code can be opened any more, and threads still can be."""
    if chunking is not None and chunking.recognizes:
        with suppress(RuntimeError):  # then each page fails
            recognizer()
    limits.watch_memory(memory_bytes)


def pack_request(name: str, *, cut: bool, page: int = 0) -> bytes:
    """A request, sent with the open file: its name, whether it is to be cut, which page is a picture."""
    return _REQUEST_HEADER.pack(cut, page) + name.encode("utf-8", "surrogateescape")


def _prepare(link: socket.socket) -> tuple[ChunkerSettings | None, int]:
    """How to cut, as the parent says, and the `errno` where what it needs cannot be opened."""
    (size,) = SETTINGS_HEADER.unpack(link.recv(SETTINGS_HEADER.size, socket.MSG_WAITALL))
    chunking: ChunkerSettings | None = pickle.loads(link.recv(size, socket.MSG_WAITALL))
    try:
        if chunking is not None:
            chunking.prepare()
    except OSError as error:
        return None, error.errno or errno.EIO
    except Exception:  # noqa: BLE001 (a model folder can be broken in any way, and says nothing of a file)
        return None, errno.EIO
    return chunking, 0


def _receive(link: socket.socket) -> tuple[str, bool, int, int] | None:
    try:
        data, descriptors, _, _ = socket.recv_fds(link, 65_536, 1)
    except (TimeoutError, ConnectionError):
        return None
    if not data or not descriptors:
        return None
    name = data[_REQUEST_HEADER.size :].decode("utf-8", "surrogateescape")
    return name, *_REQUEST_HEADER.unpack_from(data), descriptors[0]


def _answer(name: str, chunking: ChunkerSettings | None, page: int, descriptor: int) -> bytes:
    """The bytes that answer one request. What the system does not let be read is no fault of the file's."""
    try:
        with WatchedFile(descriptor) as file:
            answer = _read(name, chunking, page, file, os.fstat(descriptor).st_size)
            return _unreadable(file.error) if file.error else answer
    except OSError as error:
        return _unreadable(error.errno or errno.EIO)


def _read(name: str, chunking: ChunkerSettings | None, page: int, file: WatchedFile, size: int) -> bytes:
    """The bytes that answer; every way a reader can fail ends here."""
    try:
        with io.BufferedReader(file) as stream:
            source = Source(stream, name, size)
            digest = source.digest()
            document = _bound(withhold_credentials(read_page(source, page)) if page else sniff.read(source))
            return pack_answer(document, digest, chunking.passages(document, name) if chunking else None)
    except FileSkipped as error:
        state = "withheld" if isinstance(error, FileWithheld) else "skipped"
        return _refusal(state, error.what, error.fix)
    except FileFailed as error:
        return _refusal("failed", error.what, error.fix)
    except MemoryError:
        return _refusal("failed", "Reading it takes more memory than a reader may use.", "")
    except RecursionError:
        return _refusal("failed", "It is nested too deeply to be read.", "")
    except Exception as error:  # noqa: BLE001 (whatever a library raises on a broken file is its reason)
        return _refusal("failed", f"It is damaged or not what its name says ({_brief(error)}).", "")


def _sanitize_reason(words: str) -> str:
    """A reason or note without credentials: it may name parts of the file, and names may be anything."""
    for start, end in reversed(credentials(words)):
        words = words[:start] + "…" + words[end:]
    return words


def _brief(error: Exception) -> str:
    """The kind of an error and its place: its words may quote the file."""
    places = (("line", getattr(error, "lineno", None)), ("position", getattr(error, "start", None)))
    place = next((f" in {name} {number}" for name, number in places if type(number) is int), "")
    return type(error).__name__ + place


def _bound(document: Document) -> Document:
    if len(document.text) <= MAX_CHARACTERS:
        return document
    note = f"Only the first {MAX_CHARACTERS >> 20} million characters are read."
    notes = document.note if note in document.note else f"{document.note} {note}".strip()
    withheld = tuple(
        (start, min(end, MAX_CHARACTERS)) for start, end in document.withheld if start < MAX_CHARACTERS
    )
    lines = document.lines and tuple(pair for pair in document.lines if pair[0] < MAX_CHARACTERS)
    return replace(document, text=document.text[:MAX_CHARACTERS], note=notes, lines=lines, withheld=withheld)


def pack_answer(document: Document, digest: bytes, passages: Sequence[Passage] | None = None) -> bytes:
    """A document as it travels, with its passages or else its sections, each heading once."""
    headings: dict[tuple[str, ...], int] = {}
    numbers = array("I")
    if passages is None:
        for start, end, kind, heading in document.sections:
            numbers.extend(
                (start, end, SECTION_KINDS.index(kind), headings.setdefault(heading, len(headings)))
            )
    else:
        for p in passages:
            heading_number = headings.setdefault(p.heading, len(headings))
            numbers.extend((p.start, p.end, p.line, heading_number, p.page or 0, p.tokens, len(p.places)))
        for p in passages:
            for place in p.places:
                heading_number = headings.setdefault(place.heading, len(headings))
                numbers.extend((place.offset, place.line, place.counted, place.page or 0, heading_number))
    for position, line in document.lines or ():
        numbers.extend((position, line))
    header = {
        "hash": digest.hex(),
        "kind": document.kind,
        "title": document.title,
        "passage_title": passages[0].title if passages else "",
        "language": document.language,
        "note": _sanitize_reason(document.note),
        "headings": list(headings),
        "cut": passages is not None,
        "parts": len(document.sections if passages is None else passages),
        "lines": NO_LINES if document.lines is None else len(document.lines),
        "pages": document.pages,
        "withheld": document.withheld,
        "fields": document.fields,
        "links": document.links,
        "scans": document.scans,
        "catalog": document.catalog,
    }
    return _frame(header, numbers.tobytes(), document.text)


def _unreadable(error: int) -> bytes:
    return _frame({"refused": "unreadable", "errno": error})


def _refusal(state: str, what: str, fix: str) -> bytes:
    return _frame({"refused": state, "what": _sanitize_reason(what), "fix": fix})


def _frame(header: dict[str, Any], numbers: bytes = b"", text: str = "") -> bytes:
    header["memory"] = limits.own_peak_memory()
    head = json.dumps(header, separators=(",", ":")).encode("ascii")
    body = text.encode("utf-8", "surrogatepass")
    return b"".join((ANSWER_HEADER.pack(len(head), len(numbers), len(body)), head, numbers, body))
