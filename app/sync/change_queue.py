"""Queue of paths that may have changed. Each waits until it has had no event for a moment.

Owns where to look and when. Knows nothing of files or the index. Events are hints, so a lost queue loses
nothing: the scan at the next start finds the same changes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

QUIET = 0.3
"""Seconds without an event after which a path is ready: longer than an editor's burst of writes."""
LONGEST = 5.0
"""Seconds after which a path is ready although events go on, as for a log."""
MOST = 50_000
"""Paths beyond which a scan of everything replaces the queue, to bound its memory."""


@dataclass(slots=True)
class _Mark:
    tree: bool
    first: float
    last: float

    def ready_at(self) -> float:
        return min(self.last + QUIET, self.first + LONGEST)


class ChangeQueue:
    """Any thread may mark; one thread takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: dict[str, _Mark] = {}
        self._trees: set[str] = set()
        self._scan = ""
        self._changed = threading.Condition()

    def mark(self, path: str, *, tree: bool = False, priority: bool = False) -> None:
        """`path` may have changed; `tree`: and all under it. `priority`: do not wait for quiet."""
        now = self._clock()
        with self._changed:
            covering = next((above for above in folders_above(path) if above in self._trees), None)
            path, tree = (covering, True) if covering is not None else (path, tree)
            mark = self._marks.get(path)
            if mark is None:
                self._marks[path] = _Mark(tree, now, now)
            else:
                mark.last, mark.tree = now, mark.tree or tree
            if priority:
                self._marks[path].first = now - LONGEST
            if tree:
                self._trees.add(path)
            if len(self._marks) > MOST:
                self._forget_marks("more changes at once than can be followed one by one")
            self._changed.notify_all()

    def mark_all(self, reason: str) -> None:
        """Request a scan of everything: events were lost or never sent."""
        with self._changed:
            self._forget_marks(reason)
            self._changed.notify_all()

    def _forget_marks(self, reason: str) -> None:
        self._marks.clear()
        self._trees.clear()
        self._scan = self._scan or reason

    def take_scan(self) -> str:
        """Why a scan of everything is requested, and clear the request; empty if it is not."""
        with self._changed:
            reason, self._scan = self._scan, ""
            return reason

    def take(self) -> dict[str, bool]:
        """Remove and return the paths that are ready, each with whether its whole tree is meant."""
        now = self._clock()
        with self._changed:
            ready = {path: mark.tree for path, mark in self._marks.items() if mark.ready_at() <= now}
            for path in ready:
                del self._marks[path]
                self._trees.discard(path)
            return {
                path: tree
                for path, tree in ready.items()
                if not any(ready.get(up) for up in folders_above(path))
            }

    def wait(self, timeout: float, *, scan: bool = True) -> None:
        """Sleep until a path is ready, a scan is requested (if `scan`), `wake`, or `timeout` seconds."""
        deadline = self._clock() + timeout
        with self._changed:
            if scan and self._scan:
                return
            until = min([deadline, *(mark.ready_at() for mark in self._marks.values())])
            if until > self._clock():
                self._changed.wait(until - self._clock())

    def wake(self) -> None:
        """End a `wait` early."""
        with self._changed:
            self._changed.notify_all()

    @property
    def has_ready(self) -> bool:
        now = self._clock()
        with self._changed:
            return bool(self._scan) or any(mark.ready_at() <= now for mark in self._marks.values())

    def __len__(self) -> int:
        with self._changed:
            return len(self._marks)


def folders_above(path: str) -> Iterator[str]:
    """The folders above `path`, innermost first."""
    while (parent := os.path.dirname(path)) != path:  # noqa: PTH120
        yield parent
        path = parent
