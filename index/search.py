"""A question to hits: narrows, asks both lists, fuses, groups by file. Reads only.

The question's vector comes in; without one, words alone answer.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import numpy as np
from numpy.typing import NDArray

from index import filters, fusion, generations, hits, lexical, vectors
from index.database import ReaderPool, rows
from index.errors import QueryInvalid
from index.question import Question, understand
from index.records import encode_path
from index.types import Filter, Mode, Results

CANDIDATES = 200
"""Texts each list brings to the fusion."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
_NO_FILTER = Filter()


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
        filter: Filter = _NO_FILTER,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
    ) -> Results:
        """The files that answer `query` best, each with its best passages.

        `vector` is the query's (768,) unit vector; without it, or in mode "words", words alone
        answer. `typing` matches the last word as a prefix.
        """
        if not query.strip():
            raise QueryInvalid("The question is empty.", "Type what you are looking for.")
        asked = None if mode == "words" else _unit(vector)
        with self._pool.snapshot() as db:
            question = understand(db, query, typing=typing)
            allowed = filters.allowed(db, filter)
            ranked = self._rank(db, question, asked, mode, max(CANDIDATES, 10 * limit), allowed)
            found = hits.group(db, question, ranked, limit, filter, explain=explain)
            return Results(found, close=bool(found))

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        limit: int = 10,
        filter: Filter = _NO_FILTER,  # noqa: A002
    ) -> Results:
        """What else is like the file at `path`, or like its passage at `line`; the file itself left out."""
        with self._pool.snapshot() as db:
            own, asked = _subject(db, path, line)
            allowed = filters.allowed(db, filter)
            number = generations.serving(db)
            k = max(CANDIDATES, 10 * limit) + len(own)
            ids, cosines = vectors.nearest(db, number, vectors.shorten(asked[None])[0], k, allowed)
            ranked = hits.Ranked(ids, cosines, cosines, np.full(len(ids), np.nan, np.float32))
            found = hits.group(db, Question("", ()), ranked, limit + 1, filter, explain=False)
            found = tuple(hit for hit in found if hit.path != path)[:limit]
            return Results(found, close=bool(found))

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rank(
        self,
        db: apsw.Connection,
        question: Question,
        asked: Floats | None,
        mode: Mode,
        k: int,
        allowed: Ids | None,
    ) -> hits.Ranked:
        """Candidates of both lists with their parts, and the score hits are ordered by."""
        number = generations.serving(db)
        lexical_only = asked is None or not number
        by_words, bm25 = np.empty(0, np.int64), np.empty(0, np.float32)
        by_meaning = np.empty(0, np.int64)
        if mode != "meaning" or question.required or lexical_only:
            by_words, bm25 = lexical.best(db, question, k, allowed)
        if asked is not None and number:
            within = by_words if question.required else allowed
            by_meaning, _ = vectors.nearest(db, number, vectors.shorten(asked[None])[0], k, within)
        ids = np.union1d(by_words, by_meaning).astype(np.int64)
        words = np.full(len(ids), np.nan, np.float32)
        words[np.searchsorted(ids, by_words)] = bm25 / max(float(bm25.max(initial=0)), 1e-6)
        cosines = np.full(len(ids), np.nan, np.float32)
        if asked is not None and number:
            true = vectors.cosines(db, number, asked, [int(id_) for id_ in ids])
            cosines = np.array([true.get(int(id_), np.nan) for id_ in ids], np.float32)
        return hits.Ranked(ids, _scores(cosines, words, mode), cosines, words)


def _scores(cosines: Floats, words: Floats, mode: Mode) -> Floats:
    known_words = np.asarray(np.nan_to_num(words), np.float32)
    if np.isnan(cosines).all():
        return known_words
    known_cosines = np.asarray(np.nan_to_num(cosines), np.float32)
    if mode == "meaning":
        return known_cosines
    return fusion.fuse(known_cosines, known_words).scores


def _unit(vector: Floats | None) -> Floats | None:
    if vector is None:
        return None
    vector = np.asarray(vector, np.float32).reshape(-1)
    if vector.shape != (vectors.FULL,) or not np.isfinite(vector).all() or not vector.any():
        raise QueryInvalid("The question's vector is not 768 finite numbers.", "This is a bug; report it.")
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _subject(db: apsw.Connection, path: str, line: int | None) -> tuple[set[int], Floats]:
    """The text ids of a file and the unit vector of what is asked about: a passage, or all its passages."""
    found = rows(
        db,
        "SELECT passages.text, passages.line FROM passages JOIN files ON files.id = passages.file "
        "WHERE files.path = ? ORDER BY passages.ordinal",
        (encode_path(path),),
    )
    if not found:
        raise QueryInvalid(f"{path} is not in the index.", "Index it first: `ken index PATH`.")
    chosen = [text for text, _ in found]
    if line is not None:
        before = [text for text, first in found if first <= line]
        chosen = [before[-1] if before else chosen[0]]
    number = generations.serving(db)
    stored = [vectors.vector(db, number, text) for text in chosen[:500]] if number else []
    known = [one for one in stored if one is not None]
    if not known:
        raise QueryInvalid(f"{path} has no vectors yet.", "Wait until indexing is done, or run `ken index`.")
    mean = np.mean(np.stack(known), axis=0)
    return {text for text, _ in found}, np.asarray(mean / np.linalg.norm(mean), np.float32)
