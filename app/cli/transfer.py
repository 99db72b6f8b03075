"""Progress of bytes on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from app.amounts import duration, size
from app.cli import terminal
from embedder.checkpoints.download import FetchObserver

EVERY = 5.0
"""Seconds between two plain lines."""
_SPEED_OVER = 10.0
"""Seconds that speed is taken over."""
_SPEED_FROM = 1.0
_SENSIBLE_SECONDS = 24 * 3600
"""A longer time left says only that nothing has come yet."""


class Transfer(FetchObserver):
    """Shows what a fetch or a conversion tells, while the block runs; in bytes, or in `unit`."""

    def __init__(self, unit: str = "B") -> None:
        self._unit = unit
        self._bar: Any = None
        self._task: Any = None
        self._step = ""
        self._marks: deque[tuple[float, int]] = deque()
        self._told = 0.0

    def progress(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step != self._step:
            self._begin(step, total)
        self._marks.append((now, done))
        while now - self._marks[0][0] > _SPEED_OVER:
            self._marks.popleft()
        detail = self._detail(done, total)
        if self._bar:
            self._bar.update(self._task, completed=done, total=total, detail=detail)
        elif now - self._told >= EVERY:
            self._told = now
            terminal.say(f"{step}: {detail}")

    def note(self, text: str) -> None:
        terminal.say(text)

    def _begin(self, step: str, total: int) -> None:
        self._step = step
        self._marks.clear()
        if not self._bar:
            terminal.say(f"{step} …")
            self._told = time.monotonic()
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(step, total=total, detail="")

    def _detail(self, done: int, total: int) -> str:
        (first, before), (last, _) = self._marks[0], self._marks[-1]
        parts = [f"{self._amount(done)} of {self._amount(total)}"]
        if last - first >= _SPEED_FROM and done > before:
            speed = (done - before) / (last - first)
            left = (total - done) / speed
            parts += [f"{self._amount(speed)}/s"] + [f"{duration(left)} left"] * (left < _SENSIBLE_SECONDS)
        return " · ".join(parts)

    def _amount(self, number: float) -> str:
        return size(number) if self._unit == "B" else f"{number / 1e6:,.0f} M {self._unit}"

    def __enter__(self) -> Self:
        if terminal.is_terminal(sys.stderr):
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = ("{task.description}", "{task.fields[detail]}")
            texts = [TextColumn(text, markup=False) for text in columns]
            self._bar = Progress(
                texts[0], BarColumn(bar_width=20), texts[1], console=Console(stderr=True), transient=True
            )
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
