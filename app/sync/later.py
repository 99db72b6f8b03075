"""Paths to look at again, and when: files that went away, and what could not be read.

Times are on the monotonic clock. Knows neither files nor the index.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

BACKOFF = (5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds until what could not be read is tried again: after the first failure, the second, and so on."""
MOST = 1000
"""Paths that are tried again by the clock; the others wait for the next comparison of everything."""

Clock = Callable[[], float]


class Later:
    """Both, for as long as one process keeps an index: files are away for at most `grace` seconds."""

    def __init__(self, grace: float = 0.0, clock: Clock = time.monotonic) -> None:
        self.grace = DeletionGrace(grace, clock)
        self.retries = Retries(clock)

    @property
    def due(self) -> dict[str, float]:
        """Every path to look at again, and when."""
        return {**self.grace.ends, **self.retries.due}


class DeletionGrace:
    """Files that are not on the disk, each given `seconds` to come back: saved anew, or moved by copying."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self.ends: dict[str, float] = {}

    def over(self, gone: Sequence[str], there: Iterable[str], *, patient: bool) -> list[str]:
        """Those of `gone` to drop now; `there` were looked at and are on the disk, or dropped already."""
        now = self._clock()
        for path in there:
            self.ends.pop(path, None)
        over = [
            path
            for path in gone
            if not patient or not self._seconds or self.ends.setdefault(path, now + self._seconds) <= now
        ]
        for path in over:
            self.ends.pop(path, None)
        return over


class Retries:
    """What could not be read: `looking_at` before it is tried, `failed` where that failed, then `settle`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self.due: dict[str, float] = {}

    def looking_at(self, paths: Iterable[str] | None) -> None:
        """These are tried now; None: all."""
        for path in list(self.due if paths is None else paths):
            self.due.pop(path, None)

    def failed(self, path: str) -> None:
        times = self._failures.get(path, 0)
        if len(self.due) < MOST:
            self._failures[path] = times + 1
            self.due[path] = self._clock() + BACKOFF[min(times, len(BACKOFF) - 1)]

    def settle(self) -> None:
        """Forget the failures of what was tried and did not fail again."""
        for path in [path for path in self._failures if path not in self.due]:
            del self._failures[path]
