"""Files derived from a checkpoint and kept beside the models: packed weights, compiled graphs, tokenizer
tables.

Owns when such a file is written and deleted; knows nothing of its content.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from embedder.checkpoints.atomic import new_file
from embedder.checkpoints.models import models_folder

_MAX_UNUSED_SECONDS = 30 * 86_400
"""Seconds after which an unused file is deleted, a month: it is made again in seconds, and has up to 400
MB."""


def compiled_path(identity: str, suffix: str = "") -> Path:
    """The path of an engine's file; `identity` is a text of everything that decides its content."""
    return models_folder() / ".compiled" / f"{digest_of(identity)}{suffix}"


def digest_of(identity: str) -> str:
    """32 hex digits for a text of any length; a lone surrogate, which paths can contain, counts as its
    byte."""
    return hashlib.blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def mark_used(path: Path) -> None:
    """Set a file's time to now, so that it is not deleted as unused."""
    with suppress(OSError):
        os.utime(path)


def store(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file with `write`, move it to `path`, and delete unused files beside it. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.iterdir():
        with suppress(OSError):
            if time.time() - other.stat().st_mtime > _MAX_UNUSED_SECONDS:
                other.unlink()
    with new_file(path) as work:
        write(work)
