"""When to look at a path again: missing files, and files that could not be read.

Owns both schedules, in times of the monotonic clock. Knows nothing of files or the index.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

BACKOFF = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds until an unreadable path is tried again: after the first failure, the second, and so on."""
MOST = 1000
"""Paths with a time of their own; all others wait for the next scan."""

Clock = Callable[[], float]


class RetrySchedule:
    """Both schedules of one writing process. `grace`: seconds that a missing file stays in the index."""

    def __init__(self, grace: float = 0.0, clock: Clock = time.monotonic) -> None:
        self.grace = DeletionGrace(grace, clock)
        self.retries = Retries(clock)

    @property
    def due(self) -> dict[str, float]:
        """Every path to look at again, with its time."""
        return {**self.grace.ends, **self.retries.due}


class DeletionGrace:
    """Missing files, each with `seconds` to come back: saved by replacement, or moved by copying."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self.ends: dict[str, float] = {}

    def over(self, gone: Sequence[str], there: Iterable[str], *, with_grace: bool) -> list[str]:
        """The files of `gone` to remove now. `there` are on the disk, or removed already."""
        now = self._clock()
        for path in there:
            self.ends.pop(path, None)
        over = [
            path
            for path in gone
            if not with_grace or not self._seconds or self.ends.setdefault(path, now + self._seconds) <= now
        ]
        for path in over:
            self.ends.pop(path, None)
        return over


class Retries:
    """Unreadable paths: call `looking_at` before a try, `failed` after a failure, then `settle`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self.due: dict[str, float] = {}

    def looking_at(self, paths: Iterable[str] | None) -> None:
        """These paths are tried now; None: all."""
        for path in list(self.due if paths is None else paths):
            self.due.pop(path, None)

    def failed(self, path: str) -> None:
        times = self._failures.get(path, 0)
        if len(self.due) < MOST:
            self._failures[path] = times + 1
            self.due[path] = self._clock() + BACKOFF[min(times, len(BACKOFF) - 1)]

    def settle(self) -> None:
        """Forget the failures of paths that were tried and did not fail again."""
        for path in [path for path in self._failures if path not in self.due]:
            del self._failures[path]
