"""Indexes priority paths during a long walk, so that a saved note does not wait for 50,000 files.

Owns when the walk pauses and which paths were indexed in the pauses. Knows nothing of files or the index.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from app.api import SyncReport

T = TypeVar("T")

EVERY_SECONDS = 0.1
"""Seconds between two checks for priority paths: below what a user notices."""


class PriorityDuringWalk:
    """`priority_paths` returns paths that must not wait; `take` indexes them."""

    def __init__(
        self, priority_paths: Callable[[], Sequence[str]], take: Callable[[Sequence[str]], SyncReport]
    ) -> None:
        self.paths: set[str] = set()
        """What was indexed since the walk began: what the walk saw of these may be out of date."""
        self.report = SyncReport()
        self._priority_paths = priority_paths
        self._take = take
        self._next = time.monotonic()

    def priority_paths(self) -> Sequence[str]:
        """The priority paths of this moment; the caller has to index them."""
        paths = self._priority_paths()
        self.paths.update(paths)
        return paths

    def during(self, walk: Iterable[T]) -> Iterator[T]:
        """The items of `walk`, with pauses in which priority paths are indexed."""
        for step in walk:
            yield step
            if time.monotonic() >= self._next:
                self._look()

    def _look(self) -> None:
        if paths := self.priority_paths():
            self.report = added_up(self.report, self._take(paths))
        self._next = time.monotonic() + EVERY_SECONDS


def added_up(first: SyncReport, then: SyncReport) -> SyncReport:
    """The report of two parts of one sync: the second finds unchanged what the first has done."""
    counted = ("added", "changed", "moved", "removed", "failed", "passages", "embedded", "seconds", "starved")
    return replace(then, **{name: getattr(first, name) + getattr(then, name) for name in counted})
