"""The demo: a throw-away index of the documents ken ships with, and questions in other words than theirs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import config, paths
from app.api import Library
from app.connect import local_library
from app.errors import PathInvalid

QUESTIONS = (
    "why do I keep waking up at night?",
    "am I allowed a dog in this flat?",
    "how do I fix a punctured bicycle tube?",
)


def folder() -> Path:
    """The documents; raises `PathInvalid` where this installation lacks them."""
    found = paths.assets_path() / "demo"
    if not found.is_dir():
        raise PathInvalid(f"The demo's documents are missing: {found}.", "Reinstall ken.")
    return found


@contextmanager
def library() -> Iterator[Library]:
    """A library that keeps the demo's documents alone, not read yet; gone when the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="ken-demo-") as place,
        local_library(config.load(), index=Path(place) / "index.db", purpose="ken demo") as demo,
    ):
        demo.add([str(folder())])
        yield demo
