"""The one thread that builds, runs and closes an engine, and its queue.

Owns the order of batches: queries before pending documents. Knows nothing of what an engine computes.
"""

from __future__ import annotations

import atexit
import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future
from enum import IntEnum
from itertools import count

import numpy as np

from embedder.engines.base import Engine, Ids, Vectors
from embedder.errors import EmbedderClosed, VectorsWrong


class Priority(IntEnum):
    """The order of batches; the lower number is computed first."""

    QUERY = 0
    TOKENS = 1
    """Single tokens, for which the approximate vectors of many documents wait."""
    DOCUMENT = 2


class ModelThread:
    """Builds an engine on its own thread and runs batches there by priority. Thread-safe."""

    def __init__(self, build: Callable[[], Engine]) -> None:
        """Wait until the engine is built; an error of `build` is raised here."""
        self._changed = threading.Condition()
        self._waiting: list[tuple[Priority, int, Ids, Future[Vectors]]] = []
        self._numbers = count()
        self._closed = False
        self._ended = threading.Event()
        built: Future[Engine] = Future()
        self._thread = threading.Thread(target=self._work, args=(build, built), name="ken-model", daemon=True)
        # A thread that comes back to Python while it ends is ended, and from C++ that aborts the process.
        atexit.register(self.close)
        self._thread.start()
        self.engine = built.result()

    def submit(self, ids: Ids, priority: Priority) -> Future[Vectors]:
        """Queue a batch. Its future fails with `EmbedderClosed` if `close` is called first."""
        future: Future[Vectors] = Future()
        with self._changed:
            if self._closed:
                raise _closed()
            heapq.heappush(self._waiting, (priority, next(self._numbers), ids, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Finish the running batch, fail pending ones, free the engine. May be called more than once."""
        with self._changed:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            self._changed.notify()
        for *_, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(_closed())
        if threading.current_thread() is not self._thread:
            self._ended.wait()
        atexit.unregister(self.close)

    def _work(self, build: Callable[[], Engine], built: Future[Engine]) -> None:
        try:
            engine = build()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits for the engine
            atexit.unregister(self.close)
            self._ended.set()
            built.set_exception(error)
            return
        built.set_result(engine)
        while job := self._next():
            ids, future = job
            if future.set_running_or_notify_cancel():
                _run(engine, ids, future)
        engine.close()
        self._ended.set()
        if engine.keeps_thread:
            threading.Event().wait()

    def _next(self) -> tuple[Ids, Future[Vectors]] | None:
        """The next batch; waits for one. None once closed."""
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
    except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits for the batch
        future.set_exception(error)


def _closed() -> EmbedderClosed:
    return EmbedderClosed("The model was closed before this text was embedded.", "Load it again.")
