"""Errors of the index: each says what happened and what to do.

IndexingError
├── IndexCorrupt      the database is damaged
├── IndexNewer        the database was written by a newer release
├── IndexBusy         another process holds the write lock
├── IndexFull         the disk or a quota is full
├── IndexUnreachable  the file or folder cannot be opened or written
├── QueryInvalid      a query or filter that cannot be parsed
├── VectorsMissing    a passage to compare with others that has no vector yet
├── FileSkipped       a file is left out, with the reason
│   └── FileWithheld      it holds credentials: not even its name is found
└── FileFailed        a file could not be read, with the reason
    ├── FileUnreadable    the system refused to read it; its rows in the index stay
    └── FileTooSlow       the reader reached its time limit
"""

from __future__ import annotations


class IndexingError(Exception):
    """Base of every error the index raises on purpose.

    `what` is one sentence on what happened, `fix` one on what to do.
    """

    title = "The index could not be used"

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class IndexCorrupt(IndexingError):
    title = "The index is damaged"


class IndexNewer(IndexingError):
    title = "The index is from a newer ken"


class IndexBusy(IndexingError):
    title = "The index is in use"


class IndexFull(IndexingError):
    title = "No room left for the index"


class IndexUnreachable(IndexingError):
    title = "The index cannot be opened"


class QueryInvalid(IndexingError):
    title = "The query cannot be understood"


class VectorsMissing(IndexingError):
    title = "It cannot be compared yet"


class FileSkipped(IndexingError):
    title = "Left out"


class FileWithheld(FileSkipped):
    """It is made of credentials, so that nothing of it is in the index."""


class FileFailed(IndexingError):
    title = "Could not be read"


class FileUnreadable(FileFailed):
    """The system refused to read the file: a disk, a server or a permission. This may be temporary."""

    title = "Could not be read just now"


class ReaderKilled(FileUnreadable):
    """Another process or the system (out of memory) killed the reader."""


class FileTooSlow(FileFailed):
    """`by_clock`: the limit was wall time, so the reader may have waited instead of working."""

    def __init__(self, what: str, fix: str = "", *, by_clock: bool = False) -> None:
        super().__init__(what, fix)
        self.by_clock = by_clock
