"""Files with the same text, or nearly the same, folded into one: the best, with the paths of the others.

Two files are near-copies where they share most of their passages, or, of short files, most runs of words: a
change of one word makes another passage of a note. Only the files of one answer are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import numpy as np

from index.search.group_by_file import FileGroup, paths_of
from index.store.database import fetch_all, id_array
from index.store.one_row import fetch_json

ALIKE = 0.8
"""Jaccard index from which two files are near-copies."""
RUN = 4
"""Words of a run (Broder, "On the resemblance and containment of documents", 1997)."""
SHORT = 4
"""Passages of a file whose runs of words are compared."""
MOST = 200
"""Passages of a file that are looked at."""
TIMES = 2
"""Files that are found for each that is shown, so that folding leaves enough."""
_WORD = re.compile(r"\w+")
_BEGINNING = (
    "carray(?) AS wanted CROSS JOIN passages ON passages.file = wanted.value AND passages.ordinal < ?"
)
_TEXT_IDS = f"SELECT json_group_array(json_array(passages.file, passages.text)) FROM {_BEGINNING}"
_TEXTS = (
    f"SELECT passages.file, texts.text FROM {_BEGINNING} CROSS JOIN texts ON texts.id = passages.text "
    "ORDER BY passages.file, passages.ordinal"
)


@dataclass(frozen=True, slots=True)
class _Content:
    """What of a file is compared: the ids of its texts, and its runs of words where it is short."""

    texts: frozenset[int]
    runs: frozenset[tuple[str, ...]]


def folded(
    db: apsw.Connection, groups: Sequence[FileGroup], limit: int
) -> list[tuple[FileGroup, tuple[str, ...]]]:
    """At most `limit` files, none a near-copy of one before it; each with the paths of its copies."""
    contents = _contents(db, [group[0].file for group in groups])
    kept: list[tuple[_Content, FileGroup, list[int]]] = []
    for group in groups:
        file = group[0].file
        content = contents[file]
        copies = next((files for known, _, files in kept if _alike(known, content)), None)
        if copies is not None:
            copies.append(file)
        elif len(kept) < limit:
            kept.append((content, group, []))
    paths = paths_of(db, [file for _, _, files in kept for file in files])
    return [(group, tuple(paths[file] for file in files)) for _, group, files in kept]


def _contents(db: apsw.Connection, files: Sequence[int]) -> dict[int, _Content]:
    """What of each file is compared. Reads the texts themselves only of short files."""
    texts: dict[int, set[int]] = {file: set() for file in files}
    for file, text in fetch_json(db, _TEXT_IDS, (_array(files), MOST)):
        texts[file].add(text)
    written: dict[int, list[str]] = {file: [] for file, ids in texts.items() if len(ids) <= SHORT}
    for file, text in fetch_all(db, _TEXTS, (_array(list(written)), MOST)):
        written[file].append(text)
    runs = {file: _runs(" ".join(parts)) for file, parts in written.items()}
    return {file: _Content(frozenset(ids), runs.get(file, frozenset())) for file, ids in texts.items()}


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    if len(words) < RUN:
        return frozenset([tuple(words)] if words else [])
    return frozenset(zip(*(words[first:] for first in range(RUN)), strict=False))


def _array(files: Sequence[int]) -> object:
    return id_array(np.array(files, np.int64))


def _alike(one: _Content, other: _Content) -> bool:
    return _resemble(one.texts, other.texts) or _resemble(one.runs, other.runs)


def _resemble(one: frozenset[Any], other: frozenset[Any]) -> bool:
    """Whether the Jaccard index is high enough; it is at most the ratio of the sizes."""
    if one.isdisjoint(other):
        return False
    fewer, more = sorted((len(one), len(other)))
    if fewer / more < ALIKE:
        return False
    shared = len(one & other)
    return shared / (fewer + more - shared) >= ALIKE
