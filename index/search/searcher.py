"""The search: applies the filter, ranks passages and groups them by file. Only reads.

The vector of the query is passed in; without one, the search is lexical.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from index.closing import Closing
from index.errors import QueryInvalid, VectorsMissing
from index.search import by_name, excluded, group_by_file, links, near_copies, recency
from index.search.abstention import confidence, likeness
from index.search.candidates import EmbedPending
from index.search.file_vectors import FileVectors
from index.search.filters import FilteredIds
from index.search.newest import Matching, newest
from index.search.patterns import compile_pattern
from index.search.ranking import CANDIDATES, Nearest, Ranked, SearchRequest, rank
from index.search.second_try import SECONDS, WHILE_TYPING, Tries, second_try
from index.search.spelling import Corrections
from index.search.text_scan import scan
from index.store import generations, vectors
from index.store.approximate import among
from index.store.database import SnapshotPool, fetch_all
from index.store.fts_query import DocumentFrequencies, ParsedQuery, parse_query
from index.store.row_codec import encode_path
from index.types import Filter, Hit, Mode, Results

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
FileAndCopies = tuple[group_by_file.FileGroup, tuple[str, ...]]
"""The passages of a file that answer, and the paths of its near-copies that are folded."""
_NO_FILTER = Filter()
_PATHS = "SELECT path FROM files WHERE state IN ('indexed', 'partial')"
MOST_TAGS = 2_000
"""Tags that are offered; longer lists are not read."""
INSIDE = 0.5
"""The lexical part of a passage that is found letter by letter, where it holds no word of the query."""
FAULT = "{part} compares vectors wrongly on this processor, so something slower that is right does it."


class Searcher(Closing):
    """Searches an index; thread-safe.

    `cached_vectors` keeps a compact copy of the vectors in memory, for a process that answers many queries;
    otherwise each query reads the file.
    """

    def __init__(self, path: Path, *, cached_vectors: bool = False) -> None:
        self._pool = SnapshotPool(Path(path))
        self._frequencies = DocumentFrequencies()
        self._corrections = Corrections()
        self._cache = None
        self.faults: list[str] = []
        """Sentences for the user on compiled parts that compute wrongly on this processor; others replace
        them."""
        self._nearest: Nearest = FileVectors(self._pool)
        if cached_vectors:
            from index.search.vector_cache import VectorCache

            self._nearest = self._cache = VectorCache()
            if self._cache.wrong:
                self.faults.append(FAULT.format(part=self._cache.wrong))

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the serving vectors; empty before the first."""
        with self._pool.snapshot() as db:
            return generations.stored_fingerprint(db, generations.serving(db))

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
        embed_pending: EmbedPending | None = None,
    ) -> Results:
        """The best files for `query`, each with its best passages.

        `vector` holds the query's unit vectors, (2, 768): for passages of prose and of code; or one for both,
        (768,). Without it, or in mode "words", words alone answer. `typing` matches the last word as a
        prefix. `embed_pending` embeds the best pending passages.
        """
        with self._pool.snapshot() as db:
            fold = not filter.each_copy
            filter_ = excluded.resolved(db, replace(filter, each_copy=False))
            matching, left_out = _matching(db, filter_)
            request = self._request(db, query, vector, mode, limit, filter_, matching, typing=typing)
            request = replace(request, embed_pending=embed_pending)

            def search(parsed: ParsedQuery, texts: Ids | None) -> Ranked:
                again = replace(request, query=parsed)
                if texts is not None:
                    allowed = FilteredIds(db, filter_, texts)
                    again = replace(again, allowed=allowed, at_least=INSIDE, nearest=None)
                return self._find(db, again, filter_)

            tries = Tries(
                db,
                search,
                lambda text: parse_query(db, text, self._frequencies),
                self._corrections,
                request.allowed.texts,
                WHILE_TYPING if typing else SECONDS,
            )
            found = search(request.query, None)
            request = replace(request, nearest=found.nearest)
            if not (typing and mode == "words"):
                found = second_try(tries, request.query, found)
            groups = _best_files(db, found, limit, filter_, fold=fold)
            return Results(
                self._hits(db, found, groups, limit, filter_, explain=explain),
                found.is_close,
                found.confidence,
                corrected=found.corrected,
                notes=(*found.notes, *excluded.note(filter_), *left_out),
                pending=_pending(found, groups),
            )

    def _find(self, db: apsw.Connection, request: SearchRequest, filter_: Filter) -> Ranked:
        """What a search finds, by the texts and by the names of files."""
        ranked = self._rank(db, request)
        sure = confidence(db, ranked, request.query, request.allowed.max_count(request.query.total))
        if request.mode != "meaning":
            same = by_name.exact(db, request.query.text, filter_)
            named = by_name.without_text(db, request.query, filter_)
            ranked = replace(ranked, same=same, named=named)
            sure = max(sure, float(ranked.is_named), by_name.name_confidence(named, same))
        return replace(ranked, confidence=sure)

    def _rank(self, db: apsw.Connection, request: SearchRequest) -> Ranked:
        asked = recency.time_asked(request.query.text, datetime.now())
        return recency.prefer(db, rank(db, request, self._nearest), asked)

    def _hits(
        self,
        db: apsw.Connection,
        ranked: Ranked,
        groups: Sequence[FileAndCopies],
        limit: int,
        filter_: Filter,
        *,
        explain: bool,
    ) -> tuple[Hit, ...]:
        hits = group_by_file.hits_of_groups(db, ranked, groups, filter_.heading, explain=explain, ample=True)
        return by_name.join_named(hits, _of_that_name(db, ranked, hits), ranked, limit)

    def newest(self, *, limit: int = 10, filter: Filter = _NO_FILTER) -> Results:  # noqa: A002
        """The files that pass the filter, newest first."""
        with self._pool.snapshot() as db:
            filter_ = excluded.resolved(db, replace(filter, each_copy=False))
            matching, left_out = _matching(db, filter_)
            notes = (*excluded.note(filter_), *left_out)
            return replace(newest(db, filter_, limit, matching), notes=notes)

    def ranking(
        self,
        query: str,
        vector: Floats | None,
        *,
        mode: Mode = "hybrid",
        limit: int = 100,
        dimension: int = vectors.FULL_DIMENSION,
        embed_pending: EmbedPending | None = None,
    ) -> list[tuple[str, float]]:
        """Only paths and scores, best first, for evaluation. With `dimension` 256, candidates are not scored
        again. A phrase that occurs nowhere is no condition, as in `search`."""
        with self._pool.snapshot() as db:
            request = self._request(db, query, vector, mode, limit, _NO_FILTER, dimension=dimension)
            request = replace(request, embed_pending=embed_pending)
            ranked = self._rank(db, request)
            if not len(ranked.ids) and request.query.groups:
                ranked = self._rank(db, replace(request, query=request.query.without_conditions()))
            return group_by_file.ranked_paths(db, ranked, limit)

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        start: int | None = None,
        limit: int = 10,
        filter: Filter = _NO_FILTER,  # noqa: A002
    ) -> Results:
        """What else is like the file at `path`, or like its passage at a line, or at a position of its text.

        The file itself is left out; near-copies of each other are one result, as in `search`.
        """
        fold, filter = not filter.each_copy, replace(filter, each_copy=False)  # noqa: A001
        with self._pool.snapshot() as db:
            file, own, vector = _subject(db, path, line, start)
            whole = line is None and start is None
            linked = (*links.outgoing(db, path), *links.incoming(db, path)) if whole else ()
            number = generations.serving(db)
            short = vectors.truncate_matryoshka(vector[None])[0]
            ids, cosines = FilteredIds(db, filter).best(
                lambda k, within: self._nearest.nearest(db, number, short, k, within),
                max(CANDIDATES, 10 * limit) + len(own),
            )
            none = np.full(len(ids), np.nan, np.float32)
            ranked = Ranked(ids, cosines, cosines, none, approximate=among(db, ids))
            wanted = (limit + 1) * (near_copies.TIMES if fold else 1)
            groups = group_by_file.group_passages(db, ranked, wanted, filter, copies=fold)
            groups = [group for group in groups if group[0].file != file]
            chosen = _fold_copies(db, groups, limit, fold=fold)
            found = group_by_file.hits_of_groups(
                db, ranked, chosen, filter.heading, explain=False, ample=False
            )
            if linked:
                found = links.join_linked(found, links.beginnings(db, number, vector, linked, filter))[:limit]
            return Results(found, is_close=bool(found), confidence=likeness(found[0].score) if found else 0.0)

    def linked(self, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The files that the one at `path` links to, and those that link to it."""
        with self._pool.snapshot() as db:
            return tuple(links.outgoing(db, path)), tuple(links.incoming(db, path))

    def tags(self) -> tuple[str, ...]:
        """Tags of documents, the most used first."""
        sql = (
            "SELECT value FROM all_fields WHERE name = 'tag' GROUP BY value "
            "ORDER BY count(*) DESC, value LIMIT ?"
        )
        with self._pool.snapshot() as db:
            return tuple(value for (value,) in fetch_all(db, sql, (MOST_TAGS,)))

    def kinds(self) -> dict[str, int]:
        """The stored kinds of the files that can be found, and how many files each has."""
        with self._pool.snapshot() as db:
            return dict(
                fetch_all(db, f"SELECT kind, count(*) FROM files WHERE {by_name.FINDABLE} GROUP BY kind")
            )

    def folder_names(self) -> tuple[str, ...]:
        """Names of all folders in the paths of files, those above the roots included."""
        with self._pool.snapshot() as db:
            folders = {os.path.dirname(os.fsdecode(path)) for (path,) in fetch_all(db, _PATHS)}  # noqa: PTH120
        return tuple(sorted({name for folder in folders for name in folder.split("/") if name}))

    def known_fields(self, names: Collection[str]) -> set[str]:
        """The names that are a field of some document."""
        sql = "SELECT 1 FROM all_fields WHERE name = ? LIMIT 1"
        with self._pool.snapshot() as db:
            return {name for name in names if fetch_all(db, sql, (name,))}

    def _request(
        self,
        db: apsw.Connection,
        query: str,
        vector: Floats | None,
        mode: Mode,
        limit: int,
        filter_: Filter,
        matching: Matching | None = None,
        *,
        typing: bool = False,
        dimension: int = vectors.FULL_DIMENSION,
    ) -> SearchRequest:
        """The parameters of one search. Raises `QueryInvalid` for an empty query or a wrong vector."""
        if not query.strip():
            raise QueryInvalid("The query is empty.", "Type what you are looking for.")
        parsed = parse_query(db, query, self._frequencies, typing=typing)
        return SearchRequest(
            query=replace(parsed, patterns=matching.patterns if matching else ()),
            query_vectors=None if mode == "words" else _unit(vector),
            mode=mode,
            k=max(CANDIDATES, 2 * limit),
            allowed=FilteredIds(db, filter_, None if matching is None else matching.ids),
            at_least=None if matching is None else INSIDE,
            dimension=dimension,
            typing=typing,
        )

    def close(self) -> None:
        self._pool.close()
        if self._cache is not None:
            self._cache.close()


def _best_files(
    db: apsw.Connection, ranked: Ranked, limit: int, filter_: Filter, *, fold: bool
) -> list[FileAndCopies]:
    """The best files. Copies are folded before hits are made: each passage of a hit costs a snippet."""
    wanted = limit * near_copies.TIMES if fold else limit
    groups = group_by_file.group_passages(db, ranked, wanted, filter_, copies=fold)
    return _fold_copies(db, groups, limit, fold=fold)


def _pending(ranked: Ranked, groups: Sequence[FileAndCopies]) -> tuple[int, ...]:
    """The texts in these files that have no vector of the model, best first."""
    if ranked.pending is None or not ranked.pending.any():
        return ()
    shown = [passage.i for group, _ in groups for passage in group]
    return tuple(int(ranked.ids[i]) for i in dict.fromkeys(shown) if ranked.pending[i])


def _fold_copies(
    db: apsw.Connection, groups: Sequence[group_by_file.FileGroup], limit: int, *, fold: bool
) -> list[FileAndCopies]:
    """At most `limit` files with the paths of their near-copies, where these are folded."""
    return near_copies.folded(db, groups, limit) if fold else [(group, ()) for group in groups[:limit]]


def _of_that_name(db: apsw.Connection, ranked: Ranked, found: Sequence[Hit]) -> list[Hit]:
    """The files whose name is the query, each with its best passage, else with its first."""
    known = {hit.path: hit for hit in found}
    same: list[Hit] = []
    for file in ranked.same:
        hit = known.get(file.hit.path) or group_by_file.beginning(db, ranked.query, file.hit.path) or file.hit
        same.append(replace(hit, score=1.0))
    return same


def _matching(db: apsw.Connection, filter_: Filter) -> tuple[Matching | None, tuple[str, ...]]:
    """The texts in which the filter's patterns occur, and what is to be said of the search for them."""
    if not filter_.patterns:
        return None, ()
    try:
        patterns = tuple(map(compile_pattern, filter_.patterns))
    except ValueError as error:
        raise QueryInvalid(f"A pattern {error}.", "Write it as in /colou?r/, or leave it out.") from error
    found = scan(db, patterns, FilteredIds(db, replace(filter_, patterns=())).texts)
    return Matching(found.ids, patterns), (found.left_out,) if found.left_out else ()


def _unit(vector: Floats | None) -> Floats | None:
    """The query's vectors as (2, 768) unit rows; one for both kinds of passages is repeated."""
    if vector is None:
        return None
    rows = np.atleast_2d(np.asarray(vector, np.float32))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    whole = rows.shape in ((1, vectors.FULL_DIMENSION), (2, vectors.FULL_DIMENSION))
    if not (whole and np.isfinite(lengths).all() and lengths.all()):
        raise QueryInvalid("The query's vector is not 768 finite numbers.", "This is a bug; report it.")
    return np.broadcast_to(rows / lengths, (2, vectors.FULL_DIMENSION))


def _subject(
    db: apsw.Connection, path: str, line: int | None, start: int | None
) -> tuple[int, set[int], Floats]:
    """A file, its text ids, and the unit vector of one of its passages or the mean of all."""
    found = fetch_all(
        db,
        "SELECT passages.text, passages.line, passages.start, files.id FROM passages "
        "JOIN files ON files.id = passages.file WHERE files.path = ? ORDER BY passages.ordinal",
        (encode_path(path),),
    )
    if not found:
        raise QueryInvalid(f"{path} is not in the index.", "Index it first: `ken index PATH`.")
    chosen = [text for text, *_ in found]
    if line is not None or start is not None:
        before = [
            text for text, first, begin, _ in found if (first <= line if line else begin <= (start or 0))
        ]
        chosen = [before[-1] if before else chosen[0]]
    number = generations.serving(db)
    stored = [vectors.read_vector(db, number, text) for text in chosen[:500]] if number else []
    known = [one for one in stored if one is not None]
    if not known:
        raise VectorsMissing(f"{path} has no vectors yet.", "`ken status` says what they wait for.")
    mean = np.mean(np.stack(known), axis=0)
    own = {text for text, *_ in found}
    return found[0][3], own, np.asarray(mean / np.linalg.norm(mean), np.float32)
