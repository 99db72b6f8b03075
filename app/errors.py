"""Errors of the application, and how any titled error is told to a person.

AppError
├── PathInvalid      a path that does not exist, cannot be read or is not watched
├── ConfigInvalid    a setting that cannot be understood
├── UsageInvalid     an argument or a combination of arguments that makes no sense
├── NothingIndexed   a question was asked before anything was indexed
└── DaemonError      the daemon did not answer or understand
    └── DaemonCannotRun  it did not start, or another program is where it should be
"""

from __future__ import annotations

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


class DaemonError(AppError):
    title = "The daemon did not answer"


class DaemonCannotRun(DaemonError):
    title = "The daemon cannot run"


TitledError = AppError | EmbedderError | IndexingError
TITLED_ERRORS = (AppError, EmbedderError, IndexingError)
