"""The files that a file links to, and those that link to it, by the names in the links.

If several files have the name in a link, it means the one nearest to the linking file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search import group_by_file
from index.search.filter_sql import where_clause
from index.store import vectors
from index.store.database import fetch_all
from index.store.facts import stem_key
from index.store.fts_query import EMPTY_QUERY
from index.store.row_codec import encode_path
from index.types import Filter, Hit

LINKED = 0.15
"""The similarity that a link in either direction adds to two files."""
MOST = 50
"""Files returned for each direction."""
_CANDIDATES = 200
"""Links, or files of one name, that are considered."""
_FINDABLE = "(files.state = 'indexed' OR files.kind != '')"


def outgoing(db: apsw.Connection, path: str) -> list[str]:
    """The files that the file at `path` links to."""
    targets = fetch_all(
        db,
        "SELECT target FROM links JOIN files ON files.id = links.file WHERE files.path = ? LIMIT ?",
        (encode_path(path), _CANDIDATES),
    )
    found = dict.fromkeys(_meant(db, path, target) for (target,) in targets)
    return [one for one in found if one and one != path][:MOST]


def incoming(db: apsw.Connection, path: str) -> list[str]:
    """The files that link to the file at `path`, the newest first."""
    aliases = fetch_all(
        db,
        "SELECT value FROM all_fields JOIN files ON files.id = all_fields.file "
        "WHERE files.path = ? AND all_fields.name = 'alias'",
        (encode_path(path),),
    )
    found: dict[str, None] = {}
    for name in {stem_key(path), *(value for (value,) in aliases)}:
        sources = fetch_all(
            db,
            "SELECT files.path FROM links JOIN files ON files.id = links.file WHERE links.target = ? "
            "ORDER BY files.mtime_ns DESC LIMIT ?",
            (name, _CANDIDATES),
        )
        linking = [os.fsdecode(source) for (source,) in sources]
        found |= dict.fromkeys(one for one in linking if one != path and _meant(db, one, name) == path)
    return list(found)[:MOST]


def beginnings(
    db: apsw.Connection,
    number: int,
    vector: NDArray[np.float32],
    paths: Sequence[str],
    filter_: Filter,
) -> dict[str, Hit]:
    """The first passage of each of these files that passes the filter, with its similarity."""
    where, bindings = where_clause(filter_)
    found: dict[str, Hit] = {}
    for path in paths:
        sql = (
            "SELECT passages.text FROM files JOIN passages ON passages.file = files.id "
            f"WHERE files.path = ? AND {where} ORDER BY ordinal LIMIT 1"
        )
        first = fetch_all(db, sql, (encode_path(path), *bindings))
        hit = group_by_file.beginning(db, EMPTY_QUERY, path) if first else None
        if hit is not None:
            _, known = vectors.cosines(db, number, vector[None], [text for (text,) in first])
            cosine = float(known[0, 0]) if len(known) else 0.0
            found[path] = replace(hit, score=cosine, similarity=cosine)
    return found


def join_linked(near: Sequence[Hit], linked: dict[str, Hit]) -> tuple[Hit, ...]:
    """One list by score, in which links count."""
    known = {hit.path: hit for hit in near}
    known = linked | known
    scores = {path: hit.score + LINKED * (path in linked) for path, hit in known.items()}
    hits = (replace(hit, score=min(1.0, max(0.0, scores[path]))) for path, hit in known.items())
    return tuple(sorted(hits, key=lambda hit: -hit.score))


def _meant(db: apsw.Connection, source: str, target: str) -> str:
    """The file of that name or alias that is nearest to `source`; empty where there is none."""
    found = fetch_all(
        db,
        f"SELECT files.path FROM files WHERE stem = ? AND {_FINDABLE} UNION "
        "SELECT files.path FROM all_fields JOIN files ON files.id = all_fields.file "
        "WHERE all_fields.name = 'alias' AND all_fields.value = ? LIMIT ?",
        (target, target, _CANDIDATES),
    )
    return max(
        (os.fsdecode(path) for (path,) in found),
        key=lambda path: (len(os.path.commonpath([path, source])), -len(path), path),
        default="",
    )
