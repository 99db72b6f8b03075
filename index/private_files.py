"""Files with mode 0600, written as a whole to a temporary file that is then renamed.

Owns the mode of the files that ken writes, independent of the umask and of the mode of the folder.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: the file has mode 0600, also if it existed before."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def replace(path: Path, data: bytes) -> None:
    """Write `data` to `path`, as a whole or not at all, also in a power failure. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to the disk: otherwise a power failure can undo a rename."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
