"""The model in a child process, which can be ended: engines seldom give memory back.

Owns the child's life and its time limits. `ModelProcess` starts its child on the first request; `release`
ends it until the next. A child that crashes, hangs or gives a malformed answer fails its requests and no
others; it is killed and replaced. Knows nothing of the index.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.config import ModelConfig
from app.model_process.child import ModelChild
from embedder.errors import EmbedderClosed, EmbedderError, ModelNotFound, ModelUnresponsive, VectorsWrong

log = logging.getLogger(__name__)

START = "from app.model_process.serve import main; main()"
DIMENSION = 768
"""Numbers in a vector of the model."""
QUERY_VECTORS = 2
"""Of one query: for passages of prose, and of code."""
SLICE = 0.25
"""Seconds of one wait: time in which this process was suspended (sleep, ^z) counts as one such."""
PROMPT_BYTES = 50
"""Approximate bytes of the prompt around each text."""
TOKEN_BYTES = 12
"""Bytes of text that take as long as a token alone, which is three tokens of input."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that the child may take, and how soon it is started again."""

    load: float = 120.0
    """To load: the engine may have to compile the model for this machine."""
    load_silence: float = 20.0
    """Without a message while it loads."""
    query_load: float = 20.0
    """For which a query waits until the model is loaded; less than a client waits for the daemon."""
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
    """`app.model.TextEmbedder` in a child process. Raises what `embedder.Embedder` raises.

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

    def embed_query(self, text: str) -> NDArray[np.float32]:
        with self._child_for(self.limits.query_load) as child:
            asked = child.request(_size([text]), "embed_query", text)
            return _unit(self._answer(child, asked, self.limits.query), QUERY_VECTORS)

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        titles = None if titles is None else list(titles)
        size = _size(texts)
        with self._child_for(self.limits.load) as child:
            alone, started = not child.outstanding, time.monotonic()
            asked = child.request(size, "embed_documents", list(texts), titles)
            vectors = _unit(self._answer(child, asked, self.limits.batch), len(texts))
            if alone:
                self._update_speed(size, time.monotonic() - started)
            return vectors

    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        with self._child_for(self.limits.query_load) as child:
            asked = child.request(_size(texts), "embed_priority", list(texts), list(titles))
            return _unit(self._answer(child, asked, self.limits.query), len(texts))

    def embed_tokens(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        with self._child_for(self.limits.load) as child:
            asked = child.request(TOKEN_BYTES * len(tokens), "embed_tokens", list(tokens))
            return _unit(self._answer(child, asked, self.limits.batch), len(tokens))

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
        self._await_loaded(child, load_seconds)
        try:
            yield child
            self._failures = 0
        except (ModelUnresponsive, VectorsWrong) as error:
            raise self._replace_child(child, error) from error
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

    def _await_loaded(self, child: ModelChild, patience: float) -> None:
        """Wait until the child has loaded the model, for `patience` seconds."""
        waited = silent = 0.0
        signs = child.signs_of_life
        while True:
            try:
                return child.loaded.result(SLICE)
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
                raise self._replace_child(child, late)
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

    def _replace_child(self, child: ModelChild, error: EmbedderError) -> EmbedderError:
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


def _unit(vectors: object, count: int) -> NDArray[np.float32]:
    """`vectors`, checked to be `count` rows of unit length; NaN fails."""
    shape = (count, DIMENSION)
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or vectors.shape != shape:
        raise ModelUnresponsive(f"The model's process answered something else than {count} vectors.")
    if not np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1) < 0.01):
        raise VectorsWrong("The model gave a vector that is not of length one.", "")
    return vectors


def _again(wait: float) -> str:
    return f"It is started again in {max(1.0, wait):.0f} seconds."


def _closed() -> EmbedderClosed:
    return EmbedderClosed("The model was closed.", "Ask again; `ken daemon start` starts the daemon.")
