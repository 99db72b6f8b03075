"""The log: a file in ken's home, rotated at 1 MB, for events without a user who could see them.

Owns the file, which is for this user only.
"""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import IO, Any, BinaryIO

from app import paths
from app.errors import PathInvalid
from app.sanitize import plain_path
from index.private_files import opener

LARGEST = 1_000_000
"""Bytes of the file at which it is rotated."""
KEPT = 3
"""Rotated files that are kept."""


def start(path: Path | None = None, level: int = logging.INFO) -> None:
    """Write the log of this process to `path` (default: ken's own), and nothing to the terminal.

    Raises `PathInvalid` if that is not possible.
    """
    path = path or paths.log_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = _PrivateLog(
            path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        raise _unwritable(path, error) from error
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(level)
    stop()
    root.addHandler(handler)


def output() -> BinaryIO:
    """The log as the output of a process that cannot start it yet. Raises `PathInvalid`."""
    path = paths.make_home() / paths.log_path().name
    try:
        return open(path, "ab", opener=opener)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> PathInvalid:
    return PathInvalid(
        f"{path} cannot be written: {error.strerror}.",
        "Check the folder's permissions, or choose another with KEN_HOME.",
    )


class _OneLine(logging.Formatter):
    """Escapes line ends: a message may quote a file name, and a name may contain them."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's own name
        record.message = plain_path(record.message)
        return super().formatMessage(record)


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """Opens every file, rotated ones too, for this user only."""

    def _open(self) -> IO[Any]:  # type: ignore[override]
        return open(self.baseFilename, self.mode, encoding="utf-8", errors="backslashreplace", opener=opener)


def stop() -> None:
    """Close the log file."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.close()
    root.handlers = []
