"""The texts that a filter lets pass.

Owns the choice of how a filter is applied. A filter with few files is resolved to the ids of its texts, and
the search is limited to those. For a filter with many files that would cost more than the search, so the
search is repeated with a larger depth until enough of its results pass.
"""

from __future__ import annotations

from collections.abc import Callable

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search.filter_sql import of_files, of_passages, where_clause
from index.store.database import fetch_all, fetch_value, id_array
from index.types import Filter

FEW_FILES = 1_000
FEW_SHARE = 8
"""A filter has few files up to this many, or up to one in this many of all files."""
MAX_DEPTH = 4_000
"""Results of a search beyond which it is cheaper to resolve the filter."""

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Find = Callable[[int, Ids | None], tuple[Ids, Floats]]
"""Takes k and the ids to search (None: all); returns ids and scores, best first."""


class FilteredIds:
    """The texts that a filter lets pass, in one snapshot of the index."""

    def __init__(self, db: apsw.Connection, filter_: Filter, texts: Ids | None = None) -> None:
        """`texts` that pass, ascending, where they are known."""
        self._db = db
        self._all = filter_ == Filter()
        self._where, self._bindings = where_clause(filter_)
        self._texts = texts
        if texts is None and not self._all:
            self._texts = self._texts_of_few_files(filter_)

    @property
    def texts(self) -> Ids | None:
        """All that pass, ascending, where they are few enough to be known."""
        return self._texts

    def best(self, find: Find, k: int, enough: int | None = None) -> tuple[Ids, Floats]:
        """The best texts that pass: k, or at least `enough`, or all of them."""
        depth, texts = self.first_depth(k, enough)
        if self._all or texts is not None:
            return find(depth, texts)
        enough = enough or k
        while depth <= MAX_DEPTH:
            ids, scores = find(depth, None)
            passing = self.mask(ids)
            if np.count_nonzero(passing) >= enough or len(ids) < depth:
                return ids[passing][:k], scores[passing][:k]
            depth *= 4
        self._texts = self._all_texts()
        return find(k, self._texts)

    def first_depth(self, k: int, enough: int | None = None) -> tuple[int, Ids | None]:
        """What `best` asks `find` for first: how many, and among which texts."""
        if self._all or self._texts is not None:
            return k, self._texts
        return max(k, 4 * (enough or k)), None

    def mask(self, texts: Ids) -> NDArray[np.bool_]:
        """Which of these texts pass, as booleans."""
        if self._all:
            return np.ones(len(texts), np.bool_)
        if self._texts is not None:
            return np.isin(texts, self._texts)
        found = fetch_all(
            self._db,
            "SELECT passages.text FROM carray(?) AS wanted "
            "CROSS JOIN passages ON passages.text = wanted.value "
            f"CROSS JOIN files ON files.id = passages.file WHERE {self._where}",
            (id_array(texts), *self._bindings),
        )
        return np.isin(texts, np.array([text for (text,) in found], np.int64))

    def max_count(self, total: int) -> int:
        """An upper bound of the number of texts, of `total`, that pass."""
        return total if self._texts is None else len(self._texts)

    def _texts_of_few_files(self, filter_: Filter) -> Ids | None:
        """The texts that pass, ascending; None where they are in many files."""
        where, bindings = where_clause(of_files(filter_))
        most = max(FEW_FILES, fetch_value(self._db, "SELECT count(*) FROM files", int) // FEW_SHARE)
        found = fetch_all(self._db, f"SELECT id FROM files WHERE {where} LIMIT {most + 1}", bindings)
        if len(found) > most:
            return None
        passes, wanted = where_clause(of_passages(filter_))
        return self._distinct(
            f"FROM passages WHERE file IN (SELECT value FROM carray(?)) AND {passes}",
            (id_array(np.array([file for (file,) in found], np.int64)), *wanted),
        )

    def _all_texts(self) -> Ids:
        return self._distinct(
            f"FROM files JOIN passages ON passages.file = files.id WHERE {self._where}", self._bindings
        )

    def _distinct(self, source: str, bindings: tuple[object, ...]) -> Ids:
        found = fetch_all(
            self._db, f"SELECT DISTINCT passages.text {source} ORDER BY passages.text", bindings
        )
        return np.fromiter((text for (text,) in found), np.int64, len(found))
