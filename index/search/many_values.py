"""Finds which of many values of a filter a path has, in time that does not grow with their number.

Owns the tables that SQL asks, once a file, through its function `lookup`: comparing each file with each value
takes seconds for some thousand values. Runs no query.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable

from index.store.word_forms import casefolded

_WILDCARD = re.compile(r"[*?\[\]]")


class NamedFolders:
    """Whether a path is under a folder with one of the names; a name may be the last parts of its path."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(casefolded(name) for name in names)
        self._lengths = {name.count("/") + 1 for name in self._names}
        self._known: dict[bytes, bool] = {}

    def __call__(self, path: bytes) -> bool:
        folder = path.rpartition(b"/")[0]
        found = self._known.get(folder)
        if found is None:
            found = self._known[folder] = self._is_under_one(casefolded(os.fsdecode(folder)).split("/")[1:])
        return found

    def _is_under_one(self, parts: list[str]) -> bool:
        return any(
            "/".join(parts[first : first + length]) in self._names
            for length in self._lengths
            for first in range(len(parts) - length + 1)
        )


class Suffixes:
    """Whether a path ends with one of the suffixes, which are in lower case."""

    def __init__(self, suffixes: Iterable[str]) -> None:
        self._suffixes = frozenset(os.fsencode(suffix) for suffix in suffixes)
        self._lengths = {len(suffix) for suffix in self._suffixes}

    def __call__(self, path: bytes) -> bool:
        path = path.lower()
        return any(path[-length:] in self._suffixes for length in self._lengths)


class GlobCandidates:
    """The casefolded patterns that a path may match, as JSON: those that end as it does, or name one of its
    folders.

    A pattern that does neither (`*/draft*`) is a candidate for each path.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._by_end: dict[str, list[str]] = defaultdict(list)
        self._by_part: dict[str, list[str]] = defaultdict(list)
        for pattern in patterns:
            end = _WILDCARD.split(pattern)[-1]
            parts = [part for part in pattern.split("/")[1:-1] if part and not _WILDCARD.search(part)]
            if not end and parts:
                self._by_part[parts[-1]].append(pattern)
            else:
                self._by_end[end].append(pattern)
        self._lengths = {len(end) for end in self._by_end}

    def __call__(self, path: bytes) -> str:
        folded = casefolded(os.fsdecode(path))
        found: list[str] = []
        for length in self._lengths:
            found += self._by_end.get(folded[len(folded) - length :], ()) if length <= len(folded) else ()
        if self._by_part:
            for part in {*folded.split("/")}:
                found += self._by_part.get(part, ())
        return json.dumps(found)
