"""The daemon's indexing thread, the only one that writes: decides what to index next.

It scans everything at the start, after lost events, after sleep, after a jump of the clock, and at intervals;
otherwise it indexes the paths that events name. After a failure it reports, waits and tries again; only
`stop` ends it. Owns this order and its times. Knows the watcher and the clock; `Steps` does the indexing and
knows nothing of this module.
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
from app.sync.change_queue import ChangeQueue
from app.sync.sync_run import PriorityPaths, RunOptions
from app.sync.throttle import reason_to_wait
from app.sync.watcher import Watch, Watcher
from embedder.errors import EmbedderClosed

log = logging.getLogger(__name__)

T = TypeVar("T")

TICK = 5.0
"""Seconds between two checks of the roots, the clock and the battery when there is no event."""
JUMP = 5.0
"""Seconds between wall clock and monotonic clock that mean the clock was set or the machine slept."""
JITTER = 0.1
"""Share by which the interval of scans varies, so that two machines do not scan a shared disk together."""
BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds to wait after the first failure in a row, after the second, and so on."""


class Steps(Protocol):
    """What the indexer calls, in its thread. `sync` and `take` may take long, until `cancel` ends them."""

    @property
    def lacks_model(self) -> bool:
        """Whether files were indexed without the model although it is here now."""

    def roots(self) -> list[str]: ...
    def sync(self, paths: Sequence[str] | None, options: RunOptions) -> SyncReport: ...
    def take(self, paths: Sequence[str], options: RunOptions) -> SyncReport: ...
    def due(self) -> dict[str, float]:
        """Paths to index again without an event, each with its time on the monotonic clock."""

    def rest(self) -> None:
        """There is no work: release what can be created again."""


class Indexer:
    """Runs from `start` to `stop`; any thread may call the other methods."""

    def __init__(self, steps: Steps, queue: ChangeQueue, watcher: Watcher, config: DaemonConfig) -> None:
        self.queue = queue
        self.watcher = watcher
        self.notice = ""
        self.waiting_because = ""
        self.cancel = threading.Event()
        """Set: the running step ends at the next safe point."""
        self._steps = steps
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
        """End at the next safe point and stop watching."""
        self._stopping.set()
        self._wake()
        if self.thread.is_alive():
            self.thread.join()
        self.watcher.stop()
        with suppress(Empty):
            while True:
                self._calls.get_nowait()[1].cancel()

    def run(self, call: Callable[[], T]) -> T:
        """Run `call` in the indexing thread, before any other work; returns its result."""
        if threading.current_thread() is self.thread:
            return call()
        future: Future[Any] = Future()
        self._calls.put((call, future))
        self._wake()
        return cast("T", future.result())

    def _wake(self) -> None:
        self._called.set()
        self.cancel.set()
        self.queue.wake()

    def pause(self) -> None:
        self._paused.set()
        self._wake()

    def resume(self) -> None:
        self._paused.clear()
        self.scan_soon("work was paused")

    def scan_soon(self, reason: str) -> None:
        """Scan everything as soon as there is no other work."""
        self.queue.mark_all(reason)

    @property
    def paused(self) -> bool:
        return self._paused.is_set()

    @property
    def answers_may_wait(self) -> bool:
        """Whether marked paths are indexed soon, and by another thread than the caller's."""
        return not self.waiting_because and threading.current_thread() is not self.thread

    @property
    def has_calls(self) -> bool:
        """Whether a caller waits for this thread, so that the running step has to end."""
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
                log.exception("indexing failed")
                self._failed(f"Indexing failed ({type(error).__name__}). It is tried again.")

    def _serve_calls(self) -> None:
        while not self._calls.empty():
            call, future = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                self._begin_step()
                result = call()
                self._follow()
            except BaseException as error:  # noqa: BLE001 - raised where it was asked for
                future.set_exception(error)
            else:
                future.set_result(result)

    def _begin_step(self) -> None:
        self.cancel.clear()
        if self.has_calls:  # a caller sets `cancel` after it queued its call
            self.cancel.set()

    def _do_next(self) -> bool:
        """Do the next piece of work by priority; False if there is none or it has to wait."""
        self._look_around()
        self._scanning_for = self._scanning_for or self.queue.take_scan()
        self.waiting_because = "paused" if self.paused else reason_to_wait(self._config)
        if self.waiting_because:
            return False
        # After a failure only events are handled, so that words of a file saved now are found.
        failed = time.monotonic() < self._not_before
        if paths := list(self.queue.take()) if failed else self.priority_paths():
            self._take(paths)
        elif failed:
            return False
        elif self._scanning_for or time.monotonic() >= self._next_scan:
            self._scan(None, self._scanning_for or "the interval is over")
        elif time.monotonic() >= self._next_poll:
            self._scan([root for root, watch in self.watches.items() if watch.state != "watching"], "")
        else:
            return False
        return True

    def _take(self, paths: list[str]) -> None:
        taken = list(paths)

        def priority_paths() -> list[str]:
            more = self.priority_paths()
            taken.extend(more)
            return more

        report = self._steps.take(paths, self._options(priority_paths))
        self._done(report)
        if report.interrupted:
            for path in taken:
                self.queue.mark(path)

    def _options(self, priority_paths: PriorityPaths) -> RunOptions:
        """How a step runs that no one requested."""
        self._begin_step()
        if self.paused:  # since `_do_next` looked
            self.cancel.set()
        return RunOptions(cancel=self.cancel, priority_paths=priority_paths, with_grace=True)

    def priority_paths(self) -> list[str]:
        """Paths to index now: those without recent events, and those that are due."""
        now = time.monotonic()
        return [*self.queue.take(), *(path for path, until in self._steps.due().items() if until <= now)]

    def _scan(self, roots: Sequence[str] | None, reason: str) -> None:
        self._follow(again=roots is None)
        if reason:
            log.info("scanning everything: %s", reason)
        report = self._steps.sync(roots, self._options(self.priority_paths))
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
        """Watch the present roots; scan if one is new or has come back."""
        before = self.watches
        after = self.watcher.follow(self._steps.roots(), again=again)
        for root, watch in after.items():
            if watch.state != "missing" and (root not in before or before[root].state == "missing"):
                self.scan_soon(f"{root} is new, or back")

    def _look_around(self) -> None:
        """Check the clock, and once a tick whether the watched folders are still the roots."""
        if time.monotonic() >= self._next_look:
            self._follow()
            self._next_look = time.monotonic() + TICK
        drift = _drift()
        if abs(drift - self._drift) > JUMP:
            self.scan_soon("the machine slept, or its clock was set")
        self._drift = drift

    def _rest(self) -> None:
        """Sleep until there is work, at most a tick."""
        now = time.monotonic()
        if self.waiting_because:
            self._pause(1.0)
            return
        if now < self._not_before:
            self.queue.wait(min(TICK, self._not_before - now), scan=False)
            return
        self._steps.rest()
        if self._steps.lacks_model:
            self.scan_soon("the model is there")
        until = min([self._next_scan, self._next_poll, self._next_look, *self._steps.due().values()])
        self.queue.wait(max(0.0, until - now))

    def _pause(self, seconds: float) -> None:
        """Sleep although there may be work; a call or `stop` ends the sleep."""
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
    """Wall clock minus monotonic clock: constant while the machine is awake and its clock is not set."""
    return time.time() - time.monotonic()
