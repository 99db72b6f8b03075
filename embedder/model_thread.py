"""The one thread that owns the model, and the order in which it is asked.

Owns a queue in which questions overtake work that waits; knows nothing of what an engine computes.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import count

import numpy as np
from numpy.typing import NDArray

from embedder.engines.choose import Engine
from embedder.errors import EmbedderClosed, VectorsWrong

QUERY, DOCUMENT = 0, 1

Ids = Sequence[Sequence[int]]
Vectors = NDArray[np.float32]


class Owner:
    """Builds an engine on a thread of its own and runs batches there, queries first."""

    def __init__(self, build: Callable[[], Engine]) -> None:
        """Waits for the engine; what `build` raises is raised here."""
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int, Ids, Future[Vectors]]] = []
        self._numbers = count()
        self._closed = False
        built: Future[Engine] = Future()
        self._thread = threading.Thread(target=self._work, args=(build, built), name="ken-model", daemon=True)
        self._thread.start()
        self.engine = built.result()

    def submit(self, ids: Ids, priority: int) -> Future[Vectors]:
        """Queue a batch. Its future fails with `EmbedderClosed` where the owner closes first."""
        future: Future[Vectors] = Future()
        with self._changed:
            if self._closed:
                raise _closed()
            heapq.heappush(self._waiting, (priority, next(self._numbers), ids, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Let the running batch end, fail what waits, free the engine. May be called more than once."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            self._changed.notify()
        for *_, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(_closed())
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self, build: Callable[[], Engine], built: Future[Engine]) -> None:
        try:
            engine = build()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits for the engine
            built.set_exception(error)
            return
        built.set_result(engine)
        while job := self._next():
            ids, future = job
            if future.set_running_or_notify_cancel():
                _run(engine, ids, future)
        engine.close()

    def _next(self) -> tuple[Ids, Future[Vectors]] | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            _, _, ids, future = heapq.heappop(self._waiting)
            return ids, future


def _run(engine: Engine, ids: Ids, future: Future[Vectors]) -> None:
    try:
        vectors = engine.run(ids)
        if not np.isfinite(vectors).all():
            raise VectorsWrong(
                f"{engine.name} at {engine.precision} gave a vector that is not finite.",
                "Choose another precision or engine, and report it.",
            )
        future.set_result(vectors)
    except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asked
        future.set_exception(error)


def _closed() -> EmbedderClosed:
    return EmbedderClosed("The model was closed before this text was embedded.", "Load it again.")
