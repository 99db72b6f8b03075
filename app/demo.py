"""The demo: a temporary index of the documents that ken ships, and queries in other words."""

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


def demo_folder() -> Path:
    """The folder of the documents; raises `PathInvalid` if this installation has none."""
    found = paths.assets_path() / "demo"
    if not found.is_dir():
        raise PathInvalid(f"The demo's documents are missing: {found}.", "Reinstall ken.")
    return found


@contextmanager
def library() -> Iterator[Library]:
    """A library with the demo's documents as its root, not indexed yet; deleted when the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="ken-demo-") as place,
        local_library(config.load(), index=Path(place) / "index.db", purpose="ken demo") as demo,
    ):
        demo.add([str(demo_folder())])
        yield demo
