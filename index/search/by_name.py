"""Files found by their names: those whose name is the query, and those without text.

Owns who is found by name: every file but those withheld, which the index keeps without a kind. Ranks no
passages.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import apsw
import numpy as np

from index.search.filter_sql import is_of_passages, of_files, where_clause
from index.search.path_words import MATCHED, weight_in
from index.search.ranking import NamedFile, Ranked
from index.store.database import fetch_all, id_array
from index.store.facts import TITLE_SAID, name_key, stem_key
from index.store.fts_query import ParsedQuery
from index.store.row_codec import decode_inode
from index.types import Filter, Hit

SAME_STEM = 3
"""Files that come first because their stem is the query: a folder can hold hundreds with one stem."""
SAME_NAME = 100
"""Files with the name of the query that are considered: thousands can have one, such as README."""
LEAST = 0.5
"""Least share of the query, by weight, in the path of a file without text."""
IN_FOLDER = 0.5
"""Weight of a word in the name of a folder, where one in the name of the file counts 1."""
FILES = 50
"""Files without text that are considered: more than a page of results."""
MOST_RANKED = 20_000
"""Paths up to which all paths with words of the query are ranked; of more, only the newest are."""
FINDABLE = "(files.state = 'indexed' OR files.kind != '')"
_COLUMNS = (
    "files.id, files.path, files.size, files.mtime_ns, files.ctime_ns, files.inode, files.kind, "
    f"files.language, coalesce({TITLE_SAID}, files.title), files.reason"
)


def exact(db: apsw.Connection, query: str, filter_: Filter) -> list[NamedFile]:
    """Files whose name, stem, title or alias is the query, in any case and with any marks between its words.

    Those whose whole name it is come first, then the newest. A query with slashes names folders too.
    """
    folder, _, name = query.strip().strip("\"'").rpartition("/")
    stem, whole = name_key(PurePath(name).stem), name_key(name)
    if not whole or is_of_passages(filter_):
        return []
    where, bindings = where_clause(of_files(filter_))
    found = fetch_all(
        db,
        f"SELECT {_COLUMNS} FROM files WHERE (stem IN (?, ?) OR id IN (SELECT file FROM all_fields "
        f"WHERE name IN ('alias', 'title') AND value = ?)) AND {FINDABLE} AND {where} "
        "ORDER BY mtime_ns DESC, path LIMIT ?",
        (stem, whole, whole, *bindings, SAME_NAME),
    )
    files = [_file(one, 1.0) for one in found]
    files = [one for one in files if folder.casefold() in str(PurePath(one.hit.path).parent).casefold()]
    by_name = [one for one in files if name_key(PurePath(one.hit.path).name) == whole]
    by_stem = [one for one in files if one not in by_name and name_key(PurePath(one.hit.path).stem) == whole]
    titled = [one for one in files if stem_key(one.hit.path) not in (stem, whole)]
    by_name.sort(key=lambda one: PurePath(one.hit.path).name != name)
    return [*by_name, *by_stem[:SAME_STEM], *titled[:SAME_STEM]]


def hits(db: apsw.Connection, files: Sequence[int]) -> dict[int, Hit]:
    """Files by their ids as hits of nothing but their names."""
    sql = f"SELECT {_COLUMNS} FROM files WHERE id IN (SELECT value FROM carray(?))"
    found = fetch_all(db, sql, (id_array(np.array(files, np.int64)),))
    return {int(one[0]): _file(one, 1.0).hit for one in found}


def without_text(db: apsw.Connection, query: ParsedQuery, filter_: Filter) -> list[NamedFile]:
    """Files without passages whose paths hold most of the query, best first."""
    clauses = [clause for clause in query.clauses if clause.path_count]
    most = sum(clause.weight for clause in query.clauses)
    groups = query.groups or (tuple(clauses),)
    if is_of_passages(filter_) or not all(any(one in clauses for one in group) for group in groups):
        return []
    where, bindings = where_clause(of_files(filter_))
    joined = " AND ".join(f"({' OR '.join(clause.match for clause in group)})" for group in groups)
    paths = sum(clause.path_count for clause in clauses)
    order = "rank" if paths <= MOST_RANKED else "rowid DESC"
    found = fetch_all(
        db,
        "WITH matched AS MATERIALIZED (SELECT rowid AS id FROM names WHERE names MATCH ? "
        f"ORDER BY {order} LIMIT ?) "
        f"SELECT {_COLUMNS} FROM matched JOIN files USING (id) WHERE state != 'indexed' AND kind != '' "
        f"AND {where} LIMIT ?",
        (joined, MATCHED if filter_ == Filter() else MOST_RANKED, *bindings, FILES),
    )
    files: list[NamedFile] = []
    for one in found:
        path = os.fsdecode(one[1])
        in_name = weight_in(db, os.path.basename(path), clauses)  # noqa: PTH119
        anywhere = weight_in(db, path, clauses)
        share = (in_name + IN_FOLDER * (anywhere - in_name)) / most
        if share >= LEAST:
            files.append(_file(one, share))
    return sorted(files, key=lambda one: (-one.share, -one.hit.modified_ns))


def join_named(hits: Sequence[Hit], same: Sequence[Hit], ranked: Ranked, limit: int) -> tuple[Hit, ...]:
    """One list: first the files with that name, then hits and files without text by score.

    A third of the list at most are files without text, unless there is room: a folder of photos does not
    hide the notes about them.
    """
    paths = {hit.path for hit in same}
    hits = [hit for hit in hits if hit.path not in paths]
    named = [one for one in ranked.named if one.hit.path not in paths]
    room = max(limit // 3, limit - len(hits) - len(same))
    scored = [_with_score(one, ranked) for one in named[:room]]
    rest = sorted([*hits, *scored], key=lambda hit: -hit.score)
    return (*same, *rest)[:limit]


def name_confidence(named: Sequence[NamedFile], same: Sequence[NamedFile]) -> float:
    """The confidence, 0..1, that the query means a file by its name."""
    if same:
        return 1.0
    return 1 / (1 + math.exp(-20 * (named[0].share - LEAST))) if named else 0.0


def _with_score(one: NamedFile, ranked: Ranked) -> Hit:
    """The hit with the score of a passage that has the same lexical score and no vector yet."""
    from index.search import fusion

    known = ranked.cosines[~np.isnan(ranked.cosines)]
    if not len(known):
        return replace(one.hit, score=one.share)
    words = np.array([np.nan] * len(known) + [one.share], np.float32)
    cosines = np.append(known, np.float32(np.nan))
    return replace(one.hit, score=float(np.clip(fusion.fuse(cosines, words)[-1], 0, 1)))


def _file(stored: Sequence[object], share: float) -> NamedFile:
    _, path, size, mtime_ns, ctime_ns, inode, kind, language, title, reason = stored
    found = os.fsdecode(path)  # type: ignore[arg-type]
    return NamedFile(
        share,
        Hit(
            path=found,
            title=str(title) or os.path.basename(found),  # noqa: PTH119
            heading=(),
            page=None,
            line=0,
            start=0,
            end=0,
            text="",
            snippet=str(reason),
            score=share,
            similarity=None,
            words=share,
            modified_ns=mtime_ns,  # type: ignore[arg-type]
            ctime_ns=ctime_ns,  # type: ignore[arg-type]
            size=size,  # type: ignore[arg-type]
            inode=decode_inode(inode),  # type: ignore[arg-type]
            kind=str(kind),
            language=str(language),
        ),
    )
