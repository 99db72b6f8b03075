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
from index.store.vectors import FULL_DIMENSION

log = logging.getLogger(__name__)

CHARACTERS = 4_000
"""Of texts, some 1,000 tokens: a third of a second of two cores that index meanwhile."""
SECONDS, QUICK = 0.4, 0.1
"""For which an answer may wait for so many characters, and for more: a round that would end later is not
begun."""
ROUND_CHARACTERS = 1_000
"""Characters of a round, unless its only text has more."""


class PendingEmbedder:
    """`index.search.candidates.EmbedPending` for one search, which may ask for the same texts again.

    A model that fails is asked no more: the texts stay pending, and the answer says so.
    """

    def __init__(self, model: TextModel) -> None:
        self._model = model
        self._known: dict[EmbeddingJob, NDArray[np.float32]] = {}
        self._failed = False

    def __call__(self, jobs: Sequence[EmbeddingJob]) -> NDArray[np.float32]:
        left = [job for job in jobs if job not in self._known]
        begun, longest, characters = time.monotonic(), 0.0, 0
        while left and not self._failed:
            some, started = _round(left), time.monotonic()
            characters += sum(len(job.text) for job in some)
            if started + longest >= begun + (SECONDS if characters <= CHARACTERS else QUICK):
                break
            self._embed(some)
            del left[: len(some)]
            longest = max(longest, time.monotonic() - started)
        rows = [self._known[job] for job in itertools.takewhile(self._known.__contains__, jobs)]
        return np.stack(rows) if rows else np.empty((0, FULL_DIMENSION), np.float32)

    def _embed(self, jobs: Sequence[EmbeddingJob]) -> None:
        try:
            rows = self._model.embed_urgent([job.text for job in jobs], [job.title for job in jobs])
        except EmbedderError as error:
            log.warning("texts that were found could not be embedded at once: %s", error.what)
            self._failed = True
        else:
            self._known.update(zip(jobs, rows, strict=True))


def pending_embedder(model: TextModel, index: OpenIndex) -> PendingEmbedder | None:
    """For one search; None if no text is pending, or those vectors answer that another model has made."""
    store = index.store()
    if store is None or not store.pending(1) or model.fingerprint != index.searcher().fingerprint:
        return None
    return PendingEmbedder(model)


def _round(jobs: Sequence[EmbeddingJob]) -> Sequence[EmbeddingJob]:
    """The first text, and those after it that fit in a round."""
    count, characters = 1, len(jobs[0].text)
    while count < len(jobs) and characters + len(jobs[count].text) <= ROUND_CHARACTERS:
        characters += len(jobs[count].text)
        count += 1
    return jobs[:count]
