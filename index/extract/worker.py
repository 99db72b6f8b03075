"""The child process that reads files: it opens nothing itself and may die at any time.

Owns the child's side of the exchange with `pool`: one request (a name, limits and an open
descriptor), one answer (the document, or why there is none). Knows nothing of the index.

An answer is a header in JSON and the text in UTF-8, each preceded by its length in 4 bytes; JSON
because what comes out of a process that has met a hostile file must not be able to do anything.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from typing import Any

from index.errors import FileFailed, FileSkipped
from index.extract import platform, recognise
from index.extract.source import MAX_TEXT, Source
from index.types import Document

IDLE_SECONDS = 60.0
"""A child without work for this long ends."""
LENGTHS = struct.Struct("!II")


def main(channel: int, memory_bytes: int) -> None:
    """Answer requests on the socket `channel` until the other side closes it or falls silent."""
    platform.limit_this_process(memory_bytes)
    with socket.socket(fileno=channel) as link:
        link.settimeout(IDLE_SECONDS)
        while request := _receive(link):
            link.settimeout(None)
            name, descriptor = request
            link.sendall(_answer(name, descriptor))
            link.settimeout(IDLE_SECONDS)


def _receive(link: socket.socket) -> tuple[str, int] | None:
    try:
        data, descriptors, _, _ = socket.recv_fds(link, 65_536, 1)
    except (TimeoutError, ConnectionError):
        return None
    if not data or not descriptors:
        return None
    return os.fsdecode(data), descriptors[0]


def _answer(name: str, descriptor: int) -> bytes:
    """The bytes that answer one request; every way a reader can fail ends here."""
    try:
        with os.fdopen(descriptor, "rb") as stream:
            source = Source(stream, name, os.fstat(descriptor).st_size)
            digest = source.digest()
            return pack(recognise.read(source), digest)
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


def pack(document: Document, digest: bytes) -> bytes:
    """A document as it travels: headings once each, sections as numbers."""
    kinds: dict[str, int] = {}
    headings: dict[tuple[str, ...], int] = {}
    sections = [
        number
        for s in document.sections
        for number in (
            s.start,
            s.end,
            kinds.setdefault(s.kind, len(kinds)),
            headings.setdefault(s.heading, len(headings)),
        )
    ]
    text = document.text
    note = document.note
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
        note = f"{note} Only its first {MAX_TEXT >> 20} million characters are read.".strip()
    return _frame(
        {
            "hash": digest.hex(),
            "memory": platform.own_peak_memory(),
            "kind": document.kind,
            "title": document.title,
            "language": document.language,
            "note": note,
            "kinds": list(kinds),
            "headings": list(headings),
            "sections": sections,
            "pages": document.pages,
            "withheld": document.withheld,
        },
        text,
    )


def _refusal(state: str, what: str, fix: str) -> bytes:
    return _frame({"refused": state, "what": what, "fix": fix}, "")


def _frame(header: dict[str, Any], text: str) -> bytes:
    head = json.dumps(header, separators=(",", ":")).encode("ascii")
    body = text.encode("utf-8", "surrogatepass")
    return LENGTHS.pack(len(head), len(body)) + head + body


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
