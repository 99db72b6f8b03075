"""Reading an export: every line is bounded and every field checked, since an export may be hostile.

Owns the definition of a valid export. Writes nothing.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, cast, get_args

import numpy as np
from safetensors import safe_open

from index.errors import IndexUnreachable
from index.place import decode_places
from index.store.row_codec import MAX_HASH_BYTES
from index.store.vectors import FULL_DIMENSION, Floats
from index.types import UNKNOWN_CTIME, FileRecord, FileState, Passage

_T = TypeVar("_T")
MAX_LINE_BYTES = 4 << 20
"""Bytes of one line: a hundred times those of a passage of 768 tokens."""
MAX_LINES = 50_000_000
"""Lines of one file: five times those of an index of ten million passages."""
MAX_PASSAGES = 200_000
"""Passages of one document, in memory together: ten times those of a text of 24 million characters."""
MAX_PATH_CHARACTERS = 4096
"""Characters of a path: Linux's PATH_MAX."""
MAX_INTEGER = (1 << 63) - 1
"""The largest integer of SQLite."""
UNIT_TOLERANCE = 0.01
"""Allowed difference between 1 and the norm of a vector: float32 rounding is far below."""


class InvalidExport(ValueError):
    """A part of an export is not valid; the message names it."""


def read_facts(folder: Path) -> dict[str, Any]:
    """`index.json`. Raises InvalidExport or OSError."""
    found = next(json_lines(folder, "index.json", whole=True), None)
    if not isinstance(found, dict):
        raise InvalidExport("index.json is missing")
    return {
        "format": _number(found, "format", 0),
        "fingerprint": _words(found, "fingerprint"),
        "chunker": _words(found, "chunker"),
    }


def json_lines(folder: Path, name: str, *, whole: bool = False) -> Iterator[Any]:
    """The JSON values of a regular file, one on each line, or one in the `whole` file. Raises InvalidExport
    or OSError."""
    with _open_regular(folder, name) as file:
        number = 0
        while line := file.read(MAX_LINE_BYTES + 1) if whole else file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise InvalidExport(f"line {number} of {name} is longer than {MAX_LINE_BYTES >> 20} MB")
            if number > MAX_LINES:
                raise InvalidExport(f"{name} has more than {MAX_LINES:,} lines")
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                raise InvalidExport(f"line {number} of {name} is no JSON") from None


def _open_regular(folder: Path, name: str) -> IO[bytes]:
    """Open a regular file of the export: no link, no pipe. Raises InvalidExport or OSError."""
    descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidExport(f"{name} is no regular file")
    return os.fdopen(descriptor, "rb")


@contextmanager
def tensor(folder: Path) -> Iterator[Any]:
    """The slice of (rows, FULL) float32 vectors. Raises InvalidExport, OSError or SafetensorError."""
    _open_regular(folder, "vectors.safetensors").close()
    with safe_open(folder / "vectors.safetensors", framework="numpy") as tensors:
        stored = tensors.get_slice("vectors")
        if (
            stored.get_dtype() != "F32"
            or len(stored.get_shape()) != 2
            or stored.get_shape()[1] != FULL_DIMENSION
        ):
            raise InvalidExport(f"the vectors are no rows of {FULL_DIMENSION} float32 numbers")
        yield stored


def unit_rows(stored: Any, places: Sequence[int]) -> Floats:
    """The rows `places` of the tensor. Raises InvalidExport where one is not a unit vector."""
    found = np.stack([stored[place : place + 1][0] for place in places])
    with np.errstate(all="ignore"):
        if not np.all(np.abs(np.linalg.norm(found, axis=1) - 1) < UNIT_TOLERANCE):
            raise InvalidExport("a vector is not of length 1")
    return found


def folder_path(line: Any) -> str:
    """The path of a root. Raises InvalidExport."""
    return _path(_object(line, "a folder"), "path")


def is_forgotten(line: Any) -> bool:
    """Whether the folder is excluded from a root; the first release did not write this field."""
    found = _object(line, "a folder").get("forgotten", False)
    if not isinstance(found, bool):
        raise InvalidExport("forgotten is neither true nor false")
    return found


def record(line: Any) -> FileRecord:
    """A file. Its disk and its ctime mean nothing on another machine. Raises InvalidExport."""
    one = _object(line, "a file")
    if one.get("state") not in get_args(FileState):
        raise InvalidExport(f"state is {str(one.get('state'))[:40]!r}")
    try:
        digest = base64.b64decode(_words(one, "hash"), validate=True)
    except ValueError:
        raise InvalidExport("hash is no base64") from None
    if len(digest) > MAX_HASH_BYTES:
        raise InvalidExport(f"hash has more than {MAX_HASH_BYTES} bytes")
    return FileRecord(
        path=_path(one, "path"),
        inode=_number(one, "inode", 0, (1 << 64) - 1),
        size=_number(one, "size", 0),
        mtime_ns=_number(one, "mtime_ns", -MAX_INTEGER - 1),
        hash=digest,
        state=cast(FileState, one["state"]),
        reason=_words(one, "reason"),
        kind=_words(one, "kind"),
        language=_words(one, "language"),
        title=_words(one, "title"),
        ctime_ns=UNKNOWN_CTIME,
        disk=0,
        fields=_fields(one),
        links=tuple(_list(one, "links", str)),
        scans=tuple(dict.fromkeys(_list(one, "scans", int))),
        scanned=tuple(_list(one, "scanned", int)),
    )


def passage(line: Any) -> Passage:
    """A passage. Raises InvalidExport."""
    one = _object(line, "a passage")
    heading = one.get("heading")
    if not isinstance(heading, list) or not all(isinstance(part, str) for part in heading):
        raise InvalidExport("heading is no list of texts")
    start = _number(one, "start", 0)
    places = _words(one, "places") if one.get("places") is not None else ""  # the first release had none
    return Passage(
        text=_words(one, "text"),
        start=start,
        end=_number(one, "end", start),
        line=_number(one, "line", 0),
        title=_words(one, "title"),
        heading=tuple(heading),
        page=None if one.get("page") is None else _number(one, "page", 0),
        tokens=_number(one, "tokens", 0),
        places=decode_places(places, tuple(heading)),
    )


def vector_row(line: Any, rows: int) -> int | None:
    """The row of a passage's vector among `fetch_all`. Raises InvalidExport."""
    one = _object(line, "a passage")
    return None if one.get("vector") is None else _number(one, "vector", 0, rows - 1)


def passage_path(line: Any) -> str:
    """The path of the file that a passage belongs to. Raises InvalidExport."""
    return _path(_object(line, "a passage"), "file")


def invalid_export_error(folder: Path, error: Exception) -> IndexUnreachable:
    """The error for an export that is not valid."""
    return IndexUnreachable(
        f"{folder} is not a whole export of an index: {error}. Nothing was taken in.", "Export it again."
    )


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidExport(f"{what} is no object")
    return value


def _fields(one: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = _list(one, "fields", list)
    if not all(len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in pairs):
        raise InvalidExport("fields are not pairs of texts")
    return tuple((name, value) for name, value in pairs)


def _list(one: dict[str, Any], name: str, kind: type[_T]) -> list[_T]:
    """A list of values of one type; the first release wrote none."""
    found = one.get(name, [])
    if not isinstance(found, list) or not all(type(value) is kind for value in found):
        raise InvalidExport(f"{name} is no list of {kind.__name__}")
    return found


def _words(one: dict[str, Any], name: str, most: int = MAX_LINE_BYTES) -> str:
    value = one.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise InvalidExport(f"{name} is no text of at most {most:,} characters")
    return value


def _number(one: dict[str, Any], name: str, least: int, most: int = MAX_INTEGER) -> int:
    value = one.get(name)
    if type(value) is not int or not least <= value <= most:
        raise InvalidExport(f"{name} is no number from {least} to {most}")
    return value


def _path(one: dict[str, Any], name: str) -> str:
    value = _words(one, name, MAX_PATH_CHARACTERS)
    if not value.startswith("/") or "\0" in value or os.path.normpath(value) != value:
        raise InvalidExport(f"{name} is no absolute path")
    return value
