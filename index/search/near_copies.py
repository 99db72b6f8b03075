"""Hits of files with the same text, or nearly the same, folded into one: the best, with the others' paths.

Two files are near-copies where they share most of their passages, or, of short files, most runs of words: a
change of one word makes another passage of a note. Only the files of one answer are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import apsw

from index.store.database import fetch_all
from index.store.row_codec import encode_path
from index.types import Hit

ALIKE = 0.8
"""Jaccard index from which two files are near-copies."""
RUN = 4
"""Words of a run (Broder, "On the resemblance and containment of documents", 1997)."""
SHORT = 4
"""Passages of a file whose runs of words are compared."""
MOST = 200
"""Passages of a file that are looked at."""
TIMES = 3
"""Files that are found for each that is shown, so that folding leaves enough."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Content:
    """What of a file is compared: the ids of its texts, and its runs of words where it is short."""

    texts: frozenset[int]
    runs: frozenset[int]


def folded(db: apsw.Connection, hits: Sequence[Hit], limit: int) -> tuple[Hit, ...]:
    """At most `limit` hits, none a near-copy of one before it; each has the paths of its copies."""
    kept: list[tuple[_Content, Hit]] = []
    copies: dict[str, list[str]] = {}
    for hit in hits:
        content = _content(db, hit.path)
        first = next((one for known, one in kept if _alike(known, content)), None)
        if first is not None:
            copies.setdefault(first.path, []).append(hit.path)
        elif len(kept) < limit:
            kept.append((content, hit))
    return tuple(replace(hit, copies=tuple(copies.get(hit.path, ()))) for _, hit in kept)


def _content(db: apsw.Connection, path: str) -> _Content:
    found = fetch_all(
        db,
        "SELECT texts.id, texts.text FROM files JOIN passages ON passages.file = files.id "
        "JOIN texts ON texts.id = passages.text WHERE files.path = ? ORDER BY ordinal LIMIT ?",
        (encode_path(path), MOST),
    )
    texts = frozenset(text for text, _ in found)
    if len(found) > SHORT:
        return _Content(texts, frozenset())
    words = _WORD.findall(" ".join(words for _, words in found).casefold())
    runs = (tuple(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1)))
    return _Content(texts, frozenset(map(hash, runs)) if words else frozenset())


def _alike(one: _Content, other: _Content) -> bool:
    return _jaccard(one.texts, other.texts) >= ALIKE or _jaccard(one.runs, other.runs) >= ALIKE


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
