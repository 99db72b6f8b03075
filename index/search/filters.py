"""What a search is narrowed to: as SQL over files and passages, and as texts that are let through.

A filter that lets few files through is resolved to its texts, and the search looks at no others. For one
that lets many through that would be more work than the search: the search goes as deep as it must for
enough of what it finds to pass.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import apsw
import numpy as np
from numpy.typing import NDArray

from index.store.database import fetch_all, fetch_value, id_array
from index.store.facts import name_key
from index.store.row_codec import encode_path, under_clause
from index.types import Filter

FEW_FILES = 1_000
FEW_SHARE = 8
"""A filter lets few files through up to this many, or one in this many of the index's files."""
FEW_FOLDERS = 16
"""Absolute folders up to which each is a range of its own, for which SQLite uses the index of paths."""
DEEPEST = 4_000
"""Results beyond which it is cheaper to resolve the filter."""

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Find = Callable[[int, Ids | None], tuple[Ids, Floats]]
"""The k best among some texts (None: all), best first: ids and scores."""


class FilteredIds:
    """The texts a filter lets through, within one snapshot of the index."""

    def __init__(self, db: apsw.Connection, narrowed: Filter, texts: Ids | None = None) -> None:
        """`texts` that pass, ascending, where they are known."""
        self._db = db
        self._all = narrowed == Filter()
        self._where, self._bindings = where_clause(narrowed)
        self._texts = texts
        if texts is None and not self._all:
            self._texts = self._texts_of_few_files(narrowed)

    @property
    def texts(self) -> Ids | None:
        """All that pass, ascending, where they are few enough to be known."""
        return self._texts

    def best(self, find: Find, k: int, enough: int | None = None) -> tuple[Ids, Floats]:
        """What passes among the best: k of it, or at least `enough`, or all there is."""
        if self._all or self._texts is not None:
            return find(k, self._texts)
        enough = enough or k
        depth = max(k, 4 * enough)
        while depth <= DEEPEST:
            ids, scores = find(depth, None)
            passing = self.mask(ids)
            if np.count_nonzero(passing) >= enough or len(ids) < depth:
                return ids[passing][:k], scores[passing][:k]
            depth *= 4
        self._texts = self._all_texts()
        return find(k, self._texts)

    def mask(self, texts: Ids) -> NDArray[np.bool_]:
        """Which of these texts are let through."""
        if self._all:
            return np.ones(len(texts), np.bool_)
        if self._texts is not None:
            return np.isin(texts, self._texts)
        found = fetch_all(
            self._db,
            "SELECT passages.text FROM carray(?) AS asked CROSS JOIN passages ON passages.text = asked.value "
            f"CROSS JOIN files ON files.id = passages.file WHERE {self._where}",
            (id_array(texts), *self._bindings),
        )
        return np.isin(texts, np.array([text for (text,) in found], np.int64))

    def max_count(self, total: int) -> int:
        """How many texts of `total` may be let through at most, as far as that is known."""
        return total if self._texts is None else len(self._texts)

    def _texts_of_few_files(self, narrowed: Filter) -> Ids | None:
        """The texts let through, ascending; None where they are in many files."""
        where, bindings = where_clause(of_files(narrowed))
        most = max(FEW_FILES, fetch_value(self._db, "SELECT count(*) FROM files", int) // FEW_SHARE)
        found = fetch_all(self._db, f"SELECT id FROM files WHERE {where} LIMIT {most + 1}", bindings)
        if len(found) > most:
            return None
        passes, wanted = where_clause(of_passages(narrowed))
        return self._distinct(
            f"FROM passages WHERE file IN (SELECT value FROM carray(?)) AND {passes}",
            (id_array(np.array([file for (file,) in found], np.int64)), *wanted),
        )

    def _all_texts(self) -> Ids:
        return self._distinct(
            f"FROM files JOIN passages ON passages.file = files.id WHERE {self._where}", self._bindings
        )

    def _distinct(self, source: str, bindings: tuple[object, ...]) -> Ids:
        found = fetch_all(
            self._db, f"SELECT DISTINCT passages.text {source} ORDER BY passages.text", bindings
        )
        return np.fromiter((text for (text,) in found), np.int64, len(found))


@dataclass(frozen=True, slots=True)
class ResolvedFilter(Filter):
    """A filter whose excluded words were looked up in one snapshot of the index."""

    excluded: tuple[int, ...] = ()
    """Files that hold them."""


def of_files(narrowed: Filter) -> Filter:
    """The part of a filter that whole files pass or do not pass."""
    kept = tuple(other for other in narrowed.excluding if not other.heading)
    return replace(narrowed, heading="", excluding=kept)


def of_passages(narrowed: Filter) -> Filter:
    """The rest of it, which each passage passes or does not pass."""
    return Filter(
        heading=narrowed.heading, excluding=tuple(other for other in narrowed.excluding if other.heading)
    )


def is_of_passages(narrowed: Filter) -> bool:
    """Whether only passages can pass, so that a file without any does not."""
    return bool(narrowed.heading or narrowed.patterns)


def where_clause(narrowed: Filter) -> tuple[str, tuple[object, ...]]:
    """SQL over `files` and `passages` that holds exactly where the filter does, and its bindings.

    Lists are bound as JSON, so the SQL is as long for a thousand names as for one: SQLite bounds the depth
    of an expression and the number of bindings.
    """
    parts: list[str] = []
    bindings: list[object] = []

    def add(sql: str, *values: object) -> None:
        parts.append(sql)
        bindings.extend(values)

    if narrowed.files:
        add("files.path IN (SELECT unhex(value) FROM json_each(?))", _hex(narrowed.files))
    if 0 < len(narrowed.folders) <= FEW_FOLDERS and all(map(os.path.isabs, narrowed.folders)):
        under = [under_clause(folder, "files.path") for folder in narrowed.folders]
        add("(" + " OR ".join(sql for sql, _ in under) + ")", *(path for _, paths in under for path in paths))
    elif narrowed.folders:
        add(f"({_UNDER} OR {_IN_NAMED})", *_folders(narrowed.folders))
    if narrowed.kinds or narrowed.suffixes:
        add(
            "(files.kind IN (SELECT value FROM json_each(?)) OR EXISTS (SELECT 1 FROM json_each(?) AS asked "
            "WHERE substr(lower(CAST(files.path AS TEXT)), -length(asked.value)) = asked.value))",
            json.dumps(narrowed.kinds),
            json.dumps(narrowed.suffixes),
        )
    if narrowed.languages:
        add("files.language IN (SELECT value FROM json_each(?))", json.dumps(narrowed.languages))
    if narrowed.globs:
        globs = json.dumps([_glob(pattern) for pattern in narrowed.globs])
        add(
            "EXISTS (SELECT 1 FROM json_each(?) AS asked WHERE CAST(files.path AS TEXT) GLOB asked.value)",
            globs,
        )
    for name, values in narrowed.fields:
        add(_HAS_FIELD, json.dumps([name_key(value) for value in values]), name, name != "tag")
    if narrowed.heading:
        add("instr(lower(passages.heading), lower(?)) > 0", narrowed.heading)
    for sql, bound in (
        ("files.mtime_ns >= ?", narrowed.since_ns),
        ("files.mtime_ns < ?", narrowed.before_ns),
        ("files.size >= ?", narrowed.min_size),
        ("files.size <= ?", narrowed.max_size),
    ):
        if bound is not None:
            add(sql, bound)
    for other in narrowed.excluding:
        passes, bound_there = where_clause(other)
        if bound_there:
            add(f"NOT ({passes})", *bound_there)
    if isinstance(narrowed, ResolvedFilter) and len(narrowed.excluded):
        add("files.id NOT IN (SELECT value FROM carray(?))", id_array(np.array(narrowed.excluded, np.int64)))
    return " AND ".join(parts) or "1", tuple(bindings)


_HAS_FIELD = (
    "EXISTS (SELECT 1 FROM fields JOIN json_each(?) AS asked WHERE fields.file = files.id "
    "AND fields.name = ? AND (fields.value = asked.value "
    "OR (? AND instr(' ' || fields.value || ' ', ' ' || asked.value || ' '))))"
)
"""A field with a value that is one of those asked for, or holds its words; a tag is meant whole."""
_UNDER = (
    "EXISTS (SELECT 1 FROM json_each(?) AS asked WHERE files.path = unhex(asked.value) "
    "OR (files.path > unhex(asked.value || '2f') AND files.path < unhex(asked.value || '30')))"
)
"""At or under an absolute path, in hexadecimal; 2f is the slash and 30 the byte after it."""
_IN_NAMED = (
    "EXISTS (SELECT 1 FROM json_each(?) AS asked "
    "WHERE instr(lower(CAST(files.path AS TEXT)), lower(asked.value)) > 0)"
)
"""Under any folder of a name."""


def _folders(folders: Sequence[str]) -> tuple[str, str]:
    absolute = [folder.rstrip("/") for folder in folders if folder.startswith("/")]
    named = [f"/{folder.strip('/')}/" for folder in folders if not folder.startswith("/")]
    return _hex(absolute), json.dumps(named)


def _hex(paths: Sequence[str]) -> str:
    """Paths are any bytes, which JSON cannot hold."""
    return json.dumps([encode_path(path).hex() for path in paths])


def _glob(pattern: str) -> str:
    """A pattern without a slash at its front matches at any depth, as in an ignore file."""
    return pattern if pattern.startswith(("/", "*")) else f"*/{pattern}"
