"""Files and folders that appear complete: written to a temporary name beside their path, then renamed.

Knows nothing of their content.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
"""Readable by all, since users may share models; temporary files are private."""


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A temporary file to fill; it replaces `target` when the block ends, and is removed where it raises."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent)
    os.close(descriptor)
    work = Path(name)
    try:
        yield work
        work.chmod(_FILE_MODE)
        work.replace(target)
    finally:
        work.unlink(missing_ok=True)


@contextmanager
def new_folder(target: Path, prefix: str) -> Iterator[Path]:
    """A temporary folder to fill; renamed to `target`, which must not exist, when the block ends.

    `prefix` begins its name; one with a leading dot hides it from lists of models.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        yield work
        work.chmod(_FOLDER_MODE)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
