"""A child process with the model, seen from the daemon: start, requests, end.

Owns the process and its channel. One thread writes to the channel and one reads from it, so that no caller
waits for a child that does not read. Knows nothing of what the requests mean or how long they may take.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from app.config import ModelConfig
from app.launch import code_command
from embedder.errors import EmbedderError, EngineUnavailable, ModelUnresponsive

log = logging.getLogger(__name__)

REAP_SECONDS = 2.0
"""Seconds to wait for a killed process. In an uninterruptible system call (a driver, a dead network disk) it
does not end, and the daemon must not wait for it."""
STILL_LOADING, LOADED = -1, -2
"""Numbers of the two messages that answer no request."""


class ModelChild:
    """One process. Safe from any thread; no method waits for an answer."""

    def __init__(self, command: str, config: ModelConfig, nice: int) -> None:
        self.loaded: Future[None] = Future()
        """Done when the model is loaded; fails with the error of loading."""
        self.started = time.monotonic()
        self.signs_of_life = 0
        """Messages received so far: grows about once a second while the model is loading."""
        self._guard = threading.Lock()
        self._numbers = itertools.count()
        self._running: dict[int, tuple[Future[object], int]] = {}
        self._outbox: SimpleQueue[object] = SimpleQueue()
        self._gone = threading.Event()
        self.alive = True
        self.process, self._socket = _start(command, nice)
        self._channel: Connection[Any, Any] = Connection(os.dup(self._socket.fileno()))
        self._outbox.put(config)
        # The reader starts last: where the process ends at once, it waits for the writer to end.
        self._threads = [
            threading.Thread(target=work, name=f"model {name}", daemon=True)
            for name, work in (("writer", self._write), ("reader", self._read))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def outstanding(self) -> int:
        """The sum of the sizes of all unanswered requests."""
        with self._guard:
            return sum(size for _, size in self._running.values())

    def request(self, size: int, method: str, *arguments: object, **options: object) -> Future[object]:
        """Queue a request of that `size`; its future fails if the process ends."""
        future: Future[object] = Future()
        number = next(self._numbers)
        with self._guard:
            if not self.alive:
                future.set_exception(ended())
                return future
            self._running[number] = future, size
        self._outbox.put((number, method, arguments, options))
        return future

    def end(self, error: Callable[[], EmbedderError] | None = None) -> None:
        """Kill the process, which has no state to lose; its requests fail with `error`."""
        with self._guard:
            first, self.alive = self.alive, False
            running, self._running = self._running, {}
            loading = first and not self.loaded.done()
        if not first:
            if threading.current_thread() not in self._threads:
                self._gone.wait(2 * REAP_SECONDS)
            return
        self.process.kill()
        # Both threads may be in a system call on the channel; closing would not wake them.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._outbox.put(None)
        if loading:
            self.loaded.set_exception(_ended_loading() if error is None else error())
        for future, _ in running.values():
            future.set_exception(ended() if error is None else error())
        self._reap()

    def _reap(self) -> None:
        try:
            self.process.wait(REAP_SECONDS)
        except subprocess.TimeoutExpired:
            log.error("the model's process %d does not end when killed; it is abandoned", self.process.pid)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._channel.close()
        self._socket.close()
        self._gone.set()

    def _write(self) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                self._channel.send(message)
            except OSError:
                return  # The reader sees the same end and fails the requests.

    def _read(self) -> None:
        try:
            while True:
                number, result = self._channel.recv()
                self.signs_of_life += 1
                self._take(number, result)
        except (EOFError, OSError):
            log.info("the model's process ended")
        except Exception:
            log.exception("the model's process sent an invalid message")
        self.end()

    def _take(self, number: int, result: object) -> None:
        with self._guard:
            if number == STILL_LOADING or not self.alive:
                return
            future: Future[Any] = self.loaded if number == LOADED else self._running.pop(number)[0]
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _start(command: str, nice: int) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [*code_command(command), str(theirs.fileno()), str(nice)],
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            ours.close()
            raise EngineUnavailable(
                f"The model's process could not be started: {error.strerror}.",
                "Close other programs and try again.",
            ) from error
    return process, ours


def ended() -> ModelUnresponsive:
    return ModelUnresponsive(
        "The model's process ended while it worked.", "It is started again; look at `ken daemon logs`."
    )


def _ended_loading() -> EngineUnavailable:
    return EngineUnavailable("The model's process ended while loading.", "Look at `ken daemon logs`.")
