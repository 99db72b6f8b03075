"""The candidates of a query: of what their scores are made, and which of them are embedded at once.

Owns the scores of candidates. Knows nothing of how they are found, nor of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import apsw
import numpy as np
from numpy.typing import NDArray

from index.search import fusion
from index.store import embedding_queue
from index.store.embedding_queue import EmbeddingJob
from index.store.fts_query import ParsedQuery
from index.types import Mode

EMBEDDED = 32
"""Pending candidates that a search embeds at most, if it has the time."""
AMONG = 50
"""They are among so many best ones."""

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
EmbedPending = Callable[[Sequence[EmbeddingJob]], Mapping[int, Floats]]
"""The model's vectors, (768,) of unit length, of those texts, by id, for which there is time."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Texts, (n,), and of what their scores are made."""

    query: ParsedQuery
    ids: Ids
    words: Floats
    """Their lexical scores; NaN where a text has no word of the query."""
    both: Floats
    """Their cosines with the vectors of the query for prose and for code, (n, 2); NaN without a vector."""
    is_code: NDArray[np.bool_]
    is_named: NDArray[np.bool_]
    """Whose heading or definition is in the query."""
    as_written: Floats
    """The least weight of words in those that hold the query's identifiers letter by letter, else 0."""
    approximate: NDArray[np.bool_]
    """Which were compared by an approximate vector."""

    @property
    def cosines(self) -> Floats:
        """(n,), by kind."""
        return fusion.cosines_by_kind(self.both, self.is_code)

    @property
    def pending(self) -> NDArray[np.bool_]:
        """Which were compared by an approximate vector, or by none, (n,)."""
        return np.asarray(self.approximate | np.isnan(self.both[:, 0]), np.bool_)

    def scores(self, mode: Mode) -> Floats:
        """(n,), as `fusion` makes them."""
        cosines = self.cosines
        near = np.where(self.approximate, fusion.nearer(cosines, self.is_code), cosines)
        if mode == "meaning":
            return np.nan_to_num(near)
        if not self.approximate.any():
            return self._fused(cosines)
        among = self._fused(cosines, (fusion.MORE_AMONG, fusion.MORE_AMONG_CODE))
        return fusion.merge(self._fused(near), self.approximate, among)

    def _fused(self, cosines: Floats, more: tuple[float, float] = (0.0, 0.0)) -> Floats:
        weights = fusion.lexical_weights(self.query, self.is_code, self.is_named, self.as_written, more)
        return fusion.fuse(cosines, self.words, weights)

    def with_pending_embedded(
        self, db: apsw.Connection, queries: Floats, mode: Mode, embed: EmbedPending
    ) -> Candidates:
        """The same, the best pending ones compared by the model's vectors; `queries` are (2, 768)."""
        best = np.argsort(-self.scores(mode), kind="stable")[:AMONG]
        best = best[self.pending[best]][:EMBEDDED]
        places = dict(zip(self.ids[best].tolist(), best.tolist(), strict=True))
        jobs = embedding_queue.jobs_of(db, list(places)) if places else []
        rows = embed(jobs) if jobs else {}
        if not rows:
            return self
        at = [places[text] for text in rows]
        both, approximate = self.both.copy(), self.approximate.copy()
        both[at] = np.stack(list(rows.values())) @ queries.T
        approximate[at] = False
        return replace(self, both=both, approximate=approximate)
