"""Errors of the application.

AppError
├── PathInvalid      a path that does not exist, cannot be read or is not watched
├── ConfigInvalid    a setting that cannot be understood
├── UsageInvalid     an argument or a combination of arguments that makes no sense
├── NothingIndexed   a query came before anything was indexed
├── SystemRefused    a disk or a permission keeps ken from one of its files
│   └── ProcessorTooOld  a package that ken needs does not run on the processor
└── DaemonError      the daemon did not answer or understand
    └── DaemonCannotRun  it did not start, or another program has its place
"""

from __future__ import annotations

import errno
import os

from embedder.errors import EmbedderError
from index.errors import IndexingError


class AppError(Exception):
    """Base of every error the application raises on purpose.

    `what` is one sentence on what happened, `fix` one on what to do.
    """

    title = "ken could not do that"

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class PathInvalid(AppError):
    title = "Path cannot be used"


class ConfigInvalid(AppError):
    title = "Setting not understood"


class UsageInvalid(AppError):
    title = "That cannot be asked this way"


class NothingIndexed(AppError):
    title = "Nothing is indexed yet"


class SystemRefused(AppError):
    title = "The system does not allow that"


class ProcessorTooOld(SystemRefused):
    title = "ken does not run here"


class DaemonError(AppError):
    title = "The daemon did not answer"


class DaemonCannotRun(DaemonError):
    title = "The daemon cannot run"


TitledError = AppError | EmbedderError | IndexingError
TITLED_ERRORS = (AppError, EmbedderError, IndexingError)

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def refused_by_system(error: BaseException) -> SystemRefused | None:
    """The error to show if the disk, a permission or the processor is the cause; None for any other error."""
    if isinstance(error, RuntimeError) and "baseline optimizations" in str(error):  # NumPy, as it is imported
        return ProcessorTooOld(
            "This processor lacks instructions that NumPy needs, and ken with it (x86-64-v2, with SSE4.2).",
            "Processors have them since 2011 or before; a virtual machine can be told to show them.",
        )
    if not isinstance(error, OSError) or error.errno not in {*FULL, *FORBIDDEN, errno.EIO}:
        return None
    named = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    what = f"{named}{os.strerror(error.errno)}."
    if error.errno in FULL:
        return SystemRefused(what, "Free some space and try again.")
    if error.errno in FORBIDDEN:
        return SystemRefused(what, "Check its owner and its permissions.")
    return SystemRefused(what, "Check the disk.")
