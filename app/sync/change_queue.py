"""Paths that may have changed, each held until it has been quiet for a moment.

Events are hints: this only remembers where to look and when. It knows nothing of files or the
index, and nothing is lost with it: what was waiting is found again by the scan at the next start.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

QUIET = 0.3
"""Seconds without an event after which a path is looked at: above an editor's burst of writes."""
LONGEST = 5.0
"""Seconds after which a path is looked at although it is never quiet (a log being written)."""
MOST = 50_000
"""Paths beyond which everything is looked at instead."""


@dataclass(slots=True)
class _Mark:
    tree: bool
    first: float
    last: float

    def ready_at(self) -> float:
        return min(self.last + QUIET, self.first + LONGEST)


class DirtyQueue:
    """Marks come from any thread; one thread takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: dict[str, _Mark] = {}
        self._trees: set[str] = set()
        self._scan = ""
        self._changed = threading.Condition()

    def mark(self, path: str, *, tree: bool = False, at_once: bool = False) -> None:
        """`path` may have changed; `tree`: and everything under it. `at_once`: it need not be quiet first."""
        now = self._clock()
        with self._changed:
            covering = next((above for above in folders_above(path) if above in self._trees), None)
            path, tree = (covering, True) if covering is not None else (path, tree)
            mark = self._marks.get(path)
            if mark is None:
                self._marks[path] = _Mark(tree, now, now)
            else:
                mark.last, mark.tree = now, mark.tree or tree
            if at_once:
                self._marks[path].first = now - LONGEST
            if tree:
                self._trees.add(path)
            if len(self._marks) > MOST:
                self._forget_marks("more changes at once than can be followed one by one")
            self._changed.notify_all()

    def mark_all(self, reason: str) -> None:
        """Events were lost or never came: everything has to be compared."""
        with self._changed:
            self._forget_marks(reason)
            self._changed.notify_all()

    def _forget_marks(self, reason: str) -> None:
        self._marks.clear()
        self._trees.clear()
        self._scan = self._scan or reason

    def take_scan(self) -> str:
        """Why everything has to be compared, once; empty where it has not."""
        with self._changed:
            reason, self._scan = self._scan, ""
            return reason

    def take(self) -> dict[str, bool]:
        """The paths that are quiet now, and whether each stands for its tree; no longer waiting after."""
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
        """Sleep until a path is quiet, a scan (but for `scan=False`) or `wake` asks, or `timeout` is over."""
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
    """The folders that hold `path`, innermost first."""
    while (parent := os.path.dirname(path)) != path:  # noqa: PTH120
        yield parent
        path = parent
