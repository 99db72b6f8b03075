"""Ranked texts to hits: which files hold them, one result a file, its best passages beneath."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import apsw
import numpy as np

from index import filters
from index.database import row, rows
from index.question import Question
from index.ranking import Ranked
from index.records import decode_heading, decode_inode
from index.snippet import snippet
from index.types import Filter, Hit

MORE = 3
"""Further passages shown beneath a file's best."""
SHARED = 50
"""Files of one text that are shown at most."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A passage that holds the i-th ranked text."""

    file: int
    ordinal: int
    i: int


def group(
    db: apsw.Connection, question: Question, ranked: Ranked, limit: int, narrowed: Filter, *, explain: bool
) -> tuple[Hit, ...]:
    """At most `limit` files in the order of their best passage."""
    groups: dict[int, list[_Place]] = {}
    for place in _places(db, ranked, narrowed, limit):
        if place.file in groups:
            if len(groups[place.file]) <= MORE:
                groups[place.file].append(place)
        elif len(groups) < limit:
            groups[place.file] = [place]
    hits: list[Hit] = []
    for places in groups.values():
        first, *others = [_hit(db, question, ranked, place, explain=explain) for place in places]
        hits.append(replace(first, more=tuple(others)))
    return tuple(hits)


def paths(db: apsw.Connection, ranked: Ranked, limit: int) -> list[tuple[str, float]]:
    """At most `limit` paths in the order of their best passage, and its score."""
    best: dict[int, float] = {}
    for place in _places(db, ranked, Filter(), limit):
        best.setdefault(place.file, float(ranked.scores[place.i]))
    names = dict(
        rows(
            db,
            "SELECT id, path FROM files WHERE id IN (SELECT value FROM carray(?))",
            (apsw.carray(np.array([*best, -1], np.int64)),),
        )
    )
    return [(os.fsdecode(names[file]), score) for file, score in list(best.items())[:limit]]


def _places(db: apsw.Connection, ranked: Ranked, narrowed: Filter, limit: int) -> list[_Place]:
    """Where the ranked texts stand among what the filter lets through, best first, newest file first."""
    where, bindings = filters.clause(narrowed)
    sql = (
        "SELECT passages.file, passages.ordinal FROM passages JOIN files ON files.id = passages.file "
        f"WHERE passages.text = ? AND {where} ORDER BY files.mtime_ns DESC, files.path LIMIT {SHARED}"
    )
    places: list[_Place] = []
    files: set[int] = set()
    for i in np.argsort(-ranked.scores, kind="stable"):
        found = rows(db, sql, (int(ranked.ids[i]), *bindings))
        places += [_Place(file, ordinal, int(i)) for file, ordinal in found]
        files |= {file for file, _ in found}
        if len(files) > 2 * limit:
            break
    return places


def _hit(db: apsw.Connection, question: Question, ranked: Ranked, place: _Place, *, explain: bool) -> Hit:
    path, size, mtime_ns, inode, kind, language, title, own_title, heading, page, line, start, end, text = (
        row(
            db,
            "SELECT files.path, files.size, files.mtime_ns, files.inode, files.kind, files.language, "
            "files.title, passages.title, passages.heading, passages.page, passages.line, "
            "passages.start, passages.end, texts.text "
            "FROM passages JOIN files ON files.id = passages.file JOIN texts ON texts.id = passages.text "
            "WHERE passages.file = ? AND passages.ordinal = ?",
            (place.file, place.ordinal),
        )
    )
    score, cosine, words = (float(part[place.i]) for part in (ranked.scores, ranked.cosines, ranked.words))
    shown, matched = snippet(db, question, text)
    parts = {"score": score, "similarity": cosine, "words": words} if explain else {}
    return Hit(
        path=os.fsdecode(path),
        title=own_title if own_title is not None else title,
        heading=decode_heading(heading),
        page=page,
        line=line,
        start=start,
        end=end,
        text=text,
        snippet=shown,
        score=min(1.0, max(0.0, score)),
        similarity=None if np.isnan(cosine) else cosine,
        words=None if np.isnan(words) else words,
        modified_ns=mtime_ns,
        size=size,
        inode=decode_inode(inode),
        kind=kind,
        language=language,
        matched=matched,
        explain={name: part for name, part in parts.items() if not np.isnan(part)},
    )
