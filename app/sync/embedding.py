"""Texts that wait for a vector, handed to the model in batches and stored as they come back.

Batches are of like length across files: a window of waiting texts is sorted and cut under a token
budget. The model always has one batch to go on with. Only the thread that calls touches the store.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from app.model import TextModel
from index.store import Pending, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW = 256
"""Texts sorted together."""
BATCH_TEXTS = 64
BATCH_TOKENS = 4096
"""About two seconds of work on two cores: what a crash loses, and what an interrupt waits for."""
AHEAD = 2
"""Batches the model has at once: one it computes, one that waits."""


class Embedding:
    """`fill`, wait for any of `running`, `finished`, and again until nothing runs; then `close`."""

    def __init__(self, store: Store, model: TextModel) -> None:
        self._store = store
        self._model = model
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._window: list[Pending] = []
        self._running: dict[Future[NDArray[np.float32]], list[Pending]] = {}
        self._dry = False

    @property
    def running(self) -> set[Future[NDArray[np.float32]]]:
        return set(self._running)

    def more(self) -> None:
        """The store has new texts that wait."""
        self._dry = False

    def fill(self) -> None:
        """Give the model what it can have, where anything waits."""
        while len(self._running) < AHEAD:
            batch = self._batch()
            if not batch:
                return
            texts, titles = [p.text for p in batch], [p.title for p in batch]
            self._running[self._thread.submit(self._model.embed_documents, texts, titles)] = batch

    def finished(self) -> tuple[int, int]:
        """Store the vectors that are ready; returns how many, and of how many tokens.

        Raises what the model raised.
        """
        passages = tokens = 0
        for future in [future for future in self._running if future.done()]:
            batch = self._running.pop(future)
            self._store.put_vectors([p.id for p in batch], future.result())
            passages += len(batch)
            tokens += sum(p.tokens for p in batch)
        return passages, tokens

    def close(self) -> None:
        """Drop what is not embedded yet; the next run finds it waiting."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _batch(self) -> list[Pending]:
        if not self._window and not self._dry:
            self._window = self._waiting()
            self._dry = not self._window
        size = tokens = 0
        for pending in reversed(self._window):
            if size and (size == BATCH_TEXTS or tokens + pending.tokens > BATCH_TOKENS):
                break
            size, tokens = size + 1, tokens + pending.tokens
        batch = self._window[len(self._window) - size :]
        del self._window[len(self._window) - size :]
        return batch

    def _waiting(self) -> list[Pending]:
        """The next window, the longest texts last; what the model has already is not taken again."""
        busy = {pending.id for batch in self._running.values() for pending in batch}
        waiting = self._store.pending(WINDOW + len(busy))
        return sorted((p for p in waiting if p.id not in busy), key=lambda p: p.tokens)
