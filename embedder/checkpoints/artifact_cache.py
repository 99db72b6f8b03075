"""What engines and tokenizers make of a checkpoint and keep beside the models: made once, mapped ever after.

Owns how such a file comes and goes; knows nothing of what is in one.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from embedder.checkpoints.models import models_folder

_MONTH = 30 * 86400


def compiled_folder() -> Path:
    return models_folder() / ".compiled"


def used(path: Path) -> None:
    """Note that a file was of use: what has been of none for a month goes when the next one comes."""
    with suppress(OSError):
        os.utime(path)


def keep(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a file beside `path` and put it in its place. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.iterdir():
        with suppress(OSError):
            if time.time() - other.stat().st_mtime > _MONTH:
                other.unlink()
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    os.close(descriptor)
    beside = Path(name)
    try:
        write(beside)
        beside.chmod(0o644)  # models may be shared
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
