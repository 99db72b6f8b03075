"""The log: one file in ken's home, turned over at 1 MB, for what nobody watches as it happens."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

from app import paths

LARGEST = 1_000_000
KEPT = 3


def start(path: Path | None = None, level: int = logging.INFO) -> None:
    """Write this process's log to `path` (ken's own by default); nothing goes to the terminal."""
    path = path or paths.log_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.setLevel(level)
    stop()
    root.addHandler(handler)
    path.chmod(0o600)


def stop() -> None:
    """Close the log's file."""
    root = logging.getLogger()
    for handler in root.handlers:
        handler.close()
    root.handlers = []
