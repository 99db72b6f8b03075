"""Metadata by which files are looked up: the stem of the name, fields and links.

Owns the form in which names and values are compared, and the rows of fields and links.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

import apsw

from index import kinds
from index.store import wiping
from index.store.database import fetch_all, fetch_one
from index.store.row_codec import MAX_WORD, clean_text, encode_path
from index.types import FileRecord

MAX_VALUE = 500
"""Characters of the value of a field that are compared."""
TITLE_SAID = "(SELECT words FROM catalog WHERE catalog.path = files.path AND name = 'title' LIMIT 1)"
"""SQL: the title that another file gives to a row of `files`; NULL where none does."""
_WORDS = re.compile(r"[^\W_]+")


def stem_key(path: str) -> str:
    """The lookup key of the stem of a file's name."""
    return name_key(clean_text(PurePath(path).stem))


def name_key(name: str) -> str:
    """The lookup key of a name: its words in lower case without accents, separated by one blank."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return " ".join(_WORDS.findall("".join(c for c in plain if not unicodedata.combining(c))))


def link_key(target: str) -> str:
    """The lookup key of the target of a link, which is a name or a path, with or without a suffix."""
    name = PurePath(clean_text(target)).name
    known = kinds.of_file_name(name) or kinds.unread_kind(name)
    return name_key(PurePath(name).stem if known else name)


def put_facts(db: apsw.Connection, file: int, record: FileRecord) -> None:
    """The fields, links and pages of a record, for a file that has none."""
    title = [("title", record.title)] if record.state == "indexed" else []
    add_fields(db, file, [*title, *record.fields])
    targets = {key for link in record.links if (key := link_key(link))}
    db.executemany("INSERT INTO links(file, target) VALUES (?, ?)", [(file, target) for target in targets])
    pages = [(file, page, page in record.scanned) for page in record.scans]
    db.executemany("INSERT INTO scans(file, page, done) VALUES (?, ?, ?)", pages)
    _put_catalog(db, file, record)


def with_facts(db: apsw.Connection, file: int, record: FileRecord) -> FileRecord:
    """The record with the fields, links and pages of the file, as they are stored.

    A record with a catalog has no hash instead, so that the file is read again.
    """
    scans = fetch_all(db, "SELECT page, done FROM scans WHERE file = ?", (file,))
    links = fetch_all(db, "SELECT target FROM links WHERE file = ?", (file,))
    has_catalog = fetch_one(db, "SELECT 1 FROM catalog WHERE source = ? LIMIT 1", (file,))
    return replace(
        record,
        hash=b"" if has_catalog else record.hash,
        fields=tuple(fetch_all(db, "SELECT name, value FROM fields WHERE file = ?", (file,))),
        links=tuple(target for (target,) in links),
        scans=tuple(page for page, _ in scans),
        scanned=tuple(page for page, done in scans if done),
    )


def add_fields(db: apsw.Connection, file: int, fields: Iterable[tuple[str, str]]) -> None:
    rows = [(file, clean_text(name, MAX_WORD), value) for name, value in _comparable(fields) if value]
    db.executemany("INSERT OR IGNORE INTO fields(file, name, value) VALUES (?, ?, ?)", rows)


def delete_facts(db: apsw.Connection, file: int) -> None:
    held = "SELECT 1 FROM fields WHERE file = ?1 UNION ALL SELECT 1 FROM catalog WHERE source = ?1 LIMIT 1"
    if fetch_one(db, held, (file,)):
        wiping.mark_due(db)
    db.execute("DELETE FROM catalog WHERE source = ?", (file,))
    db.execute("DELETE FROM fields WHERE file = ?", (file,))
    db.execute("DELETE FROM links WHERE file = ?", (file,))
    db.execute("DELETE FROM scans WHERE file = ?", (file,))


def _put_catalog(db: apsw.Connection, file: int, record: FileRecord) -> None:
    """What a file says of others. A name is that of a file in whichever form its letters are composed."""
    folder = PurePath(record.path).parent
    for entry in record.catalog:
        paths = {unicodedata.normalize(form, entry.path) for form in ("NFC", "NFD")} | {entry.path}
        rows = [
            (encode_path(str(folder / path)), name, value, file, clean_text(words, MAX_VALUE))
            for path in paths
            for name, words in entry.fields
            for name, value in _comparable([(clean_text(name, MAX_WORD), words)])
            if value
        ]
        db.executemany("INSERT OR IGNORE INTO catalog VALUES (?, ?, ?, ?, ?)", rows)


def move_catalog(db: apsw.Connection, file: int, old: str, new: str) -> None:
    """The file that says it is at another path: what it names is beside it."""
    before, after = (encode_path(str(PurePath(path).parent)) for path in (old, new))
    if before != after:
        wiping.mark_due(db)
        db.execute(
            "UPDATE catalog SET path = CAST(? || substr(path, ?) AS BLOB) WHERE source = ?",
            (after, len(before) + 1, file),
        )


def _comparable(fields: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Names and comparable values. A nested tag has those above it too."""
    for name, words in fields:
        value = clean_text(words, MAX_VALUE)
        parts = value.split("/") if name == "tag" else [value]
        yield from ((name, name_key(" ".join(parts[:depth]))) for depth in range(1, len(parts) + 1))
