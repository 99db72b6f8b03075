"""A question to hits: narrows, asks both lists, fuses, groups by file. Reads only.

The question's vector comes in; without one, words alone answer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import numpy as np
from numpy.typing import NDArray

from index import filters, fusion, lexical, vectors
from index.database import ReaderPool
from index.errors import QueryInvalid
from index.store import HEADINGS, encode_path
from index.types import Filter, Hit, Mode, Results

CANDIDATES = 200
"""Passages each list brings to the fusion."""
MORE = 3
"""Further passages shown beneath a file's best."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages that may answer: text ids with cosine (NaN: no vector) and lexical part (NaN: no word)."""

    ids: Ids
    cosines: Floats
    words: Floats


class Searcher:
    """Answers questions from the index; may be used from any thread."""

    def __init__(self, path: Path, *, resident: bool = False) -> None:
        self._pool = ReaderPool(Path(path))
        self._resident = resident

    def search(
        self,
        query: str,
        vector: Floats | None,
        *,
        mode: Mode = "hybrid",
        limit: int = 10,
        filter: Filter = Filter(),  # noqa: A002, B008
        explain: bool = False,
        typing: bool = False,
    ) -> Results:
        """The files that answer `query` best, each with its best passages.

        `vector` is the query's (768,) unit vector; without it, or in mode "words", words alone
        answer. `typing` matches the last word as a prefix.
        """
        if not query.strip():
            raise QueryInvalid("The question is empty.", "Type what you are looking for.")
        with self._pool.snapshot() as db:
            question = lexical.understand(db, query, typing=typing)
            allowed = filters.allowed(db, filter)
            found = self._candidates(db, question, _unit(vector), mode, max(CANDIDATES, 10 * limit), allowed)
            scores = _scores(found, mode)
            return Results(_hits(db, question, found, scores, limit, filter, explain), close=len(scores) > 0)

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        limit: int = 10,
        filter: Filter = Filter(),  # noqa: A002, B008
    ) -> Results:
        """What else is like the file at `path`, or like its passage at `line`; the file itself left out."""
        with self._pool.snapshot() as db:
            own, query = _subject(db, path, line)
            allowed = filters.allowed(db, filter)
            number = _generation(db)
            k = max(CANDIDATES, 10 * limit) + len(own)
            ids, cosines = vectors.nearest(db, number, vectors.shorten(query[None])[0], min(k, 4096), allowed)
            kept = ~np.isin(ids, np.array(sorted(own), np.int64))
            found = Candidates(ids[kept], cosines[kept], np.full(int(kept.sum()), np.nan, np.float32))
            question = lexical.Question("", (), 0)
            hits = _hits(db, question, found, found.cosines, limit + 1, filter, explain=False)
            hits = tuple(hit for hit in hits if hit.path != path)[:limit]
            return Results(hits, close=bool(hits))

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _candidates(
        self,
        db: apsw.Connection,
        question: lexical.Question,
        vector: Floats | None,
        mode: Mode,
        k: int,
        allowed: Ids | None,
    ) -> Candidates:
        number = _generation(db)
        by_words, bm25 = np.empty(0, np.int64), np.empty(0, np.float32)
        by_meaning = np.empty(0, np.int64)
        if mode != "meaning" or question.required:
            by_words, bm25 = lexical.best(db, question, k, allowed)
        if vector is not None and mode != "words" and number:
            within = by_words if question.required else allowed
            by_meaning, _ = vectors.nearest(
                db, number, vectors.shorten(vector[None])[0], min(k, 4096), within
            )
        ids = np.union1d(by_words, by_meaning).astype(np.int64)
        words = np.full(len(ids), np.nan, np.float32)
        words[np.searchsorted(ids, by_words)] = bm25
        cosines = np.full(len(ids), np.nan, np.float32)
        if vector is not None and mode != "words" and number:
            true = vectors.cosines(db, number, vector, [int(i) for i in ids])
            cosines = np.array([true.get(int(i), np.nan) for i in ids], np.float32)
        return Candidates(ids, cosines, words)


def _unit(vector: Floats | None) -> Floats | None:
    if vector is None:
        return None
    vector = np.asarray(vector, np.float32).reshape(-1)
    if vector.shape != (vectors.FULL,) or not np.isfinite(vector).all() or not vector.any():
        raise QueryInvalid(
            "The question's vector is not a vector of 768 numbers.", "This is a bug; report it."
        )
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _generation(db: apsw.Connection) -> int:
    row = db.execute("SELECT number FROM generations WHERE serving").fetchone()
    return int(row[0]) if row else 0


def _scores(found: Candidates, mode: Mode) -> Floats:
    words = np.nan_to_num(found.words / max(float(np.nanmax(found.words, initial=1e-6)), 1e-6))
    if mode == "words" or np.isnan(found.cosines).all():
        return np.asarray(words, np.float32)
    cosines = np.nan_to_num(found.cosines)
    if mode == "meaning":
        return np.asarray(np.clip(cosines, 0, 1), np.float32)
    return fusion.fuse(cosines, np.asarray(words, np.float32)).scores


def _hits(
    db: apsw.Connection,
    question: lexical.Question,
    found: Candidates,
    scores: Floats,
    limit: int,
    narrowed: Filter,
    explain: bool,
) -> tuple[Hit, ...]:
    """The best passages, grouped by file, files in the order of their best passage."""
    where, bindings = filters.clause(narrowed)
    groups: dict[int, list[tuple[int, tuple[object, ...]]]] = {}
    for i in np.argsort(-scores, kind="stable"):
        rows = db.execute(
            "SELECT passages.file, passages.ordinal, files.path FROM passages JOIN files ON files.id = passages.file "
            f"WHERE passages.text = ? AND {where} ORDER BY files.mtime_ns DESC LIMIT 50",
            (int(found.ids[i]), *bindings),
        ).fetchall()
        for file, ordinal, _ in rows:
            if file in groups:
                if len(groups[file]) <= MORE:
                    groups[file].append((int(i), (file, ordinal)))
            elif len(groups) < limit:
                groups[file] = [(int(i), (file, ordinal))]
    return tuple(_group(db, question, found, scores, passages, explain) for passages in groups.values())


def _group(
    db: apsw.Connection,
    question: lexical.Question,
    found: Candidates,
    scores: Floats,
    passages: Sequence[tuple[int, tuple[object, ...]]],
    explain: bool,
) -> Hit:
    hits = [_hit(db, question, found, scores, i, where, explain) for i, where in passages]
    return replace(hits[0], more=tuple(hits[1:]))


def _hit(
    db: apsw.Connection,
    question: lexical.Question,
    found: Candidates,
    scores: Floats,
    i: int,
    where: tuple[object, ...],
    explain: bool,
) -> Hit:
    row = db.execute(
        "SELECT files.path, files.title, passages.title, passages.heading, passages.page, passages.line, "
        "passages.start, passages.end, texts.text, files.mtime_ns, files.size, files.inode, files.kind, files.language "
        "FROM passages JOIN files ON files.id = passages.file JOIN texts ON texts.id = passages.text "
        "WHERE passages.file = ? AND passages.ordinal = ?",
        where,
    ).fetchone()
    path, title, own_title, heading, page, line, start, end, text, mtime_ns, size, inode, kind, language = row
    cosine, words = float(found.cosines[i]), float(found.words[i])
    shown, matched = lexical.snippet(db, question, text)
    parts = {"score": float(scores[i]), "similarity": cosine, "words": words}
    return Hit(
        path=os.fsdecode(path),
        title=own_title if own_title is not None else title,
        heading=tuple(heading.split(HEADINGS)) if heading else (),
        page=page,
        line=line,
        start=start,
        end=end,
        text=text,
        snippet=shown,
        score=float(np.clip(scores[i], 0, 1)),
        similarity=None if np.isnan(cosine) else cosine,
        words=None if np.isnan(words) else words,
        modified_ns=mtime_ns,
        size=size,
        inode=inode + (1 << 64) if inode < 0 else inode,
        kind=kind,
        language=language,
        matched=matched,
        explain={name: value for name, value in parts.items() if not np.isnan(value)} if explain else {},
    )


def _subject(db: apsw.Connection, path: str, line: int | None) -> tuple[set[int], Floats]:
    """The text ids of a file and the unit vector of what is asked about: a passage, or all its passages."""
    rows = db.execute(
        "SELECT passages.text, passages.line FROM passages JOIN files ON files.id = passages.file "
        "WHERE files.path = ? ORDER BY passages.ordinal",
        (encode_path(path),),
    ).fetchall()
    if not rows:
        raise QueryInvalid(f"{path} is not in the index.", "Index it first: `ken index PATH`.")
    chosen = [text for text, _ in rows]
    if line is not None:
        before = [text for text, first in rows if first <= line]
        chosen = [before[-1] if before else rows[0][0]]
    number = _generation(db)
    found = [vectors.vector(db, number, text) for text in chosen[:500]] if number else []
    known = [one for one in found if one is not None]
    if not known:
        raise QueryInvalid(f"{path} has no vectors yet.", "Wait until indexing is done, or run `ken index`.")
    mean = np.mean(np.stack(known), axis=0)
    return {text for text, _ in rows}, np.asarray(mean / np.linalg.norm(mean), np.float32)
