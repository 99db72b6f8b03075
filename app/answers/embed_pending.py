"""Embeds pending texts that a search has found, for the answer to the same search.

Owns how long that may take. Knows nothing of which texts are worth it.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.model import TextModel
from app.open_index import OpenIndex
from embedder.errors import EmbedderError
from index.store.embedding_queue import EmbeddingJob

log = logging.getLogger(__name__)

CHARACTERS = 4_000
"""Of texts, some 1,000 tokens: a third of a second of two cores that index meanwhile."""
SECONDS, QUICK = 0.4, 0.1
"""For which an answer may wait for so many characters, and for more: a round that would end later is not
begun."""
ROUND_CHARACTERS = 1_000
"""Characters of a round, unless its only text has more."""


class PendingEmbedders:
    """Makes an embedder for each search. No later search tries the texts again at which the model failed."""

    def __init__(self, model: TextModel, index: OpenIndex) -> None:
        self._model, self._index = model, index
        self._failed: set[EmbeddingJob] = set()

    def for_search(self) -> PendingEmbedder | None:
        """None if no text is pending, or the vectors that answer are those of another model."""
        store = self._index.store()
        if store is None or not store.pending(1):
            return None
        same = self._model.fingerprint == self._index.searcher().fingerprint
        return PendingEmbedder(self._model, self._failed) if same else None


class PendingEmbedder:
    """`index.search.candidates.EmbedPending` for one search, which may ask for the same texts again.

    When the model fails, the texts stay pending, and the answer says so. `failed` gets them.
    """

    def __init__(self, model: TextModel, failed: set[EmbeddingJob]) -> None:
        self._model = model
        self._known: dict[EmbeddingJob, NDArray[np.float32]] = {}
        self._failed = failed
        self._stopped = False

    def __call__(self, jobs: Sequence[EmbeddingJob]) -> dict[int, NDArray[np.float32]]:
        left = [job for job in jobs if job not in self._known and job not in self._failed]
        begun, longest, characters = time.monotonic(), 0.0, 0
        while left and not self._stopped:
            some, started = first_within(ROUND_CHARACTERS, left), time.monotonic()
            characters += sum(len(job.text) for job in some)
            if started + longest >= begun + (SECONDS if characters <= CHARACTERS else QUICK):
                break
            self._embed(some)
            del left[: len(some)]
            longest = max(longest, time.monotonic() - started)
        return {job.id: self._known[job] for job in jobs if job in self._known}

    def _embed(self, jobs: Sequence[EmbeddingJob]) -> None:
        try:
            rows = self._model.embed_priority([job.text for job in jobs], [job.title for job in jobs])
        except EmbedderError as error:
            log.warning("texts that were found could not be embedded at once: %s", error.what)
            self._failed.update(jobs)
            self._stopped = True
        else:
            self._known.update(zip(jobs, rows, strict=True))


def first_within(characters: int, jobs: Sequence[EmbeddingJob]) -> Sequence[EmbeddingJob]:
    """The first text, and those after it that have so many characters together with it."""
    ends = itertools.accumulate(len(job.text) for job in jobs)
    return jobs[: max(1, sum(end <= characters for end in ends))]
