"""Embeds the texts that have no vector yet, in batches, and stores the vectors.

Owns the batches: a window of waiting texts is sorted by length and cut under a token budget, so that a batch
needs little padding. Texts that a search has shown go first. The model always has one more batch queued. Only
the calling thread uses the store. If the model fails on a batch, each half is tried, until the text that
causes the failure is alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.model import TextModel
from app.sync.turns import Turns
from index.store.embedding_queue import EmbeddingJob
from index.store.store import Store
from index.store.vectors import require_unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 256
"""Texts sorted together: enough that batches have equal lengths."""
PRIORITY_WINDOW = 16
"""Texts in a window of priority texts: the newest, and few."""
BATCH_SECONDS = 0.25
"""Seconds of work in a batch: a crash loses so much, and a cancel or a priority text waits so long."""
SHORT_BATCH_SECONDS = 0.08
"""The same while queries wait for batches: each then takes about a tenth of a second."""
LEAST_TOKENS, MOST_TOKENS = 512, 16_384
"""Bounds of a batch: below, overhead dominates; above, memory does."""
AHEAD = 2
"""Batches the model has at once, each from a thread of its own: one that it computes, and one that waits, of
which the text is tokenized meanwhile."""
HARMLESS = "A quiet morning."
"""A text that a working model can embed."""
AskedTexts = deque[int]
"""Texts that a search has shown, the last ones last."""
TRIES = 2
"""How often a text is tried alone: another text may have caused the first failure."""
REFUSED = (
    "makes the model fail each time ({error}), so it is left out; the rest of the file is in the index. "
    "The file is tried again when it changes."
)


class _Embedded(NamedTuple):
    """The result of a batch: texts with vectors, texts without and why, seconds."""

    done: list[EmbeddingJob]
    vectors: list[NDArray[np.float32]]
    refused: list[tuple[EmbeddingJob, str]]
    seconds: float


class EmbedStage:
    """`fill`, wait for any of `running`, `finished`, and again until nothing runs; then `close`."""

    def __init__(self, store: Store, model: TextModel, asked: AskedTexts | None = None) -> None:
        """`asked` is filled by other threads, and emptied here."""
        self._store = store
        self._model = model
        self._asked = AskedTexts() if asked is None else asked
        self._threads = ThreadPoolExecutor(AHEAD, thread_name_prefix="embed")
        self._guard = threading.Lock()
        self._turns = Turns()
        """Alone the text is looked for at which the model fails: batches would blame each other's texts."""
        self._ended = 0.0
        """When the last batch was done."""
        self._window: list[EmbeddingJob] = []
        self._running: dict[Future[_Embedded], list[EmbeddingJob]] = {}
        self._dry = False
        self._failed = not model.present
        self._tokens = 2 * LEAST_TOKENS

    @property
    def running(self) -> set[Future[_Embedded]]:
        return set(self._running)

    @property
    def busy(self) -> set[int]:
        """The texts that the model has, or is given next."""
        return {job.id for batch in self._running.values() for job in batch}

    @property
    def starves(self) -> bool:
        """Whether the model is idle; False if there is no working model."""
        return not self._running and not self._failed

    def more(self, *, priority: bool = False) -> None:
        """The store has new texts without vectors; `priority`: embed these next."""
        self._dry = False
        if priority:
            self._window = self._waiting(PRIORITY_WINDOW)

    def fill(self) -> None:
        """Queue batches for the model, up to `AHEAD`."""
        while len(self._running) < AHEAD and not self._failed:
            batch = self._batch()
            if not batch:
                return
            self._running[self._threads.submit(self._embed, batch)] = batch

    def _embed(self, batch: list[EmbeddingJob]) -> _Embedded:
        started = time.perf_counter()
        found = _Embedded([], [], [], 0.0)
        try:
            with self._turns.together():
                vectors = self._vectors(batch)
        except Exception:  # noqa: BLE001 (a text of another batch may have ended the model's process)
            with self._turns.alone():
                self._model.embed_documents([HARMLESS])
                self._try(batch, found)
        else:
            found.done.extend(batch)
            found.vectors.extend(vectors)
        with self._guard:  # a batch that waited for another took no time until that one was done
            started, self._ended = max(started, self._ended), time.perf_counter()
            return found._replace(seconds=self._ended - started)

    def _try(self, batch: list[EmbeddingJob], found: _Embedded, tries: int = 1) -> None:
        """Embed each text of `batch` that the model accepts; raises if the model embeds nothing at all."""
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

        Raises what the model raised; after that no batch is queued.
        """
        passages = tokens = 0
        for future in [future for future in self._running if future.done()]:
            batch = self._running.pop(future)
            self._failed = self._failed or future.exception() is not None
            made = future.result()
            self._keep(made)
            passages += len(made.done)
            tokens += sum(p.tokens for p in made.done)
            self._adapt_batch_size(sum(p.tokens for p in batch), made.seconds)
        return passages, tokens

    def _keep(self, made: _Embedded) -> None:
        """Store the result of a batch without deleted texts: other texts may have their ids by now."""
        kept = [i for i, pending in enumerate(made.done) if self._store.still_pending(pending)]
        if kept:
            self._store.put_vectors(
                [made.done[i].id for i in kept], np.stack([made.vectors[i] for i in kept])
            )
        for pending, reason in made.refused:
            if self._store.still_pending(pending):
                self._store.reject_text(pending.id, reason)

    def _adapt_batch_size(self, tokens: int, seconds: float) -> None:
        """Move the batch size towards the seconds of work that are meant, at most by a factor of two."""
        meant = SHORT_BATCH_SECONDS if self._model.delays_queries else BATCH_SECONDS
        fitting = tokens * meant / max(seconds, 1e-3)
        wanted = min(2 * self._tokens, max(self._tokens // 2, int(fitting)))
        self._tokens = min(MOST_TOKENS, max(LEAST_TOKENS, wanted))

    def close(self) -> None:
        """Drop the queued batches; the next run embeds these texts."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _batch(self) -> list[EmbeddingJob]:
        if self._asked:
            self._put_asked_first()
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

    def _put_asked_first(self) -> None:
        """Move the texts that were asked for to the end of the window, which is taken first."""
        texts = [self._asked.pop() for _ in range(len(self._asked))]
        asked = [job for job in self._store.pending_of(texts) if job.id not in self.busy]
        ids = {job.id for job in asked}
        self._window = [job for job in self._window if job.id not in ids] + asked[::-1]

    def _waiting(self, window: int) -> list[EmbeddingJob]:
        """The next window without the texts that are being embedded, the longest last."""
        busy = self.busy
        waiting = self._store.pending(window + len(busy))
        return sorted((p for p in waiting if p.id not in busy), key=lambda p: p.tokens)
