"""The model in a process of its own, which can end: what an engine once took it seldom gives back.

`ModelProcess` offers what `embedder.Embedder` does and starts its process when first asked; `release`
ends it until the next question. A crash of the engine fails the requests it had and nothing else.
Knows nothing of the index. `serve` is the other side.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, cast

from app.config import ModelConfig
from app.sync.throttle import step_back
from embedder.errors import EmbedderClosed, EmbedderError, EngineUnavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

START_TIMEOUT = 120.0
"""Seconds a model may take to load: a first one may have to be compiled for the machine."""
START = "from app.daemon.model_process import main; main()"
METHODS = frozenset({"embed_queries", "embed_documents", "count_tokens", "embed", "similarity"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the embedder in the process says of itself."""

    dimension: int
    context_length: int
    engine: str
    precision: str
    model: str
    fingerprint: str


class ModelProcess:
    """An embedder that lives elsewhere. Safe from any thread; raises what `Embedder` raises.

    `nice` is how far its process steps back behind others.
    """

    def __init__(self, config: ModelConfig, *, nice: int = 0) -> None:
        self.config = config
        self.nice = nice
        self._guard = threading.RLock()
        self._child: _Child | None = None
        self._closed = False
        self._used = time.monotonic()

    @property
    def facts(self) -> Facts:
        return self._running().facts

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
        """Seconds since the last request began or ended."""
        child = self._child
        return 0.0 if child is not None and child.waiting else time.monotonic() - self._used

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return cast("list[int]", self._ask("count_tokens", list(texts)))

    def embed_queries(
        self, texts: Sequence[str], *, task: str = "search result", dim: int = 768
    ) -> NDArray[np.float32]:
        return cast("NDArray[np.float32]", self._ask("embed_queries", list(texts), task=task, dim=dim))

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None, *, dim: int = 768
    ) -> NDArray[np.float32]:
        titles = None if titles is None else list(titles)
        return cast("NDArray[np.float32]", self._ask("embed_documents", list(texts), titles, dim=dim))

    def release(self) -> None:
        """End the process and give its memory back; the next request starts another."""
        with self._guard:
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def close(self) -> None:
        self._closed = True
        self.release()

    def _ask(self, method: str, *arguments: object, **options: object) -> object:
        self._used = time.monotonic()
        try:
            return self._running().ask(method, *arguments, **options).result()
        finally:
            self._used = time.monotonic()

    def _running(self) -> _Child:
        with self._guard:
            if self._closed:
                raise EmbedderClosed(
                    "The model was closed.", "Ask again; `ken daemon start` starts the daemon."
                )
            if self._child is None or not self._child.alive:
                self.release()
                self._child = _Child(self.config, self.nice)
            return self._child


class _Child:
    """One process, from start to end."""

    def __init__(self, config: ModelConfig, nice: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, str(theirs.fileno()), str(nice)],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._channel: Connection[Any, Any] = Connection(ours.detach())
        self._sending = threading.Lock()
        self._numbers = itertools.count()
        self._futures: dict[int, Future[object]] = {}
        self.alive = True
        self.facts = self._start(config)
        self._reader = threading.Thread(target=self._read, name="model", daemon=True)
        self._reader.start()

    @property
    def waiting(self) -> int:
        return len(self._futures)

    def ask(self, method: str, *arguments: object, **options: object) -> Future[object]:
        future: Future[object] = Future()
        number = next(self._numbers)
        with self._sending:
            self._futures[number] = future
            try:
                if not self.alive:
                    raise OSError("ended")
                self._channel.send((number, method, arguments, options))
            except OSError:
                self._futures.pop(number, None)
                future.set_exception(_ended())
        return future

    def end(self) -> None:
        """Stop the process at once; it keeps nothing that could be lost."""
        self.alive = False
        self.process.kill()
        self.process.wait()
        if self._reader.is_alive() and self._reader is not threading.current_thread():
            self._reader.join()

    def _start(self, config: ModelConfig) -> Facts:
        try:
            self._channel.send(config)
            if not self._channel.poll(START_TIMEOUT):
                raise EngineUnavailable("The model did not load in time.", "Look at `ken daemon logs`.")
            answer = self._channel.recv()
        except (OSError, EOFError) as error:
            self._give_up()
            raise EngineUnavailable(
                "The model's process ended while loading.", "Look at `ken daemon logs`."
            ) from error
        except EngineUnavailable:
            self._give_up()
            raise
        if isinstance(answer, BaseException):
            self._give_up()
            raise answer
        return cast("Facts", answer)

    def _give_up(self) -> None:
        self.alive = False
        self.process.kill()
        self.process.wait()
        self._channel.close()

    def _read(self) -> None:
        try:
            while True:
                number, result = self._channel.recv()
                future = self._futures.pop(number)
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        except (EOFError, OSError, pickle.UnpicklingError):
            log.info("the model's process ended")
        with self._sending:
            self.alive = False
            futures, self._futures = list(self._futures.values()), {}
            self._channel.close()
        self.process.wait()
        for future in futures:
            future.set_exception(_ended())


def _ended() -> EmbedderClosed:
    return EmbedderClosed(
        "The model's process ended while it worked.", "It is started again; look at `ken daemon logs`."
    )


def serve(channel: Connection[Any, Any]) -> None:
    """The process: load what is asked for, answer until the other side is gone."""
    config: ModelConfig = channel.recv()
    try:
        from embedder import load

        model = load(
            config.name or None,
            engine=config.engine,
            precision=config.precision,
            threads=config.threads or None,
            memory_mb=config.memory_mb or None,
        )
    except Exception as error:  # noqa: BLE001 - told to the daemon, which has someone to tell
        channel.send(_portable(error))
        return
    channel.send(Facts(*(getattr(model, name) for name in Facts.__slots__)))
    sending = threading.Lock()

    def answer(number: int, method: str, arguments: Any, options: Any) -> None:
        try:
            result = getattr(model, method)(*arguments, **options) if method in METHODS else None
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            result = _portable(error)
        with sending:
            channel.send((number, result))

    with ThreadPoolExecutor(max_workers=8) as pool:
        while True:
            pool.submit(answer, *channel.recv())


def _portable(error: Exception) -> Exception:
    """The error where it can travel as it is, else what can be told of it."""
    if isinstance(error, EmbedderError):
        return type(error)(error.what, error.fix)
    log.exception("the model failed")
    return EmbedderError(f"The model failed: {type(error).__name__}: {error}.", "Look at `ken daemon logs`.")


def main() -> None:
    step_back(int(sys.argv[2]))
    with contextlib.suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))
    # Engines' threads may still compute: nothing of theirs is worth waiting for.
    os._exit(0)
