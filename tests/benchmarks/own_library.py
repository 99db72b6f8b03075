"""A library for a benchmark alone, in this process: its home is thrown away. The model is the real one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.api import Library
from app.connect import local_library
from tests.benchmarks.own_daemon import Say


@contextmanager
def own_library(folders: Sequence[Path], say: Say) -> Iterator[Library]:
    """The library with the folders indexed."""
    with tempfile.TemporaryDirectory(prefix="ken-bench-") as home:
        before = os.environ.get("KEN_HOME")
        os.environ["KEN_HOME"] = home
        try:
            with local_library() as library:
                library.add([str(folder) for folder in folders])
                say(f"{library.sync().added} files")
                yield library
        finally:
            if before is None:
                del os.environ["KEN_HOME"]
            else:
                os.environ["KEN_HOME"] = before
