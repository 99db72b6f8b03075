"""Files with the same text, or nearly the same, folded into one: the best, with the paths of the others.

Two files are near-copies where they share most of their passages, or, of short files, most runs of words: a
change of one word makes another passage of a note. Only the files of one answer are compared.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from index.search.group_by_file import FileGroup
from index.store.database import fetch_all

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


@dataclass(frozen=True, slots=True)
class _Content:
    """What of a file is compared: the ids of its texts, and its runs of words where it is short."""

    texts: frozenset[int]
    runs: frozenset[int]


def folded(
    db: apsw.Connection, groups: Sequence[FileGroup], limit: int
) -> list[tuple[FileGroup, tuple[str, ...]]]:
    """At most `limit` files, none a near-copy of one before it; each with the paths of its copies."""
    kept: list[tuple[_Content, FileGroup, list[str]]] = []
    for group in groups:
        content = _content(db, group[0].file)
        copies = next((paths for known, _, paths in kept if _alike(known, content)), None)
        if copies is not None:
            copies.append(os.fsdecode(group[0].path))
        elif len(kept) < limit:
            kept.append((content, group, []))
    return [(group, tuple(copies)) for _, group, copies in kept]


def _content(db: apsw.Connection, file: int) -> _Content:
    """Reads the texts themselves only of a short file."""
    of_file = "FROM passages WHERE file = ? ORDER BY ordinal LIMIT ?"
    texts = frozenset(id_ for (id_,) in fetch_all(db, f"SELECT text {of_file}", (file, MOST)))
    if len(texts) > SHORT:
        return _Content(texts, frozenset())
    joined = (
        f"SELECT texts.text FROM (SELECT text, ordinal {of_file}) AS own JOIN texts ON texts.id = own.text"
    )
    words = _WORD.findall(" ".join(text for (text,) in fetch_all(db, joined, (file, MOST))).casefold())
    runs = (tuple(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1)))
    return _Content(texts, frozenset(map(hash, runs)) if words else frozenset())


def _alike(one: _Content, other: _Content) -> bool:
    return _jaccard(one.texts, other.texts) >= ALIKE or _jaccard(one.runs, other.runs) >= ALIKE


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
