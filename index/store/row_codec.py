"""How paths, files and texts become values of SQLite, and back, losing nothing.

Paths are stored as the operating system's bytes: a name need not be UTF-8.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from index.store.fts_query import searchable
from index.types import UNKNOWN, FileRecord

FILE_COLUMNS = (
    "path", "inode", "size", "mtime_ns", "hash", "state", "reason", "kind", "language", "title", "ctime_ns",
    "disk",
)  # fmt: skip
ADDED_COLUMNS = {"ctime_ns": str(UNKNOWN), "disk": "0"}
"""Columns that came after the first release, and what a file of that release has in their place."""
HEADINGS = "\x1f"
"""Between the headings of a stored path of headings."""
_SURROGATES = re.compile("[\ud800-\udfff]")


def encode_path(path: str) -> bytes:
    return os.fsencode(path)


def under_clause(path: str, column: str = "path") -> tuple[str, tuple[bytes, ...]]:
    """SQL and its bindings for rows whose `column` is `path` or lies under it."""
    root = encode_path(path).rstrip(b"/")
    return f"({column} = ? OR ({column} > ? AND {column} < ?))", (root, root + b"/", root + b"0")


def path_words(path: str) -> str:
    """What a file is found by, beside its text: its folders and its name."""
    return searchable(clean(path).replace("/", " "))


def clean(text: str) -> str:
    """`text` with lone surrogates replaced, one for one: SQLite takes UTF-8 only."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def encode_heading(heading: Sequence[str]) -> str:
    return clean(HEADINGS.join(heading))


def decode_heading(stored: str) -> tuple[str, ...]:
    return tuple(stored.split(HEADINGS)) if stored else ()


def encode_inode(inode: int) -> int:
    """Inodes are unsigned, SQLite's integers signed."""
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def decode_inode(stored: int) -> int:
    return stored + (1 << 64) if stored < 0 else stored


def encode_file(record: FileRecord) -> tuple[Any, ...]:
    """Values for FILE_COLUMNS."""
    return (
        encode_path(record.path),
        encode_inode(record.inode),
        record.size,
        record.mtime_ns,
        record.hash,
        record.state,
        clean(record.reason),
        record.kind,
        record.language,
        clean(record.title),
        record.ctime_ns,
        record.disk,
    )


def decode_file(row: Sequence[Any]) -> FileRecord:
    path, inode, *rest = row
    return FileRecord(os.fsdecode(path), decode_inode(inode), *rest)
