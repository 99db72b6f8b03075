"""Texts that wait for a vector, handed to the model in batches and stored as they come back.

Batches are of like length across files: a window of waiting texts is sorted and cut under a token
budget. The model always has one batch to go on with. Only the thread that calls touches the store.
A batch that the model fails at is tried in halves, until the text that is the cause stands alone.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.model import TextModel
from index.store.embedding_queue import EmbeddingJob
from index.store.store import Store
from index.store.vectors import require_unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 256
"""Texts sorted together."""
URGENT_WINDOW = 16
"""Texts in a window when something came that cannot wait: the newest, and few."""
BATCH_SECONDS = 0.25
"""Work in a batch: what a crash loses, and what an interrupt or an urgent text waits for."""
LEAST_TOKENS, MOST_TOKENS = 512, 16_384
AHEAD = 2
"""Batches the model has at once: one it computes, one that waits."""


HARMLESS = "A quiet morning."
"""What a model that is well can embed."""
TRIES = 2
"""How often a text is tried alone: once may have been another's fault."""
REFUSED = (
    "makes the model fail each time ({error}), so it is left out; the rest of the file is in the index. "
    "The file is tried again when it changes."
)


class _Embedded(NamedTuple):
    """What came of a batch: the texts that have vectors, those that have none and why, the time it took."""

    done: list[EmbeddingJob]
    vectors: list[NDArray[np.float32]]
    refused: list[tuple[EmbeddingJob, str]]
    seconds: float


class Embedding:
    """`fill`, wait for any of `running`, `finished`, and again until nothing runs; then `close`."""

    def __init__(self, store: Store, model: TextModel) -> None:
        self._store = store
        self._model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._window: list[EmbeddingJob] = []
        self._running: dict[Future[_Embedded], list[EmbeddingJob]] = {}
        self._dry = False
        self._failed = not model.present
        self._tokens = 2 * LEAST_TOKENS

    @property
    def running(self) -> set[Future[_Embedded]]:
        return set(self._running)

    @property
    def starves(self) -> bool:
        """Whether the model has nothing to do; False where there is no model that could."""
        return not self._running and not self._failed

    def more(self, *, urgent: bool = False) -> None:
        """The store has new texts that wait; `urgent`: they are the next to be embedded."""
        self._dry = False
        if urgent:
            self._window = self._waiting(URGENT_WINDOW)

    def fill(self) -> None:
        """Give the model what it can have, where anything waits."""
        while len(self._running) < AHEAD and not self._failed:
            batch = self._batch()
            if not batch:
                return
            self._running[self._thread.submit(self._embed, batch)] = batch

    def _embed(self, batch: list[EmbeddingJob]) -> _Embedded:
        started = time.perf_counter()
        found = _Embedded([], [], [], 0.0)
        self._try(batch, found)
        return found._replace(seconds=time.perf_counter() - started)

    def _try(self, batch: list[EmbeddingJob], found: _Embedded, tries: int = 1) -> None:
        """Embed what can be embedded of `batch`; raises where the model can embed nothing at all."""
        try:
            vectors = self._vectors(batch)
        except Exception as error:  # noqa: BLE001 (an engine's failure may be anything, and its process' end)
            self._model.embed_documents([HARMLESS])
            middle = len(batch) // 2
            if middle:
                self._try(batch[:middle], found)
                self._try(batch[middle:], found)
            elif tries < TRIES:
                self._try(batch, found, tries + 1)
            else:
                found.refused.append((batch[0], REFUSED.format(error=str(error).rstrip("."))))
        else:
            found.done.extend(batch)
            found.vectors.extend(vectors)

    def _vectors(self, batch: list[EmbeddingJob]) -> NDArray[np.float32]:
        return require_unit_rows(
            self._model.embed_documents([p.text for p in batch], [p.title for p in batch]), len(batch)
        )

    def finished(self) -> tuple[int, int]:
        """Store the vectors that are ready; returns how many, and of how many tokens.

        Raises what the model raised; after that the model is given nothing more.
        """
        passages = tokens = 0
        for future in [future for future in self._running if future.done()]:
            batch = self._running.pop(future)
            self._failed = self._failed or future.exception() is not None
            made = future.result()
            self._keep(made)
            passages += len(made.done)
            tokens += sum(p.tokens for p in made.done)
            self._learn_speed(sum(p.tokens for p in batch), made.seconds)
        return passages, tokens

    def _keep(self, made: _Embedded) -> None:
        """Store what came of a batch, but for texts that are gone: others may have their numbers by now."""
        kept = [i for i, pending in enumerate(made.done) if self._store.still_pending(pending)]
        if kept:
            self._store.put_vectors(
                [made.done[i].id for i in kept], np.stack([made.vectors[i] for i in kept])
            )
        for pending, reason in made.refused:
            if self._store.still_pending(pending):
                self._store.reject_text(pending.id, reason)

    def _learn_speed(self, tokens: int, seconds: float) -> None:
        """Let batches grow or shrink towards `BATCH_SECONDS`, at most by half or double."""
        fitting = tokens * BATCH_SECONDS / max(seconds, 1e-3)
        wanted = min(2 * self._tokens, max(self._tokens // 2, int(fitting)))
        self._tokens = min(MOST_TOKENS, max(LEAST_TOKENS, wanted))

    def close(self) -> None:
        """Drop what is not embedded yet; the next run finds it waiting."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _batch(self) -> list[EmbeddingJob]:
        if not self._window and not self._dry:
            self._window = self._waiting(WINDOW)
            self._dry = not self._window
        size = tokens = 0
        for pending in reversed(self._window):
            if size and tokens + pending.tokens > self._tokens:
                break
            size, tokens = size + 1, tokens + pending.tokens
        batch = self._window[len(self._window) - size :]
        del self._window[len(self._window) - size :]
        return batch

    def _waiting(self, window: int) -> list[EmbeddingJob]:
        """The next window, the longest texts last; what the model has already is not taken again."""
        busy = {pending.id for batch in self._running.values() for pending in batch}
        waiting = self._store.pending(window + len(busy))
        return sorted((p for p in waiting if p.id not in busy), key=lambda p: p.tokens)
