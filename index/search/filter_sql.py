"""The conditions of a filter as SQL.

Owns the translation of `Filter` into a WHERE clause over `files` and `passages`. Runs no query.

Lists are bound as JSON, so the SQL is as long for a thousand names as for one: SQLite limits the depth of an
expression and the number of bindings.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import apsw
import numpy as np

from index.search.many_values import GlobCandidates, NamedFolders, Suffixes
from index.store.database import id_array
from index.store.facts import name_key
from index.store.row_codec import encode_path, under_clause
from index.store.word_forms import casefolded
from index.types import Filter

FEW_FOLDERS = 16
"""Absolute folders up to which each gets a condition of its own, for which SQLite uses the index of paths."""
FEW_VALUES = 4
"""Values up to which SQLite compares a path with each faster than Python looks it up."""

_UNITED = ("files", "folders", "kinds", "suffixes", "languages", "globs")
"""Lists of which one value is enough to pass."""

_Condition = tuple[str, tuple[object, ...]]
"""SQL and its bindings."""

_HAS_KIND = "files.kind IN (SELECT value FROM json_each(?))"
_HAS_SUFFIX = (
    "EXISTS (SELECT 1 FROM json_each(?) AS wanted "
    "WHERE substr(lower(CAST(files.path AS TEXT)), -length(wanted.value)) = wanted.value)"
)
_MATCHES_GLOB = "EXISTS (SELECT 1 FROM json_each({}) AS wanted WHERE {} GLOB wanted.value)"
_LOOKUP = "lookup(files.path, ?)"
_HAS_FIELD = (
    "EXISTS (SELECT 1 FROM all_fields JOIN json_each(?) AS wanted WHERE all_fields.file = files.id "
    "AND all_fields.name = ? AND (all_fields.value = wanted.value "
    "OR (? AND instr(' ' || all_fields.value || ' ', ' ' || wanted.value || ' '))))"
)
"""Has a field whose value is one of the given ones, or holds its words; a tag must be equal."""
_UNDER = (
    "files.id IN (SELECT under.id FROM json_each(?) AS wanted CROSS JOIN files AS under "
    "WHERE under.path = unhex(wanted.value) "
    "OR (under.path > unhex(wanted.value || '2f') AND under.path < unhex(wanted.value || '30')))"
)
"""Is at or under an absolute path, in hexadecimal: 2f is the slash and 30 the byte after it.

CROSS JOIN makes SQLite search the index of paths. Without it, each file is compared with every path."""
_IN_NAMED = (
    "EXISTS (SELECT 1 FROM json_each(?) AS wanted "
    "WHERE instr(lower(CAST(files.path AS TEXT)), lower(wanted.value)) > 0)"
)
"""Is under a folder with one of the names, which are ASCII."""
_HEADINGS = "passages.heading || char(31) || coalesce(passages.places, '')"
"""A passage may hold parts under other headings than its first words'."""


@dataclass(frozen=True, slots=True)
class ResolvedFilter(Filter):
    """A filter whose excluded words were looked up in one snapshot of the index."""

    excluded: tuple[int, ...] = ()
    """Ids of the files that hold them."""


def of_files(filter_: Filter) -> Filter:
    """The part of a filter that applies to whole files."""
    kept = tuple(other for other in filter_.excluding if not other.heading)
    return replace(filter_, heading="", excluding=kept)


def of_passages(filter_: Filter) -> Filter:
    """The part of a filter that applies to each passage."""
    return Filter(
        heading=filter_.heading, excluding=tuple(other for other in filter_.excluding if other.heading)
    )


def is_of_passages(filter_: Filter) -> bool:
    """Whether only passages can pass, so that a file without passages cannot."""
    return bool(filter_.heading or filter_.patterns)


def united(excluding: Sequence[Filter]) -> tuple[Filter, ...]:
    """The same exclusions, with those by one list each as one: what is in neither of two folders."""
    if len(excluding) <= 1:
        return tuple(excluding)
    defaults = {one.name: one.default for one in dataclasses.fields(Filter)}
    lists: dict[str, list[str]] = {}
    rest: list[Filter] = []
    for other in excluding:
        used = [name for name, default in defaults.items() if getattr(other, name) != default]
        if len(used) == 1 and used[0] in _UNITED:
            lists.setdefault(used[0], []).extend(getattr(other, used[0]))
        else:
            rest.append(other)
    return (*rest, *(Filter(**{name: tuple(values)}) for name, values in lists.items()))  # type: ignore[arg-type]


def where_clause(filter_: Filter) -> _Condition:
    """SQL over `files` and `passages` that is true exactly where the filter lets a row pass."""
    conditions = [
        *_on_paths(filter_),
        *_on_documents(filter_),
        *_on_numbers(filter_),
        *_exclusions(filter_),
    ]
    return _all_of(conditions)


def _all_of(conditions: Sequence[_Condition]) -> _Condition:
    """Their conjunction, halved again and again: SQLite limits the depth of an expression to 1,000."""
    if len(conditions) <= 1:
        return conditions[0] if conditions else ("1", ())
    half = len(conditions) // 2
    (left, first), (right, second) = _all_of(conditions[:half]), _all_of(conditions[half:])
    return f"({left} AND {right})", (*first, *second)


def _on_paths(filter_: Filter) -> Iterator[_Condition]:
    if filter_.files:
        yield "files.path IN (SELECT unhex(value) FROM json_each(?))", (_hex(filter_.files),)
    if filter_.folders:
        yield _in_folders(filter_.folders)
    if filter_.globs:
        yield _matching_globs([_glob(pattern) for pattern in filter_.globs])


def _matching_globs(patterns: Sequence[str]) -> _Condition:
    """Matches a pattern, case and the way of writing accents ignored, as disks may do."""
    patterns = [casefolded(pattern) for pattern in patterns]
    ascii_only = "".join(patterns).isascii()
    path = (
        "lower(CAST(files.path AS TEXT))" if ascii_only else "casefolded(files.path)"
    )  # a hundredth as fast
    if len(patterns) <= FEW_VALUES:
        return _MATCHES_GLOB.format("?", path), (json.dumps(patterns),)
    return _MATCHES_GLOB.format(_LOOKUP, path), (apsw.pyobject(GlobCandidates(patterns)),)


def _in_folders(folders: Sequence[str]) -> _Condition:
    absolute = [folder.rstrip("/") for folder in folders if folder.startswith("/")]
    if len(absolute) == len(folders) <= FEW_FOLDERS:
        under = [under_clause(folder, "files.path") for folder in folders]
        return "(" + " OR ".join(sql for sql, _ in under) + ")", tuple(
            path for _, two in under for path in two
        )
    in_named, names = _in_named([folder.strip("/") for folder in folders if not folder.startswith("/")])
    return f"({_UNDER} OR {in_named})", (_hex(absolute), *names)


def _in_named(names: Sequence[str]) -> _Condition:
    if len(names) <= FEW_VALUES and "".join(names).isascii():
        return _IN_NAMED, (json.dumps([f"/{name}/" for name in names]),)
    return _LOOKUP, (apsw.pyobject(NamedFolders(names)),)


def _on_documents(filter_: Filter) -> Iterator[_Condition]:
    if filter_.kinds or filter_.suffixes:
        suffix, suffixes = _has_suffix(filter_.suffixes)
        yield f"({_HAS_KIND} OR {suffix})", (json.dumps(filter_.kinds), *suffixes)
    if filter_.languages:
        yield "files.language IN (SELECT value FROM json_each(?))", (json.dumps(filter_.languages),)
    for name, values in filter_.fields:
        yield _HAS_FIELD, (json.dumps([name_key(value) for value in values]), name, name != "tag")
    if filter_.heading:
        fold = "lower" if filter_.heading.isascii() else "casefolded"  # a hundredth as fast
        yield f"instr({fold}({_HEADINGS}), {fold}(?)) > 0", (filter_.heading,)


def _has_suffix(suffixes: Sequence[str]) -> _Condition:
    if len(suffixes) <= FEW_VALUES:
        return _HAS_SUFFIX, (json.dumps(suffixes),)
    return _LOOKUP, (apsw.pyobject(Suffixes(suffixes)),)


def _on_numbers(filter_: Filter) -> Iterator[_Condition]:
    for sql, bound in (
        ("files.mtime_ns >= ?", filter_.since_ns),
        ("files.mtime_ns < ?", filter_.before_ns),
        ("files.size >= ?", filter_.min_size),
        ("files.size <= ?", filter_.max_size),
    ):
        if bound is not None:
            yield sql, (bound,)


def _exclusions(filter_: Filter) -> Iterator[_Condition]:
    for other in filter_.excluding:
        sql, bindings = where_clause(other)
        if bindings:
            yield f"NOT ({sql})", bindings
    if isinstance(filter_, ResolvedFilter) and filter_.excluded:
        ids = id_array(np.array(filter_.excluded, np.int64))
        yield "files.id NOT IN (SELECT value FROM carray(?))", (ids,)


def _hex(paths: Sequence[str]) -> str:
    """Paths in hexadecimal: they can be any bytes, which JSON cannot hold."""
    return json.dumps([encode_path(path).hex() for path in paths])


def _glob(pattern: str) -> str:
    """A pattern that does not begin with a slash matches at any depth, as in an ignore file."""
    return pattern if pattern.startswith(("/", "*")) else f"*/{pattern}"
