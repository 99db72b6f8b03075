"""What cannot wait, looked at while everything is being walked: a saved note does not wait for 50,000 files.

Owns when the walk pauses and what was brought level in its pauses. Knows no file and no index.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from app.api import SyncReport

T = TypeVar("T")

EVERY_SECONDS = 0.1
"""Between two looks at what is urgent."""


class UrgentMeanwhile:
    """`urgent` gives paths that cannot wait, `take` brings them level with the disk."""

    def __init__(
        self, urgent: Callable[[], Sequence[str]], take: Callable[[Sequence[str]], SyncReport]
    ) -> None:
        self.paths: set[str] = set()
        """What was brought level since the walk began: what the walk saw of it may be out of date."""
        self.report = SyncReport()
        self._urgent = urgent
        self._take = take
        self._next = time.monotonic()

    def urgent(self) -> Sequence[str]:
        """What is urgent now, for whoever brings it level."""
        paths = self._urgent()
        self.paths.update(paths)
        return paths

    def during(self, walk: Iterable[T]) -> Iterator[T]:
        """`walk`, with pauses for what is urgent."""
        for step in walk:
            yield step
            if time.monotonic() >= self._next:
                self._look()

    def _look(self) -> None:
        if paths := self.urgent():
            self.report = added_up(self.report, self._take(paths))
        self._next = time.monotonic() + EVERY_SECONDS


def added_up(first: SyncReport, then: SyncReport) -> SyncReport:
    """What two parts of one sync did together: what the first had done, the second finds unchanged."""
    counted = ("added", "changed", "moved", "removed", "failed", "passages", "embedded", "seconds", "starved")
    return replace(then, **{name: getattr(first, name) + getattr(then, name) for name in counted})
