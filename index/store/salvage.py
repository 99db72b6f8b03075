"""Copy the readable rows of a damaged index into a new one; the damaged file is kept beside it.

Files are copied one by one, with the passages and vectors that can be read. Rows of a damaged file can look
intact and be wrong, so every file counts as changed and is read from the disk again; passages that are the
same keep their vectors.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import apsw
import numpy as np

from index.errors import IndexCorrupt
from index.place import decode_places
from index.store import generations, vectors
from index.store.database import fetch_all, fetch_one, open_damaged
from index.store.row_codec import ADDED_COLUMNS, FILE_COLUMNS, decode_file, decode_heading
from index.store.store import Store
from index.types import FileRecord, Passage

_UNREADABLE = (apsw.CorruptError, apsw.NotADBError, apsw.IOError, apsw.SQLError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The numbers of roots and files that could be read, and the path of the damaged file."""

    folders: int
    files: int
    kept: Path


def salvage(path: Path) -> Salvaged:
    """Replace the damaged index at `path`; a file that is not a database becomes an empty index."""
    rescued = path.with_name(path.name + ".rescued")
    for leftover in path.parent.glob(rescued.name + "*"):
        leftover.unlink()
    folders: list[str] = []
    files = 0
    with (
        suppress(IndexCorrupt),
        closing(open_damaged(path)) as source,
        Store(rescued, fingerprint=_fingerprint(source)) as store,
    ):
        folders = _folders(source)
        for folder in folders:
            store.add_root(folder)
        files = sum(_save_file(source, store, file) for file in range(1, _last_file(source) + 1))
    Store(rescued).close()
    kept = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    kept.unlink(missing_ok=True)
    kept.hardlink_to(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    rescued.replace(path)
    return Salvaged(len(folders), files, kept)


def _fingerprint(source: apsw.Connection) -> str:
    try:
        return generations.stored_fingerprint(source, generations.serving(source))
    except _UNREADABLE:
        return ""


def _folders(source: apsw.Connection) -> list[str]:
    try:
        return [os.fsdecode(path) for (path,) in fetch_all(source, "SELECT path FROM folders")]
    except _UNREADABLE:
        return []


def _last_file(source: apsw.Connection) -> int:
    for sql in ("SELECT max(id) FROM files", "SELECT max(file) FROM passages"):
        try:
            return int(fetch_one(source, sql)[0] or 0)
        except _UNREADABLE:
            continue
    return 0


def _save_file(source: apsw.Connection, store: Store, file: int) -> bool:
    """Whether anything of the file could be read."""
    try:
        found = fetch_one(source, f"SELECT {_columns(source)} FROM files WHERE id = ?", (file,))
        if found is None:
            return False
        record = replace(decode_file(found), mtime_ns=-1, hash=b"")
    except _UNREADABLE:
        return False
    try:
        passages, texts = _passages(source, file, record)
    except _UNREADABLE:
        passages, texts = [], []
    store.put_each([(record, passages)])
    _save_vectors(source, store, passages, texts)
    return True


def _columns(source: apsw.Connection) -> str:
    """The columns of a record, with constants for columns that the file does not have yet."""
    there = {name for (name,) in fetch_all(source, "SELECT name FROM pragma_table_info('files')")}
    return ", ".join(name if name in there else ADDED_COLUMNS.get(name, name) for name in FILE_COLUMNS)


def _places(source: apsw.Connection) -> str:
    """The column of places, which the first release had not."""
    there = fetch_all(source, "SELECT 1 FROM pragma_table_info('passages') WHERE name = 'places'")
    return "passages.places" if there else "NULL"


def _passages(source: apsw.Connection, file: int, record: FileRecord) -> tuple[list[Passage], list[int]]:
    found = fetch_all(
        source,
        "SELECT texts.text, passages.start, passages.end, passages.line, coalesce(passages.title, ?), "
        f"passages.heading, passages.page, texts.tokens, {_places(source)}, texts.id "
        "FROM passages JOIN texts ON texts.id = passages.text WHERE passages.file = ? "
        "ORDER BY passages.ordinal",
        (record.title, file),
    )
    return [_passage(*one[:-1]) for one in found], [one[-1] for one in found]


def _passage(
    text: str,
    start: int,
    end: int,
    line: int,
    title: str,
    heading: str,
    page: int | None,
    tokens: int,
    places: str | None,
) -> Passage:
    path = decode_heading(heading)
    return Passage(text, start, end, line, title, path, page, tokens, decode_places(places, path))


def _save_vectors(source: apsw.Connection, store: Store, passages: list[Passage], texts: list[int]) -> None:
    """Copy the vectors that can be read, no approximate ones; the other texts stay pending."""
    ids: list[int] = []
    kept: list[vectors.Floats] = []
    for id_, text in zip(store.text_ids(passages), texts, strict=True):
        if _may_be_approximate(source, text):
            continue
        try:
            with np.errstate(all="ignore"):
                one = vectors.read_vector(source, generations.serving(source), text)
        except _UNREADABLE:
            continue
        if one is not None and id_ not in ids and abs(float(one @ one) - 1) < 0.01:
            ids.append(id_)
            kept.append(one)
    if ids:
        store.put_vectors(ids, np.stack(kept))


def _may_be_approximate(source: apsw.Connection, text: int) -> bool:
    """Whether a text has an approximate vector, or nothing says that it has none."""
    try:
        marks = fetch_all(source, "SELECT 1 FROM pragma_table_info('todo') WHERE name = 'approximate'")
        return bool(marks and fetch_one(source, "SELECT 1 FROM todo WHERE text = ? AND approximate", (text,)))
    except _UNREADABLE:
        return True
