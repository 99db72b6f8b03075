"""Conversion of paths, files and passages to values of SQLite, and back.

Owns the limits of stored values: 64-bit integers, UTF-8 without NUL, titles and reasons of bounded length.
Values beyond a limit are truncated; a value of the wrong type raises FileFailed. Paths are stored as the
bytes of the operating system, since a name need not be UTF-8.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, get_args

from index.errors import FileFailed
from index.place import encode_places
from index.store.fts_query import to_fts_text
from index.types import UNKNOWN_CTIME, FileRecord, FileState, Passage, clamp_int64

FILE_COLUMNS = (
    "path", "inode", "size", "mtime_ns", "hash", "state", "reason", "kind", "language", "title", "ctime_ns",
    "disk",
)  # fmt: skip
ADDED_COLUMNS = {"ctime_ns": str(UNKNOWN_CTIME), "disk": "0"}
"""Columns that were added after the first release, and their values in files of that release."""
STORED_HEADING_SEPARATOR = "\x1f"
"""Separates the headings of a stored heading path: U+001F, UNIT SEPARATOR."""
MAX_TITLE = 1_000
"""Characters of a title or of one heading: more than any screen shows."""
MAX_HEADINGS = 64
"""Headings above one passage: HTML has six levels, Word nine, outlines a few more."""
MAX_PROMPT_TITLE = 4_000
"""Characters of the title that a text is embedded under: title and headings together."""
MAX_REASON = 2_000
"""Characters of a reason or a note: more than any message for the user has."""
MAX_WORD = 100
"""Characters of the name of a kind or a programming language."""
MAX_HASH_BYTES = 64
"""Bytes of a digest: the longest of BLAKE2b."""
MAX_PASSAGE = 1_000_000
"""Characters of a passage: a hundred times the longest that the chunker produces."""
_JOINED = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[^\W\d_])(?=\d{3})")
"""Word boundaries in a name without separators: HolidayNorway2023."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_STATES = get_args(FileState)


def encode_path(path: str) -> bytes:
    return os.fsencode(path)


def under_clause(path: str, column: str = "path") -> tuple[str, tuple[bytes, ...]]:
    """SQL and its bindings for rows whose `column` is `path` or a path under it."""
    root = encode_path(path).rstrip(b"/")
    return f"({column} = ? OR ({column} > ? AND {column} < ?))", (root, root + b"/", root + b"0")


def path_words(path: str) -> str:
    """The words of a path, by which a file is found beside its text: its folders and its name."""
    words = clean_text(path).replace("/", " ")
    apart = _JOINED.sub(" ", words)
    return to_fts_text(words if apart == words else f"{words} {apart}")


def clean_text(text: str, most: int | None = None) -> str:
    """`text` with each lone surrogate and NUL replaced, truncated to `most` characters.

    SQLite takes UTF-8 only, and its functions end a text at a NUL (https://sqlite.org/nulinstr.html).
    """
    if not isinstance(text, str):
        raise FileFailed(f"It gives {type(text).__name__} where text belongs.")
    text = text[:most]
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)


def encode_heading(heading: Sequence[str]) -> str:
    parts = (
        clean_text(part, MAX_TITLE).replace(STORED_HEADING_SEPARATOR, " ") for part in heading[:MAX_HEADINGS]
    )
    return STORED_HEADING_SEPARATOR.join(parts)


def decode_heading(stored: str) -> tuple[str, ...]:
    return tuple(stored.split(STORED_HEADING_SEPARATOR)) if stored else ()


def encode_inode(inode: int) -> int:
    """Inodes are unsigned 64-bit integers; those of SQLite are signed."""
    inode = max(0, min(_require_integer(inode), (1 << 64) - 1))
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def decode_inode(stored: int) -> int:
    return stored + (1 << 64) if stored < 0 else stored


def encode_file(record: FileRecord) -> tuple[Any, ...]:
    """Values for FILE_COLUMNS. Raises FileFailed where a field has a type or a state that it cannot have."""
    if record.state not in _STATES:
        raise FileFailed("It has no state that the index knows.")
    if not isinstance(record.hash, bytes) or len(record.hash) > MAX_HASH_BYTES:
        raise FileFailed("Its content has no digest that the index can hold.")
    return (
        encode_path(record.path),
        encode_inode(record.inode),
        encode_integer(record.size),
        encode_integer(record.mtime_ns),
        record.hash,
        record.state,
        clean_text(record.reason, MAX_REASON),
        clean_text(record.kind, MAX_WORD),
        clean_text(record.language, MAX_WORD),
        clean_text(record.title, MAX_TITLE),
        encode_integer(record.ctime_ns),
        encode_integer(record.disk),
    )


def decode_file(row: Sequence[Any]) -> FileRecord:
    path, inode, *rest = row
    return FileRecord(os.fsdecode(path), decode_inode(inode), *rest)


def encode_passage(passage: Passage, file_title: str) -> tuple[Any, ...]:
    """Values for start, end, line, page, title, heading and places; no title where it is the file's."""
    return (
        encode_integer(passage.start),
        encode_integer(passage.end),
        encode_integer(passage.line),
        None if passage.page is None else encode_integer(passage.page),
        None if passage.title == file_title else clean_text(passage.title, MAX_TITLE),
        encode_heading(passage.heading),
        encode_places(passage),
    )


def encode_text(passage: Passage) -> tuple[str, str, int]:
    """Prompt title, text and tokens of a passage. Raises FileFailed where the text is too long."""
    if len(passage.text) > MAX_PASSAGE:
        raise FileFailed(
            f"A passage of it has {len(passage.text):,} characters; {MAX_PASSAGE:,} can be held."
        )
    title = clean_text(passage.prompt_title, MAX_PROMPT_TITLE)
    return title, clean_text(passage.text), encode_integer(passage.tokens)


def encode_integer(number: int) -> int:
    """The nearest 64-bit integer. Raises FileFailed where `number` is not an integer."""
    return clamp_int64(_require_integer(number))


def _require_integer(number: int) -> int:
    if not isinstance(number, int):
        raise FileFailed(f"It gives {type(number).__name__} where a whole number belongs.")
    return number


def unstorable_record(record: FileRecord, reason: str) -> FileRecord:
    """The record of a file that could not be stored: its path, stamp and reason only."""

    def number(name: str) -> int:
        value = getattr(record, name)
        return clamp_int64(value) if isinstance(value, int) else 0

    return FileRecord(
        record.path,
        inode=decode_inode(encode_inode(number("inode"))),
        size=number("size"),
        mtime_ns=number("mtime_ns"),
        state="failed",
        reason=clean_text(reason, MAX_REASON),
        ctime_ns=number("ctime_ns"),
        disk=number("disk"),
    )
