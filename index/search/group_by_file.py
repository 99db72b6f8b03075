"""Ranked texts to hits: one hit for each file that holds them, with its other passages inside."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import apsw
import numpy as np

from index.passages.snippet import snippet
from index.place import decode_places, place_at
from index.search.filter_sql import where_clause
from index.search.ranking import Ranked
from index.store.database import fetch_all, id_array
from index.store.facts import TITLE_SAID
from index.store.fts_query import ParsedQuery
from index.store.one_row import fetch_json
from index.store.row_codec import decode_heading, decode_inode, encode_path
from index.types import Filter, Hit, Passage

MORE = 3
"""Further passages of a file below its best one."""
SHARED = 50
"""Files with the same text that are considered: copies of a licence can be in thousands."""


class StoredPassage(NamedTuple):
    """A passage and its file, as stored."""

    file: int
    path: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    kind: str
    language: str
    title: str
    heading: str
    page: int | None
    line: int
    start: int
    end: int
    places: str | None
    text: str

    def decoded(self) -> Passage:
        """The passage with its headings and places."""
        heading = decode_heading(self.heading)
        places = decode_places(self.places, heading)
        return Passage(self.text, self.start, self.end, self.line, self.title, heading, self.page, 0, places)


COLUMNS = (
    "files.id, files.path, files.size, files.mtime_ns, files.ctime_ns, files.inode, files.kind, "
    f"files.language, coalesce({TITLE_SAID}, passages.title, files.title), passages.heading, "
    "passages.page, passages.line, passages.start, passages.end, passages.places, texts.text"
)
_PASSAGES = (
    f"SELECT {COLUMNS} FROM json_each(?) AS wanted CROSS JOIN passages "
    "ON passages.file = wanted.value ->> 0 AND passages.ordinal = wanted.value ->> 1 "
    "CROSS JOIN files ON files.id = passages.file CROSS JOIN texts ON texts.id = passages.text"
)
"""The passages of given files and ordinals, in that order."""


class RankedPassage(NamedTuple):
    """The number of a passage that holds the i-th ranked text."""

    i: int
    file: int
    ordinal: int


FileGroup = list[RankedPassage]
"""The passages of one file that answer, best first."""


def group_passages(
    db: apsw.Connection, ranked: Ranked, limit: int, filter_: Filter, *, copies: bool = False
) -> list[FileGroup]:
    """At most `limit` files in the order of their best passages.

    `copies`: files with the same best passage count as one.
    """
    groups: dict[int, FileGroup] = {}
    best: set[int] = set()
    most = limit + SHARED if copies else limit
    for passage in _ranked_passages(db, ranked, filter_, limit):
        if passage.file in groups:
            if len(groups[passage.file]) <= MORE:
                groups[passage.file].append(passage)
        elif len(groups) < most and (passage.i in best or len(best) < limit):
            groups[passage.file] = [passage]
            best.add(passage.i)
    return list(groups.values())


def hits_of_groups(
    db: apsw.Connection,
    ranked: Ranked,
    groups: Sequence[tuple[FileGroup, tuple[str, ...]]],
    heading: str,
    *,
    explain: bool,
    ample: bool,
) -> tuple[Hit, ...]:
    """Files, given with the paths of their copies, as hits: each its best passage, with its others inside.

    `ample`: the first has a longer snippet.
    """
    passages = [passage for group, _ in groups for passage in group]
    numbers = json.dumps([passage[1:] for passage in passages])
    stored = zip(passages, fetch_all(db, _PASSAGES, (numbers,)), strict=True)
    found: list[Hit] = []
    for place, (group, copies) in enumerate(groups):
        first, *others = [
            _ranked_hit(
                db,
                ranked,
                number.i,
                StoredPassage(*row),
                heading,
                explain=explain,
                ample=ample and place == 0 and number is group[0],
            )
            for number, row in itertools.islice(stored, len(group))
        ]
        found.append(replace(first, more=tuple(others), copies=copies))
    return tuple(found)


def beginning(db: apsw.Connection, query: ParsedQuery, path: str) -> Hit | None:
    """The first passage of a file as a hit; None where it has none."""
    sql = (
        f"SELECT {COLUMNS} FROM files JOIN passages ON files.id = passages.file "
        "JOIN texts ON texts.id = passages.text WHERE files.path = ? ORDER BY ordinal LIMIT 1"
    )
    found = [StoredPassage(*one) for one in fetch_all(db, sql, (encode_path(path),))]
    return replace(hit_at(db, query, found[0]), score=1.0) if found else None


def ranked_paths(db: apsw.Connection, ranked: Ranked, limit: int) -> list[tuple[str, float]]:
    """At most `limit` paths with the scores of their best passages, best first."""
    best: dict[int, float] = {}
    for passage in _ranked_passages(db, ranked, Filter(), limit):
        best.setdefault(passage.file, float(ranked.scores[passage.i]))
    paths = paths_of(db, best)
    return [(paths[file], score) for file, score in list(best.items())[:limit]]


def paths_of(db: apsw.Connection, files: Iterable[int]) -> dict[int, str]:
    """The paths of files by their ids."""
    sql = "SELECT id, path FROM files WHERE id IN (SELECT value FROM carray(?))"
    found = fetch_all(db, sql, (id_array(np.fromiter(files, np.int64)),))
    return {file: os.fsdecode(path) for file, path in found}


def _ranked_passages(
    db: apsw.Connection, ranked: Ranked, filter_: Filter, limit: int
) -> Iterator[RankedPassage]:
    """The passages with the ranked texts that pass the filter, best first, of equal ones the newest file
    first; twice as many texts that bring a file as `limit`, so that the files have further passages."""
    where, bindings = where_clause(filter_)
    sql = (
        "SELECT json_group_array((SELECT json_group_array(json_array(file, ordinal)) FROM (SELECT file, "
        f"ordinal FROM passages JOIN files ON files.id = file WHERE passages.text = wanted.value AND {where} "
        f"ORDER BY files.mtime_ns DESC, files.path LIMIT {SHARED}))) FROM carray(?) AS wanted"
    )
    files: set[int] = set()
    order = np.argsort(-ranked.scores, kind="stable")
    at, left = 0, 2 * limit + 1
    while left and at < len(order):
        some = order[at : at + left]
        at += left
        held = fetch_json(db, sql, (*bindings, id_array(ranked.ids[some])))
        for i, passages in zip(some.tolist(), held, strict=True):
            found = [RankedPassage(i, file, ordinal) for file, ordinal in json.loads(passages)]
            yield from found
            left -= not files.issuperset(passage.file for passage in found)
            files |= {passage.file for passage in found}


def _ranked_hit(
    db: apsw.Connection,
    ranked: Ranked,
    i: int,
    place: StoredPassage,
    heading: str,
    *,
    explain: bool,
    ample: bool,
) -> Hit:
    parts_of_all = (ranked.scores, ranked.cosines, ranked.lexical_scores)
    score, cosine, words = (float(scores[i]) for scores in parts_of_all)
    parts = {"score": score, "similarity": cosine, "words": words} if explain else {}
    if explain and ranked.dates is not None and ranked.dates[i]:
        parts["date"] = float(ranked.dates[i])
    return replace(
        hit_at(db, ranked.query, place, heading, ample=ample),
        score=min(1.0, max(0.0, score)),
        similarity=None if np.isnan(cosine) else cosine,
        words=None if np.isnan(words) else words,
        explain={name: part for name, part in parts.items() if not np.isnan(part)},
        approximate=ranked.approximate is not None and bool(ranked.approximate[i]),
    )


def _stretch_under(passage: Passage, heading: str) -> tuple[int, int]:
    """The first part of the text under a heading with these words; all of it where there is none."""
    whole = (0, len(passage.text))
    if not heading or not passage.places:
        return whole
    ends = [*(place.offset for place in passage.places[1:]), len(passage.text)]
    wanted = heading.casefold()
    under = (
        (place.offset, end)
        for place, end in zip(passage.places, ends, strict=True)
        if any(wanted in part.casefold() for part in place.heading)
        and passage.text[place.offset : end].strip("#*-=~ \n")
    )
    return next(under, whole)


def _headings(passage: Passage) -> set[str]:
    """The title and every heading over a part of the text."""
    return {passage.title, *passage.heading, *(part for at in passage.places for part in at.heading)}


def hit_at(
    db: apsw.Connection,
    query: ParsedQuery,
    place: StoredPassage,
    heading: str = "",
    *,
    ample: bool = False,
) -> Hit:
    """The passage as a hit without a score; a sentence under `heading` is shown where that was asked for."""
    passage = place.decoded()
    first, end = _stretch_under(passage, heading)
    shown, matched, begins = snippet(db, query, place.text[first:end], _headings(passage), ample=ample)
    there = place_at(passage, first + begins)
    return Hit(
        path=os.fsdecode(place.path),
        title=place.title,
        heading=there.heading,
        page=there.page,
        line=there.line,
        start=place.start,
        end=place.end,
        text=place.text,
        snippet=shown,
        score=0.0,
        similarity=None,
        words=None,
        modified_ns=place.mtime_ns,
        ctime_ns=place.ctime_ns,
        size=place.size,
        inode=decode_inode(place.inode),
        kind=place.kind,
        language=place.language,
        matched=matched,
        first_line=place.line,
    )
