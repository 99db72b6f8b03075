"""Whether an index is what a fresh one of the same disk would be, passage for passage."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.config import Config
from app.connect import local_library
from index.store.database import open_reader


def contents(index: Path) -> dict[str, list[Any]]:
    """Each file's state and passages: where they stand, what was embedded, and whether a vector is there."""
    with open_reader(index) as db:
        waiting = {text for (text,) in db.execute("SELECT text FROM todo")}
        files: dict[str, list[Any]] = {
            os.fsdecode(path): [state, kind, title, size, bytes(digest)]
            for path, state, kind, title, size, digest in db.execute(
                "SELECT path, state, kind, title, size, hash FROM files"
            )
        }
        for path, text, *passage in db.execute(
            "SELECT files.path, passages.text, ordinal, start, end, line, page, heading, texts.title, "
            "texts.text FROM passages JOIN files ON files.id = passages.file "
            "JOIN texts ON texts.id = passages.text ORDER BY files.path, ordinal"
        ):
            files[os.fsdecode(path)].append((*passage, text not in waiting))
        orphans = db.execute(
            "SELECT count(*) FROM texts WHERE id NOT IN (SELECT text FROM passages)"
        ).fetchone()
    db.close()
    assert orphans == (0,), "texts that no passage uses"
    return files


def fresh(folder: Path) -> dict[str, list[Any]]:
    """The contents of a new index of `folder`."""
    with TemporaryDirectory() as home, local_library(Config(), index=Path(home) / "index.db") as library:
        library.add([str(folder)])
        library.sync()
        return contents(library.index.path)
