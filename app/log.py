"""The log: one file in ken's home, turned over at 1 MB, for what nobody watches as it happens."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import IO, Any

from app import paths
from app.sanitize import plain_path
from index.private_files import opener

LARGEST = 1_000_000
KEPT = 3


def start(path: Path | None = None, level: int = logging.INFO) -> None:
    """Write this process's log to `path` (ken's own by default); nothing goes to the terminal."""
    path = path or paths.log_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = _PrivateLog(
        path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(level)
    stop()
    root.addHandler(handler)


class _OneLine(logging.Formatter):
    """A message may name a file, and a name may hold line ends: none makes a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's own name
        record.message = plain_path(record.message)
        return super().formatMessage(record)


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """Every file it opens, also after turning over, is its owner's alone."""

    def _open(self) -> IO[Any]:  # type: ignore[override]
        return open(self.baseFilename, self.mode, encoding="utf-8", errors="backslashreplace", opener=opener)


def stop() -> None:
    """Close the log's file."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.close()
    root.handlers = []
