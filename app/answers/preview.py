"""Present documents of indexed files, whole or in part, for previews and assistants.

Owns what may be shown: files that are indexed and that the rules would index now, with withheld text masked.
Documents are read in a child process; the last few are cached.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import accumulate

from app.api import Excerpt, OutlineEntry
from app.errors import PathInvalid
from app.sanitize import plain_path
from index import kinds
from index.extract import ReaderPool
from index.passages.withheld import mask_withheld
from index.store.scans import RecognizedPassage
from index.types import Document, FileRecord, Stamp
from index.walk.walker import FoundFile, Rules, check_path

CACHED = 4
"""Documents in the cache: as many as a preview goes back to."""
LONGEST = 1 << 18
"""Characters of the longest excerpt, whatever the caller requests."""
OUTLINE_AT_MOST = 2000
"""Entries of an outline: more than anyone scrolls through."""
BLOCK = 1 << 16
"""Characters in a block of counted lines, so that a line number needs no count from the beginning."""


class DocumentCache:
    """Reads documents and caches the last few. Safe from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._readers: ReaderPool | None = None
        self._kept: dict[tuple[str, Stamp, int], Excerpts] = {}

    def read(
        self,
        path: str,
        record: FileRecord | None,
        root: str | None,
        rules: Rules,
        recognized: Sequence[RecognizedPassage] = (),
    ) -> Excerpts:
        """The document at an absolute path.

        `record` is its record in the index, `root` its root, `recognized` the text of pictures in it, which
        takes too long to recognize again. Raises `PathInvalid` if it may not be shown, `FileSkipped` or
        `FileFailed` if it cannot be read.
        """
        found = require_shown(path, record, root, rules)
        if found.unread:
            return Excerpts(
                with_recognized(Document("", "picture", lines=()), recognized)
                if recognized
                else description(found)
            )
        key = (path, Stamp.of(found.stat), len(recognized))
        with self._guard:
            if key in self._kept:
                return self._kept[key]
            self._readers = readers = self._readers or ReaderPool(1)
        read = readers.read(path, real=found.real)
        document = Excerpts(with_recognized(mask_withheld(read.document), recognized))
        with self._guard:
            while len(self._kept) >= CACHED:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = document
        return document

    def clear(self) -> None:
        with self._guard:
            self._kept.clear()

    def close(self) -> None:
        with self._guard:
            self._kept.clear()
            if self._readers is not None:
                self._readers.close()
                self._readers = None


def require_shown(path: str, record: FileRecord | None, root: str | None, rules: Rules) -> FoundFile:
    """The file, if it is indexed and the rules would index it now; else raises `PathInvalid`."""
    shown = plain_path(path)
    if record is None or root is None:
        raise PathInvalid(f"{shown} is not in the index.", "`ken why PATH` says why.")
    if record.state not in ("indexed", "named"):
        raise PathInvalid(f"{shown} is not shown. {record.reason}", "`ken why PATH` says more.")
    verdict = check_path(path, root, rules)
    if not isinstance(verdict, FoundFile):
        raise PathInvalid(f"{shown} is not shown. {verdict.reason}", "`ken why PATH` says more.")
    if path != root and os.path.realpath(path) != path:
        raise PathInvalid(
            f"{shown} is not shown. A folder on the way to it is a link now.",
            "Index the folder at its real path: `ken index PATH`.",
        )
    return verdict


def with_recognized(document: Document, recognized: Sequence[RecognizedPassage]) -> Document:
    """The document with the passages that were recognized in pictures, each at its position."""
    if not recognized:
        return document
    text, bare = document.text, not document.text.strip()
    text = "" if bare else text
    starts: list[int] = []
    for start, page, words in recognized:
        text = text[:start].ljust(start, "\n") + words
        starts += [start] * ((page or 0) - len(starts))
    return replace(document, text=text, pages=tuple(starts) if bare else document.pages)


def description(found: FoundFile) -> Document:
    """The document shown for a file that is found only by its name: the facts on it."""
    name, folder = os.path.basename(found.path), os.path.dirname(found.path)  # noqa: PTH119, PTH120
    changed = ""
    with suppress(OverflowError, ValueError, OSError):  # a time that no calendar holds
        changed = f", changed {datetime.fromtimestamp(found.stat.st_mtime):%Y-%m-%d %H:%M}"
    facts = (plain_path(name), plain_path(folder), f"{found.stat.st_size:,} bytes{changed}")
    return Document("\n".join((*facts, "", found.unread)), kinds.guessed(name), name)


class Excerpts:
    """Cuts excerpts from one document. Shared parts are computed once: a document may have 30 MB."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._outline = outline_of(document)
        text = document.text
        blocks = (text.count("\n", start, start + BLOCK) for start in range(0, len(text), BLOCK))
        self._lines_before = [0, *accumulate(blocks)]

    def line_at(self, position: int) -> int:
        """The line of a position, from 1."""
        block = position // BLOCK
        return self._lines_before[block] + self.document.text.count("\n", block * BLOCK, position) + 1

    def _file_line(self, position: int) -> int | None:
        """The line of the file at a position; None if the format has no lines, or no line there."""
        lines = self.document.lines
        if lines is None:
            return self.line_at(position)
        at = bisect_right(lines, position, key=lambda pair: pair[0])
        return lines[max(0, at - 1)][1] if lines else None

    def cut(self, path: str, start: int, length: int) -> Excerpt:
        """The excerpt around `[start, start + length)`, in whole lines if they are short."""
        text = self.document.text
        length = max(1, min(length, LONGEST))
        first = max(0, min(start, len(text) - length))
        end = min(len(text), first + length)
        if first:
            first = max(text.rfind("\n", max(0, first - length), first) + 1, first - length)
        following = text.find("\n", end, end + length)
        end = following + 1 if following >= 0 else end
        return Excerpt(
            path=path,
            text=text[first:end],
            start=first,
            line=self.line_at(first),
            length=len(text),
            lines=self._lines_before[-1] + 1,
            kind=self.document.kind,
            language=self.document.language,
            title=self.document.title,
            pages=self.document.pages,
            outline=self._outline,
            file_line=self._file_line(first),
        )


def outline_of(document: Document) -> tuple[OutlineEntry, ...]:
    """The headings in order; the pages if the document has no headings."""
    found = [
        OutlineEntry(
            section.heading[-1], section.start, len(section.heading) - 1, _page(document, section.start)
        )
        for section in document.sections
        if section.kind == "heading" and section.heading
    ]
    if not found:
        found = [OutlineEntry(f"Page {n}", start, 0, n) for n, start in enumerate(document.pages, 1)]
    return tuple(found[:OUTLINE_AT_MOST])


def _page(document: Document, position: int) -> int | None:
    return bisect_right(document.pages, position) or None
