"""What the index takes and gives: documents, passages, files, filters and hits.

Plain immutable data; nothing here opens a file or a database. Positions are Unicode code points of
`Document.text`; lines and pages count from 1; times are nanoseconds since the epoch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Tokens of each text, without `<bos>`, `<eos>` and prompt."""

Mode = Literal["hybrid", "meaning", "words"]
FileState = Literal["indexed", "skipped", "failed"]
SectionKind = Literal["heading", "prose", "list", "table", "row", "code", "slide", "message", "data"]

HEADING_SEPARATOR = " › "


class Section(NamedTuple):
    """A structural unit of a document: the text between two positions, never cut unless it must be.

    `heading` is the path of headings above it, outermost first; a heading's own line is a section
    of kind "heading" whose path ends with itself.
    """

    start: int
    end: int
    kind: SectionKind = "prose"
    heading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file's text and structure as an extractor read it.

    `pages` holds the position at which each page begins (empty where the format has none).
    `kind` is the family a person would name ("markdown", "pdf", "code", "text", ...), `language`
    the programming language of code. `title` is empty where the document states none.
    """

    text: str
    kind: str
    title: str = ""
    language: str = ""
    sections: tuple[Section, ...] = ()
    pages: tuple[int, ...] = ()
    note: str = ""
    """What was left out on purpose, for the problems list ("pages 501 to 900 not read")."""
    withheld: tuple[tuple[int, int], ...] = ()
    """Spans that hold a credential: the text around them is never cut into a passage."""


class Passage(NamedTuple):
    """A piece of a document that is embedded and found as one: `document.text[start:end]`."""

    text: str
    start: int
    end: int
    line: int
    title: str
    """The document's title, or the file's name where it states none."""
    heading: tuple[str, ...] = ()
    page: int | None = None
    tokens: int = 0

    @property
    def prompt_title(self) -> str:
        """The title of the document prompt: title and headings, a repeated title left out."""
        parts = [self.title, *self.heading]
        kept = [part for i, part in enumerate(parts) if part and (i == 0 or part != parts[i - 1])]
        return HEADING_SEPARATOR.join(kept)

    @property
    def key(self) -> bytes:
        """16 bytes that are equal exactly where what is embedded is equal."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.prompt_title.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
        digest.update(self.text.encode("utf-8", "surrogatepass"))
        return digest.digest()


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the index remembers of a file: identity, content and what became of it.

    `path` is absolute, as the operating system's bytes decode with `os.fsdecode` (surrogate escapes
    kept). `hash` is the content's BLAKE2b (16 bytes), empty where the file was not read.
    """

    path: str
    inode: int
    size: int
    mtime_ns: int
    hash: bytes = b""
    state: FileState = "indexed"
    reason: str = ""
    kind: str = ""
    language: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search is narrowed to; an empty field does not narrow.

    `kinds` and `suffixes` are one condition: files of any of the kinds, or with any of the suffixes.

    `folders` are absolute prefixes, or the name (or last parts of the path) of folders wherever they
    lie, case ignored; `kinds` and `languages` as in `Document`, `globs` match the
    absolute path, `heading` is a part of the heading path (case-insensitive), times are mtimes.
    """

    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    heading: str = ""
    since_ns: int | None = None
    before_ns: int | None = None
    min_size: int | None = None
    max_size: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage that answers, and where it stands.

    `similarity` is the cosine between question and passage (None where no vector was asked for),
    `score` the number hits are ordered by, in 0..1. `more` holds further passages of the same file.
    """

    path: str
    title: str
    heading: tuple[str, ...]
    page: int | None
    line: int
    start: int
    end: int
    text: str
    snippet: str
    score: float
    similarity: float | None
    words: float | None
    """The lexical part, 0..1; None where no word of the question occurs."""
    modified_ns: int
    size: int
    inode: int
    kind: str
    language: str = ""
    matched: tuple[tuple[int, int], ...] = ()
    """Spans of `snippet` in which words of the question occur."""
    more: tuple[Hit, ...] = ()
    explain: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to one question: hits, best first, and whether anything is close at all."""

    hits: tuple[Hit, ...]
    close: bool
    """False: the index holds nothing close to the question; `hits` are then merely the nearest."""
    confidence: float = 0.0
    """How sure, 0..1, calibrated against the index's own background."""
