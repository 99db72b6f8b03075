"""Errors of the index: each says what went wrong and what to do about it.

IndexingError
├── IndexCorrupt      the database is damaged
├── IndexNewer        the database was written by a newer release
├── IndexBusy         another process holds the right to write
├── IndexFull         the disk or a quota is full
├── IndexUnreachable  the file or folder cannot be opened or written
├── QueryInvalid      a question or filter that cannot be understood
├── FileSkipped       a file is left out, with the reason
│   └── FileWithheld      it holds credentials: not even its name is found
└── FileFailed        a file could not be read, with the reason
    ├── FileUnreadable    the system did not let it be read just now: what is known of it stays
    └── FileTooSlow       the reader's time was over
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
    title = "The question cannot be understood"


class FileSkipped(IndexingError):
    title = "Left out"


class FileWithheld(FileSkipped):
    """It is made of credentials, so that nothing of it is in the index."""


class FileFailed(IndexingError):
    title = "Could not be read"


class FileUnreadable(FileFailed):
    """Says nothing of the file: a disk, a server or a permission is in the way, and may not be for long."""

    title = "Could not be read just now"


class ReaderKilled(FileUnreadable):
    """The process that read it was ended from outside: by a person, or by the system for want of memory."""


class FileTooSlow(FileFailed):
    """`by_clock`: the reader may have been kept waiting, instead of working for too long."""

    def __init__(self, what: str, fix: str = "", *, by_clock: bool = False) -> None:
        super().__init__(what, fix)
        self.by_clock = by_clock
