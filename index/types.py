"""The records of the index: documents, passages, files, filters and hits.

Plain immutable data; nothing here opens a file or a database. Positions are Unicode code points of
`Document.text`; lines and pages count from 1; times are nanoseconds since the epoch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Tokens of each text, without `<bos>`, `<eos>` and prompt."""

Sort = Literal["score", "date"]
Mode = Literal["hybrid", "meaning", "words"]
FileState = Literal["indexed", "named", "skipped", "failed"]
SectionKind = Literal["heading", "prose", "list", "table", "row", "code", "slide", "message", "data"]

HEADING_SEPARATOR = " › "


class Section(NamedTuple):
    """A structural unit of a document: the text between two positions. It is divided only where it is too
    large.

    `heading` is the path of headings above it, outermost first; a heading's own line is a section
    of kind "heading" whose path ends with itself.
    """

    start: int
    end: int
    kind: SectionKind = "prose"
    heading: tuple[str, ...] = ()


class Place(NamedTuple):
    """The position in its file of a stretch of text, from `offset` to the next place."""

    offset: int
    """Characters from the beginning of the passage."""
    line: int
    """Line of the file, from 1; 0 where there is none."""
    counted: bool
    """Whether the line ends that follow are line ends of the file."""
    page: int | None
    heading: tuple[str, ...]


class CatalogEntry(NamedTuple):
    """What a document says of another file."""

    path: str
    """The other file, relative to the folder of the document."""
    fields: tuple[tuple[str, str], ...]
    """As in `Document`; "title" and "alias" are names of the file."""


@dataclass(frozen=True, slots=True)
class Document:
    """The text and structure of one file, as a reader extracted them.

    `pages` holds the position at which each page begins (empty where the format has none).
    `kind` is a name of `index.kinds` ("markdown", "pdf", "code", "text", ...), `language` the programming
    language of code. `title` is empty where the document states none.
    """

    text: str
    kind: str
    title: str = ""
    language: str = ""
    sections: tuple[Section, ...] = ()
    pages: tuple[int, ...] = ()
    note: str = ""
    """The parts that were left out on purpose, for the problems list ("pages 501 to 900 not read")."""
    lines: tuple[tuple[int, int], ...] | None = None
    """None where the lines of the text are the lines of the file. Otherwise the positions at which a line of
    the file begins, each with the number of that line; empty where the format has no lines."""
    withheld: tuple[tuple[int, int], ...] = ()
    """Spans that hold a credential: no passage contains text around them."""
    fields: tuple[tuple[str, str], ...] = ()
    """Metadata of the document, by name: `("tag", "tides")`, `("author", "A. Name")`, ..."""
    links: tuple[str, ...] = ()
    """Names or relative paths of the documents that it links to, as written."""
    scans: tuple[int, ...] = ()
    """Pages without a text layer, from 1."""
    catalog: tuple[CatalogEntry, ...] = ()
    """What it says of files beside it."""


class Passage(NamedTuple):
    """The unit that is embedded and found: `document.text[start:end]`."""

    text: str
    start: int
    end: int
    line: int
    """Line of the file on which it begins, from 1; 0 where the format has no lines."""
    title: str
    """The document's title, or the file's name where it states none."""
    heading: tuple[str, ...] = ()
    page: int | None = None
    tokens: int = 0
    places: tuple[Place, ...] = ()
    """The places of the parts of the passage, in order; empty where `line`, `page` and `heading` cover
    all."""

    @property
    def prompt_title(self) -> str:
        """The title of the document prompt: title and headings, without a repeated title."""
        parts = [self.title, *self.heading]
        kept = [part for i, part in enumerate(parts) if part and (i == 0 or part != parts[i - 1])]
        return HEADING_SEPARATOR.join(kept)

    @property
    def key(self) -> bytes:
        """16 bytes, equal for two passages exactly where the same text is embedded under the same title."""
        import hashlib  # a front that only asks never makes a key

        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.prompt_title.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
        digest.update(self.text.encode("utf-8", "surrogatepass"))
        return digest.digest()


UNKNOWN_CTIME = -1
"""The ctime of a file of which the index knows none: files are then compared without it."""
READ_AGAIN_CTIME = -2
"""A ctime that no file has: the file counts as changed until it has been read."""


class Stamp(NamedTuple):
    """The facts by which a file counts as unchanged without being read.

    Writing a file in place and resetting its mtime still changes `ctime_ns`, which only the kernel sets (man
    2 stat: last status change). New permissions, links and names change it too; the hash of the content then
    decides whether the content changed.
    """

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int = UNKNOWN_CTIME

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        return cls(stat.st_ino, stat.st_size, clamp_int64(stat.st_mtime_ns), clamp_int64(stat.st_ctime_ns))

    def same(self, now: Stamp) -> bool:
        """Whether a file with this stamp in the index is unchanged if its stamp on the disk is `now`."""
        return self[:3] == now[:3] and self.ctime_ns in (now.ctime_ns, UNKNOWN_CTIME)


def clamp_int64(value: int) -> int:
    """The nearest 64-bit integer: file systems can hold times after the year 2262, SQLite cannot."""
    return max(-(1 << 63), min(value, (1 << 63) - 1))


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the index stores about a file: identity, content and state.

    `path` is absolute, as the operating system's bytes decode with `os.fsdecode` (surrogate escapes
    kept). `hash` is the content's BLAKE2b (16 bytes), empty where the file was not read. `disk` names
    the mounted file system that held it (0: not known). A file in the state "named" is not read and found
    by its name alone, as are those that were skipped or failed where they have a `kind`.
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
    ctime_ns: int = UNKNOWN_CTIME
    disk: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    """As in `Document`, like the four below; only in a record that is put."""
    links: tuple[str, ...] = ()
    scans: tuple[int, ...] = ()
    scanned: tuple[int, ...] = ()
    """Those of `scans` that were read as pictures already."""
    catalog: tuple[CatalogEntry, ...] = ()

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.inode, self.size, self.mtime_ns, self.ctime_ns)


@dataclass(frozen=True, slots=True)
class Filter:
    """The conditions of a search; an empty field is no condition.

    `kinds` and `suffixes` are one condition: files of any of the kinds, or with any of the suffixes.

    `folders` are absolute prefixes, or the name (or last parts of the path) of folders at any
    place, case ignored; `kinds` and `languages` as in `Document`, `globs` match the
    absolute path, `heading` is a part of the heading path (case-insensitive), times are mtimes.
    """

    files: tuple[str, ...] = ()
    """Absolute paths of single files."""
    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    heading: str = ""
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Names of fields, each with values of which a document has one at least."""
    since_ns: int | None = None
    before_ns: int | None = None
    min_size: int | None = None
    max_size: int | None = None
    excluding: tuple[Filter, ...] = ()
    """Filters none of which an answer passes."""
    without: tuple[str, ...] = ()
    """Words and phrases of which an answer's file holds none, in its passages or its name."""
    patterns: tuple[str, ...] = ()
    """Regular expressions that each occur in an answer's passage."""
    each_copy: bool = False
    """Whether near-copies of a file are hits of their own."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage that answers a query, and the position of the sentence that is shown.

    `heading`, `page` and `line` are those of the snippet; `start`, `end` and `text` those of the passage.
    `line` is a line of the file, from 1, or 0 where the format has no lines. `similarity` is the cosine of
    query and passage (None where there is no vector), `score` in 0..1 is the number that hits are ordered by.
    `more` holds further passages of the same file.
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
    """The lexical score, 0..1; None where no word of the query occurs."""
    modified_ns: int
    size: int
    inode: int
    kind: str
    language: str = ""
    matched: tuple[tuple[int, int], ...] = ()
    """Spans of `snippet` in which words of the query occur."""
    more: tuple[Hit, ...] = ()
    explain: dict[str, float] = field(default_factory=dict)
    ctime_ns: int = UNKNOWN_CTIME
    first_line: int = 0
    """Line of the file on which the passage begins; 0 where the format has no lines."""
    copies: tuple[str, ...] = ()
    """Paths of files with nearly the same text that would be hits of their own."""
    approximate: bool = False
    """Whether `similarity` is an expectation, since the model has not read the passage yet."""

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.inode, self.size, self.modified_ns, self.ctime_ns)


@dataclass(frozen=True, slots=True)
class Results:
    """The answer to one query: hits, best first, and whether the index holds anything close to it."""

    hits: tuple[Hit, ...]
    is_close: bool
    """False: the search abstains, since nothing in the index is close; `hits` are then only the nearest."""
    confidence: float = 0.0
    """The confidence, 0..1, that the best hit is about the query (`index.search.abstention`)."""
    total: int | None = None
    """How many files match, where that is known: of a query without words."""
    corrected: str = ""
    """The query that was answered instead, where no passage holds some word of the original one."""
    notes: tuple[str, ...] = ()
    """Sentences for the user on how the query was interpreted."""
    pending: tuple[int, ...] = ()
    """The texts in `hits` that have no vector of the model, best first."""
