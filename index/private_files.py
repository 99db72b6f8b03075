"""Files that only their owner can read: written whole beside their place, then put there.

Owns the mode of what ken writes, whatever the umask and the folder's own mode.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO


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
            sync(file)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync(file: IO[bytes]) -> None:
    """Have the disk hold what was written."""
    file.flush()
    os.fsync(file.fileno())
