"""What a search is narrowed to, as SQL over files and passages and as the set of allowed texts."""

from __future__ import annotations

import apsw
import numpy as np
from numpy.typing import NDArray

from index.database import rows
from index.records import under_clause
from index.types import Filter


def clause(narrowed: Filter) -> tuple[str, tuple[object, ...]]:
    """SQL over `files` and `passages` that holds exactly where the filter does, and its bindings."""
    parts: list[str] = []
    bindings: list[object] = []

    def add(sql: str, *values: object) -> None:
        parts.append(sql)
        bindings.extend(values)

    if narrowed.folders:
        under = [_under(folder) for folder in narrowed.folders]
        add("(" + " OR ".join(sql for sql, _ in under) + ")")
        bindings.extend(value for _, values in under for value in values)
    for column, values in (("kind", narrowed.kinds), ("language", narrowed.languages)):
        if values:
            add(f"files.{column} COLLATE NOCASE IN ({', '.join('?' * len(values))})", *values)
    if narrowed.globs:
        globs = " OR ".join("CAST(files.path AS TEXT) GLOB ?" for _ in narrowed.globs)
        add(f"({globs})", *(_glob(pattern) for pattern in narrowed.globs))
    if narrowed.heading:
        add("instr(lower(passages.heading), lower(?)) > 0", narrowed.heading)
    for sql, value in (
        ("files.mtime_ns >= ?", narrowed.since_ns),
        ("files.mtime_ns < ?", narrowed.before_ns),
        ("files.size >= ?", narrowed.min_size),
        ("files.size <= ?", narrowed.max_size),
    ):
        if value is not None:
            add(sql, value)
    return " AND ".join(parts) or "1", tuple(bindings)


def allowed(connection: apsw.Connection, narrowed: Filter) -> NDArray[np.int64] | None:
    """Texts that have a passage the filter lets through, ascending; None where it lets all through."""
    if narrowed == Filter():
        return None
    where, bindings = clause(narrowed)
    found = rows(
        connection,
        "SELECT DISTINCT passages.text FROM files JOIN passages ON passages.file = files.id "
        f"WHERE {where} ORDER BY passages.text",
        bindings,
    )
    return np.fromiter((text for (text,) in found), np.int64, len(found))


def _under(folder: str) -> tuple[str, tuple[object, ...]]:
    """Files under an absolute folder, or under any folder of that name."""
    if folder.startswith("/"):
        return under_clause(folder, "files.path")
    return "instr(lower(CAST(files.path AS TEXT)), lower(?)) > 0", (f"/{folder.strip('/')}/",)


def _glob(pattern: str) -> str:
    """A pattern without a slash at its front matches at any depth, as in an ignore file."""
    return pattern if pattern.startswith(("/", "*")) else f"*/{pattern}"
