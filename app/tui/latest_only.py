"""A thread of work beside the interface: the latest request is run, one that was overtaken never is.

Owns the thread. Knows nothing of searching or of widgets: the outcome is handed to `done`, in that thread,
which posts a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


class LatestOnly(Generic[Request, Outcome]):
    """Runs `work` for the newest request.

    `done` gets the request with its outcome, or with the error `work` raised. The thread is a daemon,
    so that quitting never waits for work that is under way.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Request], Outcome],
        done: Callable[[Request, Outcome | Exception], None],
    ) -> None:
        self._work = work
        self._done = done
        self._due = 0.0
        self._condition = threading.Condition()
        self._waiting: list[Request] = []
        self._closed = False
        self._dropped = False
        self._thread = threading.Thread(target=self._run, name=f"ken-{name}", daemon=True)

    def ask(self, request: Request, rest: float = 0.0) -> None:
        """Put a request in place of the one that still waits; it is begun after `rest` seconds."""
        with self._condition:
            self._waiting = [request]
            self._due = time.monotonic() + rest
            self._condition.notify()
        if not self._thread.ident:
            self._thread.start()

    def hurry(self) -> None:
        """Begin with what waits at once."""
        with self._condition:
            self._due = 0.0
            self._condition.notify()

    def drop(self) -> None:
        """Forget the request that still waits; the outcome of the one that runs is not wanted."""
        with self._condition:
            self._waiting = []
            self._dropped = True

    def close(self) -> None:
        """Take no further request; what runs ends by itself."""
        with self._condition:
            self._closed = True
            self._waiting = []
            self._condition.notify()

    def _run(self) -> None:
        while (request := self._next()) is not None:
            try:
                outcome: Outcome | Exception = self._work(request[0])
            except Exception as error:  # noqa: BLE001 -- every failure is shown, none ends the thread
                outcome = error
            if not self._closed:
                self._done(request[0], outcome)

    @property
    def overtaken(self) -> bool:
        """Whether a newer request waits, or none is wanted any more: for work that can end half-way."""
        return self._closed or self._dropped or bool(self._waiting)

    def _next(self) -> list[Request] | None:
        with self._condition:
            while not self._closed:
                left = self._due - time.monotonic() if self._waiting else None
                if left is not None and left <= 0:
                    request, self._waiting = self._waiting, []
                    self._dropped = False
                    return request
                self._condition.wait(left)
        return None
