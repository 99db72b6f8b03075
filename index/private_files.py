"""Files that only their owner can read: written whole beside their place, then put there.

Owns the mode of what ken writes, whatever the umask and the folder's own mode.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: the file has mode 0600, also where it was there before."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def replace(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all, also where the machine stops. Raises OSError."""
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
    """Have the disk hold the names in `folder`: a rename is lost in a power failure without."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
