"""The thread that keeps the index level with the disk: the only one in the daemon that writes.

It compares everything at the start, after events were lost, after the machine slept, when the clock
jumped and at intervals; between, it looks at what events point to. A failure is told, waited out and
tried again: nothing but `stop` ends this thread. Knows the watcher and the clock; what there is to
do is `Work`'s, and sockets are nobody's here.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar, cast

from app.api import SyncReport
from app.config import DaemonConfig
from app.errors import TITLED_ERRORS
from app.sync.change_queue import DirtyQueue
from app.sync.throttle import reason_to_wait
from app.sync.watcher import Watch, Watcher
from embedder.errors import EmbedderClosed

log = logging.getLogger(__name__)

T = TypeVar("T")

TICK = 5.0
"""Seconds between two looks at the folders, and at the clock and the battery when nothing happens."""
JUMP = 5.0
"""Seconds by which the wall clock may leave the monotonic one before it was set, or the machine slept."""
JITTER = 0.1
BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds to wait after the first failure in a row, the second, and so on."""


class Work(Protocol):
    """What the indexer has done. Each takes long; `urgent` gives paths that must not wait for it."""

    def roots(self) -> list[str]: ...
    def scan(self, roots: Sequence[str] | None, urgent: Callable[[], list[str]]) -> SyncReport: ...
    def take(self, paths: Sequence[str], urgent: Callable[[], list[str]]) -> SyncReport: ...
    def due(self) -> dict[str, float]:
        """Paths to look at again without an event, and when, on the monotonic clock."""

    def interrupt(self) -> None:
        """End what runs at the next safe point, with everything done kept."""

    def rest(self) -> None:
        """Nothing is to be done: give back what can be had again."""


class Indexer:
    """Works from `start` to `stop`; the other methods may be called from any thread."""

    def __init__(self, work: Work, queue: DirtyQueue, watcher: Watcher, config: DaemonConfig) -> None:
        self.queue = queue
        self.watcher = watcher
        self.notice = ""
        self.waiting_because = ""
        self._work = work
        self._config = config
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._called = threading.Event()
        self._stopping = threading.Event()
        self._paused = threading.Event()
        self._failures = 0
        self._not_before = 0.0
        self._next_scan = 0.0
        self._next_poll = float("inf")
        self._next_look = 0.0
        self._drift = _drift()
        self._scanning_for = "the start"
        self.thread = threading.Thread(target=self._run, name="indexer", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End at the next safe point and follow nothing any more."""
        self._stopping.set()
        self._wake()
        if self.thread.is_alive():
            self.thread.join()
        self.watcher.stop()
        with suppress(Empty):
            while True:
                self._calls.get_nowait()[1].cancel()

    def run(self, call: Callable[[], T]) -> T:
        """Have `call` done by the thread that writes, before anything else; returns what it returns."""
        if threading.current_thread() is self.thread:
            return call()
        future: Future[Any] = Future()
        self._calls.put((call, future))
        self._wake()
        return cast("T", future.result())

    def _wake(self) -> None:
        self._called.set()
        self._work.interrupt()
        self.queue.wake()

    def pause(self) -> None:
        self._paused.set()
        self._wake()

    def resume(self) -> None:
        self._paused.clear()
        self.scan_soon("work was paused")

    def scan_soon(self, reason: str) -> None:
        """Compare everything as soon as nothing else is to be done."""
        self.queue.mark_all(reason)

    @property
    def paused(self) -> bool:
        return self._paused.is_set()

    @property
    def may_be_waited_for(self) -> bool:
        """Whether what is marked is taken in soon, and by another thread than the one that asks."""
        return not self.waiting_because and threading.current_thread() is not self.thread

    @property
    def has_calls(self) -> bool:
        """Whether somebody waits for this thread: what runs has to end soon."""
        return not self._calls.empty() or self._stopping.is_set()

    @property
    def watches(self) -> dict[str, Watch]:
        return dict(self.watcher.watches)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve_calls()
                if not self._do_next():
                    self._rest()
            except TITLED_ERRORS as error:
                self._failed(
                    f"{error.title}: {error.what} {error.fix}", quiet=isinstance(error, EmbedderClosed)
                )
            except Exception as error:
                log.exception("keeping the index failed")
                self._failed(f"Keeping the index fresh failed ({type(error).__name__}); it is tried again.")

    def _serve_calls(self) -> None:
        while not self._calls.empty():
            call, future = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
                self._follow()
            except BaseException as error:  # noqa: BLE001 - raised where it was asked for
                future.set_exception(error)
            else:
                future.set_result(result)

    def _do_next(self) -> bool:
        """Do the most urgent thing there is; False where there is none or it has to wait."""
        self._look_around()
        self._scanning_for = self._scanning_for or self.queue.take_scan()
        self.waiting_because = "paused" if self.paused else reason_to_wait(self._config)
        if self.waiting_because:
            return False
        # After a failure the rest waits; a file saved just now is found by its words all the same.
        failed = time.monotonic() < self._not_before
        if paths := list(self.queue.take()) if failed else self.urgent():
            self._take(paths)
        elif failed:
            return False
        elif self._scanning_for or time.monotonic() >= self._next_scan:
            self._scan(None, self._scanning_for or "it was time")
        elif time.monotonic() >= self._next_poll:
            self._scan([root for root, watch in self.watches.items() if watch.state != "watching"], "")
        else:
            return False
        return True

    def _take(self, paths: list[str]) -> None:
        taken = list(paths)

        def urgent() -> list[str]:
            more = self.urgent()
            taken.extend(more)
            return more

        report = self._work.take(paths, urgent)
        self._done(report)
        if report.interrupted:
            for path in taken:
                self.queue.mark(path)

    def urgent(self) -> list[str]:
        """Paths to look at now: those that are quiet, and those that are due."""
        now = time.monotonic()
        return [*self.queue.take(), *(path for path, until in self._work.due().items() if until <= now)]

    def _scan(self, roots: Sequence[str] | None, reason: str) -> None:
        self._follow(again=roots is None)
        if reason:
            log.info("comparing everything: %s", reason)
        report = self._work.scan(roots, self.urgent)
        self._done(report)
        if report.interrupted:
            return
        now = time.monotonic()
        if roots is None:
            self._scanning_for = ""
            minutes = self._config.scan_minutes * random.uniform(1 - JITTER, 1 + JITTER)
            self._next_scan = now + 60 * minutes if minutes else float("inf")
            self.watcher.check()
        polled = any(watch.state != "watching" for watch in self.watches.values())
        self._next_poll = (
            now + max(self._config.poll_seconds, 20 * report.seconds) if polled else float("inf")
        )

    def _follow(self, *, again: bool = False) -> None:
        """Watch the folders that are kept now; what is new, or was away and is back, has to be compared."""
        before = self.watches
        after = self.watcher.follow(self._work.roots(), again=again)
        for root, watch in after.items():
            if watch.state != "missing" and (root not in before or before[root].state == "missing"):
                self.scan_soon(f"{root} is new, or back")

    def _look_around(self) -> None:
        """At the clock, and now and then at whether the folders are still what is watched."""
        if time.monotonic() >= self._next_look:
            self._follow()
            self._next_look = time.monotonic() + TICK
        drift = _drift()
        if abs(drift - self._drift) > JUMP:
            self.scan_soon("the machine slept, or its clock was set")
        self._drift = drift

    def _rest(self) -> None:
        """Sleep until something is to be done, at most a tick."""
        now = time.monotonic()
        if self.waiting_because:
            self._pause(1.0)
            return
        if now < self._not_before:
            self.queue.wait(min(TICK, self._not_before - now), scan=False)
            return
        self._work.rest()
        until = min([self._next_scan, self._next_poll, self._next_look, *self._work.due().values()])
        self.queue.wait(max(0.0, until - now))

    def _pause(self, seconds: float) -> None:
        """Sleep although there may be work; a call or `stop` ends it."""
        deadline = time.monotonic() + seconds
        while not self.has_calls and (left := deadline - time.monotonic()) > 0:
            self._called.wait(left)
            self._called.clear()

    def _done(self, report: SyncReport) -> None:
        self._failures = 0
        self.notice = ""
        if report.added or report.changed or report.moved or report.removed or report.failed:
            log.info(
                "added %d, changed %d, moved %d, removed %d, failed %d; embedded %d in %.1f s",
                report.added, report.changed, report.moved, report.removed, report.failed,
                report.embedded, report.seconds,
            )  # fmt: skip

    def _failed(self, notice: str, *, quiet: bool = False) -> None:
        if notice != self.notice or not quiet:
            log.warning("%s", notice)
        self.notice = notice
        self._not_before = time.monotonic() + BACKOFF[min(self._failures, len(BACKOFF) - 1)]
        self._failures += 1
        self._scanning_for = self._scanning_for or "the last attempt failed"


def _drift() -> float:
    """Wall clock less monotonic clock: constant while the machine is awake and nobody sets the time."""
    return time.time() - time.monotonic()
