"""Pages that are read as pictures: which wait for it, and what is put of each, in one transaction a page.

A page is done whether or not text was seen in it, so that stopped work continues with the next page.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import apsw

from index.store import facts, file_rows
from index.store.database import fetch_all, fetch_one, fetch_value
from index.store.row_codec import encode_path
from index.store.store import Store
from index.types import FileRecord, Passage

NOTHING_SEEN = "No text is seen in it; it is found by its name."


class RecognizedPassage(NamedTuple):
    """A passage that was read from a picture; `start` is its place in the document."""

    start: int
    page: int | None
    text: str


def waiting(store: Store) -> list[tuple[str, int]]:
    """Paths and pages that were not read yet, those of the newest files first, each file's in their order."""
    sql = (
        "SELECT files.path, scans.page FROM scans JOIN files ON files.id = scans.file WHERE NOT scans.done "
        "ORDER BY files.mtime_ns DESC, files.id, scans.page"
    )
    with store.reading() as db:
        return [(os.fsdecode(path), page) for path, page in fetch_all(db, sql)]


def put_page(store: Store, record: FileRecord, page: int, passages: Sequence[Passage]) -> int:
    """Add what was read of a page behind what the file has; returns how many texts lack a vector by it.

    `record` is of the file as it was when the page was read: where it is another now, nothing is added.
    """
    with store.writing() as db:
        found = fetch_one(
            db, "SELECT id, title, size, mtime_ns FROM files WHERE path = ?", (encode_path(record.path),)
        )
        if not found or found[2:] != (record.size, record.mtime_ns):
            return 0
        file, title = found[:2]
        placed = _place_passages(db, file, title, page if record.kind != "picture" else None, passages)
        new = file_rows.add_passages(db, file, placed, title, record.mtime_ns)
        facts.add_fields(db, file, record.fields)
        db.execute("UPDATE scans SET done = 1 WHERE file = ? AND page = ?", (file, page))
        state, reason = ("indexed", "") if passages else ("named", NOTHING_SEEN)
        left = fetch_one(db, "SELECT 1 FROM scans WHERE file = ? AND NOT done", (file,))
        if passages or not left:
            db.execute(
                "UPDATE files SET state = ?, reason = ? WHERE id = ? AND state = 'named'",
                (state, reason, file),
            )
        db.execute("UPDATE files SET hash = ? WHERE id = ? AND hash = x''", (record.hash, file))
        return new


def give_up(store: Store, path: str, page: int, reason: str) -> None:
    """A page cannot be read: it is not tried again until the file changes."""
    with store.writing() as db:
        where = "file = (SELECT id FROM files WHERE path = ?)"
        db.execute(f"UPDATE scans SET done = 1 WHERE {where} AND page = ?", (encode_path(path), page))
        db.execute(
            "UPDATE files SET reason = ? WHERE path = ? AND state = 'named'", (reason, encode_path(path))
        )


def recognized(store: Store, path: str) -> list[RecognizedPassage]:
    """The passages of a file that were read from pictures, in their order."""
    sql = (
        "SELECT passages.start, passages.page, texts.text FROM files "
        "JOIN passages ON passages.file = files.id "
        "JOIN texts ON texts.id = passages.text WHERE files.path = ? AND EXISTS (SELECT 1 FROM scans "
        "WHERE scans.file = files.id AND scans.done AND scans.page = coalesce(passages.page, 1)) "
        "ORDER BY passages.ordinal"
    )
    with store.reading() as db:
        return [RecognizedPassage(*one) for one in fetch_all(db, sql, (encode_path(path),))]


def _place_passages(
    db: apsw.Connection, file: int, title: str, page: int | None, passages: Sequence[Passage]
) -> Sequence[Passage]:
    """The passages of a page with their places behind all that the file has."""
    last = fetch_value(db, "SELECT coalesce(max(end), -2) FROM passages WHERE file = ?", int, (file,)) + 2
    return [
        one._replace(start=one.start + last, end=one.end + last, page=page, title=title) for one in passages
    ]
