"""The candidates of a question from both lists, with their parts and the score they are ordered by."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search import fusion, lexical, path_words
from index.search.filters import Allowed
from index.store import generations, vectors
from index.store.database import array, rows
from index.store.fts_query import Question
from index.types import Mode

CANDIDATES = 100
"""Texts each list brings at least."""
LEXICAL_DEPTH = 1_000
"""Texts whose lexical part is known, so that what meaning alone found gets its words counted too."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Nearest = Callable[[apsw.Connection, int, Floats, int, Ids | None], tuple[Ids, Floats]]
"""Connection, generation, 256-d query, k, allowed: ids and cosines, best first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the ranking takes it."""

    question: Question
    vector: Floats | None
    mode: Mode
    k: int
    allowed: Allowed
    dimension: int = vectors.FULL
    """Dimensions candidates are scored at: 768, or 256 to leave out the second look."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Texts and their parts, (n,) each: cosine is NaN without a vector, words NaN without a word."""

    ids: Ids
    scores: Floats
    cosines: Floats
    words: Floats


def rank(db: apsw.Connection, asked: Asked, nearest: Nearest) -> Ranked:
    number = generations.serving(db)
    vector = asked.vector if number else None
    by_words = _by_words(db, asked)
    chosen = (
        {} if asked.mode == "meaning" and vector is not None else dict.fromkeys(list(by_words)[: asked.k])
    )
    if vector is not None:
        within = np.array(sorted(by_words), np.int64) if asked.question.required else None
        chosen.update(dict.fromkeys(_by_meaning(db, asked, number, vector, nearest, within).tolist()))
    ids = np.fromiter(chosen, np.int64, len(chosen))
    words = np.array([by_words.get(id_, np.nan) for id_ in chosen], np.float32)
    cosines = np.full(len(ids), np.nan, np.float32)
    if vector is None:
        return Ranked(ids, np.nan_to_num(words), cosines, words)
    true = vectors.cosines(db, number, vector, chosen, asked.dimension)
    cosines = np.array([true.get(id_, np.nan) for id_ in chosen], np.float32)
    scores = np.nan_to_num(cosines) if asked.mode == "meaning" else fusion.fuse(cosines, words)
    return Ranked(ids, scores, cosines, words)


def _by_words(db: apsw.Connection, asked: Asked) -> dict[int, float]:
    """Texts and their lexical part, best first: their own words, and those in their file's path."""
    ids, bm25 = asked.allowed.best(
        lambda k, within: lexical.best(db, asked.question, k, within), LEXICAL_DEPTH, asked.k
    )
    parts: dict[int, float] = dict(
        zip(ids.tolist(), fusion.explained(bm25, asked.question).tolist(), strict=True)
    )
    shares = {} if asked.question.required else path_words.matching(db, asked.question)
    if not shares:
        return parts
    for text, file in _texts_in(db, shares, np.sort(ids), asked.allowed):
        parts[text] = min(1.0, parts.get(text, 0.0) + shares[file])
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def _texts_in(
    db: apsw.Connection, files: dict[int, float], known: Ids, allowed: Allowed
) -> list[tuple[int, int]]:
    """Texts of these files that are candidates already, and the one each file begins with."""
    found = rows(
        db,
        "SELECT text, file FROM passages WHERE file IN (SELECT value FROM carray(?)) "
        "AND (ordinal = 0 OR text IN (SELECT value FROM carray(?)))",
        (apsw.carray(np.array(sorted(files), np.int64)), array(known)),
    )
    passing = allowed.passing(np.array([text for text, _ in found], np.int64))
    return list(itertools.compress(found, passing))


def _by_meaning(
    db: apsw.Connection, asked: Asked, number: int, vector: Floats, nearest: Nearest, within: Ids | None
) -> Ids:
    """The nearest texts, of those that hold the quoted phrases where there are any."""
    short = vectors.shorten(vector[None])[0]
    if within is not None:
        return nearest(db, number, short, asked.k, within)[0]
    return asked.allowed.best(lambda k, among: nearest(db, number, short, k, among), asked.k)[0]
