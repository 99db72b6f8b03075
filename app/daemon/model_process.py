"""The model in a child process, which can be ended: engines seldom give memory back.

Owns the child's life and its time limits. `ModelProcess` has the methods of `embedder.Embedder` and starts
its process on the first request; `release` ends it until the next. A child that crashes, hangs or gives a
malformed answer fails its requests and no others; it is killed and replaced. `serve` runs in the child. Knows
nothing of the index.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from app.config import ModelConfig
from app.daemon.model_child import LOADED, STILL_LOADING, Facts, ModelChild
from app.sync.throttle import lower_process_priority
from embedder.errors import EmbedderClosed, EmbedderError, ModelNotFound, ModelUnresponsive, VectorsWrong

log = logging.getLogger(__name__)

START = "from app.daemon.model_process import main; main()"
METHODS = frozenset({"embed_queries", "embed_documents", "count_tokens", "embed", "similarity"})
SIGN_SECONDS = 1.0
"""Seconds between two messages of a child that is loading the model."""
SLICE = 0.25
"""Seconds of one wait: time in which this process was suspended (sleep, Ctrl-Z) counts as one such."""
PROMPT_BYTES = 50
"""Approximate bytes of the prompt around each text."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that the child may take, and how soon it is started again."""

    load: float = 120.0
    """To load: the engine may have to compile the model for this machine."""
    load_silence: float = 20.0
    """Without a message while it loads."""
    query_load: float = 20.0
    """That a query waits for loading; less than a client waits for the daemon."""
    query: float = 5.0
    """For a query, at least."""
    batch: float = 10.0
    """For a batch of documents, at least."""
    slack: float = 20.0
    """Factor on the expected duration of a request: other programs may use the processor."""
    first_speed: float = 2000.0
    """Bytes of text a second before the first measurement: a slow core. Bytes stand in for tokens, which have
    four to five bytes of UTF-8 in English as in Japanese."""
    restart: tuple[float, ...] = (0.0, 1.0, 5.0, 15.0, 60.0)
    """Before a restart, after the first failure in a row, the second, and so on."""


LIMITS = TimeLimits()


class ModelProcess:
    """An embedder in a child process. Safe from any thread; raises what `Embedder` raises.

    Every request ends within `limits`: a child that has not answered by then is killed, and the request
    raises `ModelUnresponsive`. `nice` is the nice value of the child.
    """

    def __init__(self, config: ModelConfig, *, nice: int = 0, limits: TimeLimits | None = None) -> None:
        self.config = config
        self.nice = nice
        self.limits = limits or LIMITS
        self._guard = threading.RLock()
        self._child: ModelChild | None = None
        self._closed = False
        self._used = time.monotonic()
        self._speed = self.limits.first_speed
        self._failures = 0
        """In a row."""
        self._failed_at = float("-inf")
        self._failure: EmbedderError | None = None

    @property
    def facts(self) -> Facts:
        return self._loaded(self._running(), self.limits.load)

    @property
    def dimension(self) -> int:
        return self.facts.dimension

    @property
    def context_length(self) -> int:
        return self.facts.context_length

    @property
    def engine(self) -> str:
        return self.facts.engine

    @property
    def precision(self) -> str:
        return self.facts.precision

    @property
    def model(self) -> str:
        return self.facts.model

    @property
    def fingerprint(self) -> str:
        return self.facts.fingerprint

    @property
    def loaded(self) -> bool:
        child = self._child
        return child is not None and child.alive

    @property
    def idle_for(self) -> float:
        """Seconds since the last request began or ended; 0 during one."""
        child = self._child
        return 0.0 if child is not None and child.outstanding else time.monotonic() - self._used

    @property
    def notice(self) -> str:
        """The last failure, for the user; empty once the model has answered again."""
        if self._failure is None or not self._failures:
            return ""
        again = "It was started again." if self.loaded else "It is started again when it is needed."
        return f"{self._failure.what} {again}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._child_for(self.limits.load) as child:
            size = _size(texts)
            asked = child.request(size, "count_tokens", list(texts))
            return cast("list[int]", self._answer(child, asked, self.limits.batch))

    def embed_queries(
        self, texts: Sequence[str], *, task: str = "search result", dim: int = 768
    ) -> NDArray[np.float32]:
        with self._child_for(self.limits.query_load) as child:
            asked = child.request(_size(texts), "embed_queries", list(texts), task=task, dim=dim)
            return _unit(self._answer(child, asked, self.limits.query), len(texts), dim)

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None, *, dim: int = 768
    ) -> NDArray[np.float32]:
        titles = None if titles is None else list(titles)
        size = _size(texts)
        with self._child_for(self.limits.load) as child:
            alone, started = not child.outstanding, time.monotonic()
            asked = child.request(size, "embed_documents", list(texts), titles, dim=dim)
            vectors = _unit(self._answer(child, asked, self.limits.batch), len(texts), dim)
            if alone:
                self._update_speed(size, time.monotonic() - started)
            return vectors

    def release(self) -> None:
        """End the child; the next request starts another."""
        with self._guard:
            child, self._child = self._child, None
        if child is not None:
            child.end(_closed)

    def close(self) -> None:
        self._closed = True
        self.release()

    @contextlib.contextmanager
    def _child_for(self, load_seconds: float) -> Iterator[ModelChild]:
        """A child that has loaded the model; if it fails in the block, it is replaced."""
        self._used = time.monotonic()
        child = self._running()
        self._loaded(child, load_seconds)
        try:
            yield child
            self._failures = 0
        except (ModelUnresponsive, VectorsWrong) as error:
            raise self._replaced(child, error) from error
        finally:
            self._used = time.monotonic()

    def _running(self) -> ModelChild:
        """The child, started if there is none; raises the last failure if it is too soon to start."""
        with self._guard:
            if self._closed:
                raise _closed()
            if self._child is None or not self._child.alive:
                if self._failure is not None and (wait := self._wait) > 0:
                    raise type(self._failure)(self._failure.what, _again(wait))
                self._child = ModelChild(START, self.config, self.nice)
            return self._child

    def _loaded(self, child: ModelChild, patience: float) -> Facts:
        """The facts that the child sends when the model is loaded; waits for `patience` seconds."""
        waited = silent = 0.0
        signs = child.signs_of_life
        while True:
            try:
                return child.facts.result(SLICE)
            except TimeoutError:
                waited += SLICE
            except (ModelNotFound, EmbedderClosed):
                raise
            except EmbedderError as error:
                self._count_failure(child, error)
                raise
            silent = silent + SLICE if signs == child.signs_of_life else 0.0
            signs = child.signs_of_life
            if silent > self.limits.load_silence or time.monotonic() - child.started > self.limits.load:
                late = ModelUnresponsive("The model did not load in time.")
                raise self._replaced(child, late)
            if waited >= patience:
                raise ModelUnresponsive("The model is still being loaded.", "Ask again in a moment.")

    def _answer(self, child: ModelChild, asked: Future[object], least: float) -> object:
        """The result of a request, within `least` seconds or what all outstanding requests may take."""
        limit = left = max(least, self.limits.slack * child.outstanding / self._speed)
        while left > 0:
            try:
                return asked.result(min(SLICE, left))
            except TimeoutError:
                left -= SLICE
        raise ModelUnresponsive(f"The model did not answer within {limit:.0f} seconds.")

    def _replaced(self, child: ModelChild, error: EmbedderError) -> EmbedderError:
        """Kill `child`, start another if it is not too soon, and return the error to raise."""
        self._count_failure(child, error)
        with contextlib.suppress(EmbedderError):
            self._running()
        return type(error)(error.what, "It was started again." if self.loaded else _again(self._wait))

    def _count_failure(self, child: ModelChild, error: EmbedderError) -> None:
        """Count a failure once for each child, however many requests it fails."""
        with self._guard:
            counts = self._child is child
            if counts:
                self._child = None
                self._failures += 1
                self._failure, self._failed_at = error, time.monotonic()
        if counts:
            log.warning("%s (process %d, failure %d in a row)", error.what, child.process.pid, self._failures)
        child.end(lambda: type(error)(error.what, error.fix))

    @property
    def _wait(self) -> float:
        """Seconds until the child may be started again."""
        if not self._failures:
            return 0.0
        pause = self.limits.restart[min(self._failures, len(self.limits.restart)) - 1]
        return self._failed_at + pause - time.monotonic()

    def _update_speed(self, size: int, seconds: float) -> None:
        """Move the estimate halfway to this measurement."""
        self._speed = (self._speed + size / max(seconds, 1e-3)) / 2


def _size(texts: Sequence[str]) -> int:
    return sum(len(text.encode("utf-8", "replace")) + PROMPT_BYTES for text in texts)


def _unit(vectors: object, count: int, dim: int) -> NDArray[np.float32]:
    """`vectors`, checked to be `count` rows of unit length; NaN fails."""
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or vectors.shape != (count, dim):
        raise ModelUnresponsive(f"The model's process answered something else than {count} vectors.")
    if not np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1) < 0.01):
        raise VectorsWrong("The model gave a vector that is not of length one.", "")
    return vectors


def _again(wait: float) -> str:
    return f"It is started again in {max(1.0, wait):.0f} seconds."


def _closed() -> EmbedderClosed:
    return EmbedderClosed("The model was closed.", "Ask again; `ken daemon start` starts the daemon.")


def serve(channel: Connection[Any, Any]) -> None:
    """The child's side: load the model, answer until the daemon closes the channel."""
    sending = threading.Lock()

    def send(number: int, result: object) -> None:
        with sending:
            channel.send((number, result))

    config: ModelConfig = channel.recv()
    try:
        with _signs_of_life(send):
            from app.model import load_here  # its import is part of loading

            model = load_here(config)
    except Exception as error:  # noqa: BLE001 - sent to the daemon
        send(LOADED, _portable(error))
        return
    send(LOADED, Facts(*(getattr(model, name) for name in Facts.__slots__)))

    def answer(number: int, method: str, arguments: Any, options: Any) -> None:
        try:
            result = getattr(model, method)(*arguments, **options) if method in METHODS else None
        except Exception as error:  # noqa: BLE001 - sent to the caller
            result = _portable(error)
        send(number, result)

    with ThreadPoolExecutor(max_workers=8) as pool:
        while True:
            pool.submit(answer, *channel.recv())


@contextlib.contextmanager
def _signs_of_life(send: Callable[[int, object], None]) -> Iterator[None]:
    """Sends a message each second, as a sign that this process still runs."""
    done = threading.Event()

    def tell() -> None:
        with contextlib.suppress(OSError):
            while not done.wait(SIGN_SECONDS):
                send(STILL_LOADING, None)

    thread = threading.Thread(target=tell, name="loading", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _portable(error: Exception) -> Exception:
    """The error in a form that can be sent."""
    if isinstance(error, EmbedderError):
        return type(error)(error.what, error.fix)
    log.exception("the model failed")
    return EmbedderError(f"The model failed: {type(error).__name__}: {error}.", "Look at `ken daemon logs`.")


def main() -> None:
    lower_process_priority(int(sys.argv[2]))
    with contextlib.suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))
    # Do not wait for threads of the engine.
    os._exit(0)
