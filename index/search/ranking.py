"""The candidates of a query from lexical and dense search, with their scores."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search import by_heading, fusion, lexical, literal, path_words
from index.search.candidates import Candidates, EmbedPending
from index.search.filters import FilteredIds
from index.store import generations, vectors
from index.store.approximate import among
from index.store.database import fetch_all, id_array
from index.store.fts_query import EMPTY_QUERY, ParsedQuery
from index.types import Hit, Mode

CANDIDATES = 100
"""Least number of texts that each list contributes."""
LEXICAL_DEPTH = 1_000
"""Texts with a lexical score, so that candidates of dense search have one too."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Found = tuple[Ids, Floats]
"""Ids of texts and their cosines, best first."""


class Nearest(Protocol):
    """The vectors that are searched: those in memory or those in the file."""

    def nearest(
        self, db: apsw.Connection, generation: int, query: Floats, k: int, allowed: Ids | None = None
    ) -> Found:
        """The k texts nearest to a (256,) unit query among `allowed`."""

    def begin(
        self, db: apsw.Connection, generation: int, query: Floats, k: int, allowed: Ids | None = None
    ) -> Callable[[], Found]:
        """The same, found while the caller does something else; call what is returned for the answer."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """The input of the ranking."""

    query: ParsedQuery
    query_vectors: Floats | None
    """(2, 768) unit rows: the vectors of the query for passages of prose and of code."""
    mode: Mode
    k: int
    allowed: FilteredIds
    at_least: float | None = None
    """The lexical part of texts that are let through and hold no word; None: they are no candidates."""
    dimension: int = vectors.FULL_DIMENSION
    """Dimensions at which candidates are scored: 768, or 256 to skip scoring again."""
    typing: bool = False
    """Whether the query is still being typed."""
    nearest: Ids | None = None
    """The texts that the same vectors found before, among the same texts."""
    embed_pending: EmbedPending | None = None
    """Embeds the best pending candidates; None: they stay as they are."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file, and the share of the query in its path, 0..1."""

    share: float
    hit: Hit


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a search finds, before hits are made of it.

    Texts and their scores, (n,) each; NaN where a text has no vector, or no word of the query.
    """

    ids: Ids
    scores: Floats
    cosines: Floats
    lexical_scores: Floats
    is_named: bool = False
    """Whether the heading or the definition of a text is the query, letter by letter, or the query is an
    identifier that a text holds."""
    is_code: NDArray[np.bool_] | None = None
    """Which texts are source code; None where it is not known."""
    approximate: NDArray[np.bool_] | None = None
    """Which texts were compared by an approximate vector; None: none."""
    pending: NDArray[np.bool_] | None = None
    """Which texts have no vector of the model in the index; None: it is not known."""
    dates: Floats | None = None
    """What the times of files add to the scores (`index.search.recency`)."""
    query: ParsedQuery = EMPTY_QUERY
    nearest: Ids | None = None
    """The texts that dense search found, unless the conditions of the query limited it."""
    same: Sequence[NamedFile] = ()
    """Files whose name is the query."""
    named: Sequence[NamedFile] = ()
    """Files without text whose paths hold most of the query."""
    confidence: float = 0.0
    """The confidence, 0..1, that a candidate is about the query."""
    corrected: str = ""
    """As in `Results`, like `notes`."""
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (len(self.ids) or self.same or self.named)

    @property
    def is_close(self) -> bool:
        return self.confidence >= 0.5 and not self.is_empty


def rank(db: apsw.Connection, request: SearchRequest, nearest: Nearest) -> Ranked:
    number = generations.serving(db)
    queries = request.query_vectors if number else None
    dense = None if queries is None else _DenseCandidates(db, request, number, queries[0], nearest)
    named = _named_texts(db, request)
    is_named = 1.0 in named.values()
    lexical_scores = _lexical_candidates(db, request, named)
    literal_weights = {}
    if not (request.typing and queries is None):  # what is shown at once while one types is words alone
        literal_weights = _identifier_weights(db, request, lexical_scores)
        is_named = is_named or fusion.WORDS_OF_IDENTIFIER in literal_weights.values()
    chosen = (
        {}
        if request.mode == "meaning" and queries is not None
        else dict.fromkeys(list(lexical_scores)[: request.k])
    )
    nearby = None if dense is None else dense.texts(lexical_scores)
    if nearby is not None:
        chosen.update(dict.fromkeys(nearby.tolist()))
    ids = np.fromiter(chosen, np.int64, len(chosen))
    words = np.array([lexical_scores.get(id_, np.nan) for id_ in chosen], np.float32)
    if queries is None:
        none = np.full(len(ids), np.nan, np.float32)
        return Ranked(ids, np.nan_to_num(words), none, words, is_named, query=request.query)
    is_code = _is_code(db, ids)
    as_written = np.array([literal_weights.get(id_, 0.0) for id_ in chosen], np.float32)
    known, found = vectors.cosines(db, number, queries, ids, request.dimension)
    both = np.full((len(ids), 2), np.nan, np.float32)
    places = {id_: place for place, id_ in enumerate(chosen)}
    both[[places[id_] for id_ in known.tolist()]] = found
    is_in_name = np.isin(ids, list(named))
    candidates = Candidates(request.query, ids, words, both, is_code, is_in_name, as_written, among(db, ids))
    pending = candidates.pending
    if request.embed_pending is not None:
        candidates = candidates.with_pending_embedded(db, queries, request.mode, request.embed_pending)
    return Ranked(
        ids,
        candidates.scores(request.mode),
        candidates.cosines,
        words,
        is_named,
        is_code,
        candidates.approximate,
        pending,
        query=request.query,
        nearest=None if request.query.required else nearby,
    )


def _is_code(db: apsw.Connection, texts: Ids) -> NDArray[np.bool_]:
    """Which texts are in a source file; of a text in many files, one of them decides."""
    found = fetch_all(
        db,
        "SELECT wanted.value FROM carray(?) AS wanted WHERE (SELECT files.kind FROM passages JOIN files "
        "ON files.id = passages.file WHERE passages.text = wanted.value LIMIT 1) = 'code'",
        (id_array(texts),),
    )
    return np.isin(texts, np.array([text for (text,) in found], np.int64))


def _named_texts(db: apsw.Connection, request: SearchRequest) -> dict[int, float]:
    """Texts that pass the filter and whose heading or definition is the query, with their lexical scores."""
    found = by_heading.named_texts(db, request.query, typing=request.typing)
    passing = request.allowed.mask(np.array(list(found), np.int64)) if found else ()
    return dict(itertools.compress(found.items(), passing))


def _lexical_candidates(
    db: apsw.Connection, request: SearchRequest, named: dict[int, float]
) -> dict[int, float]:
    """Texts and their lexical scores, best first: their own words and those in the path of their file."""
    ids, bm25 = request.allowed.best(
        lambda k, within: lexical.best_passages(db, request.query, k, within), LEXICAL_DEPTH, request.k
    )
    parts: dict[int, float] = dict(
        zip(ids.tolist(), fusion.normalize_bm25(bm25, request.query).tolist(), strict=True)
    )
    if request.at_least is not None and request.allowed.texts is not None:
        for text in request.allowed.texts[::-1][: request.k].tolist():
            parts[text] = max(parts.get(text, 0.0), request.at_least)
    shares = {} if request.query.required else path_words.files_by_path(db, request.query)
    for text, file in _texts_of_files(db, shares, np.sort(ids), request.allowed) if shares else ():
        parts[text] = min(1.0, parts.get(text, 0.0) + shares[file])
    parts |= {text: max(score, parts.get(text, 0.0)) for text, score in named.items()}
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def _identifier_weights(
    db: apsw.Connection, request: SearchRequest, scores: dict[int, float]
) -> dict[int, float]:
    """The weights of words in the candidates that hold the identifiers of the query as they are written.

    Where the query has no other words, `scores` of these candidates become 1.
    """
    names, alone = literal.identifiers(request.query.text)
    candidates = np.fromiter(itertools.islice(scores, request.k), np.int64)
    found = literal.texts_with(db, names, candidates).tolist()
    if alone:
        scores.update(dict.fromkeys(found, 1.0))
    return dict.fromkeys(found, fusion.WORDS_OF_IDENTIFIER if alone else fusion.WORDS)


def _texts_of_files(
    db: apsw.Connection, files: dict[int, float], known: Ids, allowed: FilteredIds
) -> list[tuple[int, int]]:
    """Texts of these files that are candidates already, and the first text of each file."""
    found = fetch_all(
        db,
        "SELECT text, file FROM passages WHERE file IN (SELECT value FROM carray(?)) "
        "AND (ordinal = 0 OR text IN (SELECT value FROM carray(?)))",
        (apsw.carray(np.array(sorted(files), np.int64)), id_array(known)),
    )
    passing = allowed.mask(np.array([text for text, _ in found], np.int64))
    return list(itertools.compress(found, passing))


class _DenseCandidates:
    """The nearest texts. They are searched from the beginning, while the caller finds the lexical candidates,
    unless they are known, or the query has quoted phrases: then they are searched among the texts that hold
    them."""

    def __init__(
        self, db: apsw.Connection, request: SearchRequest, number: int, vector: Floats, nearest: Nearest
    ) -> None:
        self._request, self._nearest = request, nearest
        self._subject = (db, number, vectors.truncate_matryoshka(vector[None])[0])
        self._begun: Callable[[], Found] | None = None
        if request.nearest is None and not request.query.required:
            self._begun = nearest.begin(*self._subject, *request.allowed.first_depth(request.k))

    def texts(self, lexical_scores: dict[int, float]) -> Ids:
        if self._request.query.required:
            within = np.array(sorted(lexical_scores), np.int64)
            return self._nearest.nearest(*self._subject, self._request.k, within)[0]
        if self._request.nearest is not None:
            return self._request.nearest
        return self._request.allowed.best(self._find, self._request.k)[0]

    def _find(self, k: int, among: Ids | None) -> Found:
        begun, self._begun = self._begun, None
        return begun() if begun else self._nearest.nearest(*self._subject, k, among)
