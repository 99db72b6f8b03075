"""Measures the progress and speed of a run: counts in, `Progress` out a few times a second."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace

from app.api import Phase, Progress, ProgressCallback

SPAN = 15.0
"""Seconds over which speed is averaged."""
INTERVAL = 0.1
"""Least seconds between two reports."""


class ProgressMeter:
    """Counts the work of one run. Calls `progress` in the thread that counts, at most ten times a second."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress
        self._now = Progress("scanning")
        self._guard = threading.Lock()
        self._told_at = 0.0
        self._tokens_left = 0
        self._done: deque[tuple[float, int, int]] = deque()
        self._tokens = 0

    def add(
        self,
        *,
        phase: Phase | None = None,
        files_done: int = 0,
        files_total: int = 0,
        passages_done: int = 0,
        passages_total: int = 0,
        path: str = "",
    ) -> None:
        """Add to the counts and report them."""
        with self._guard:
            now = self._now
            self._now = replace(
                now,
                phase=phase or now.phase,
                files_done=now.files_done + files_done,
                files_total=now.files_total + files_total,
                passages_done=now.passages_done + passages_done,
                passages_total=max(now.passages_total + passages_total, now.passages_done + passages_done),
                path=path or now.path,
            )
        self._report(changed_phase=phase is not None and phase != now.phase)

    def seen(self, paths: int) -> None:
        """Report the paths scanned so far; their total is not known yet."""
        with self._guard:
            self._now = replace(self._now, files_done=paths)
        self._report()

    def begin(self, files: int, passages: int, tokens: int) -> None:
        """End of the scan: `files` to read, and `passages` of `tokens` that wait for vectors already."""
        with self._guard:
            self._tokens_left = tokens
            self._now = Progress(
                "reading" if files else "embedding", files_total=files, passages_total=passages
            )
        self._report(changed_phase=True)

    def waiting(self, passages: int, tokens: int) -> None:
        """Count more passages that wait for vectors."""
        with self._guard:
            self._tokens_left += tokens
        self.add(passages_total=passages)

    def embedded(self, passages: int, tokens: int) -> None:
        """Count vectors. Speed is measured from the first ones on, when the model is loaded."""
        with self._guard:
            self._tokens += tokens
            self._tokens_left = max(0, self._tokens_left - tokens)
            now = time.monotonic()
            self._done.append((now, self._tokens, self._now.passages_done + passages))
            while len(self._done) > 2 and self._done[0][0] < now - SPAN:
                self._done.popleft()
        self.add(passages_done=passages)

    def _report(self, *, changed_phase: bool = False) -> None:
        now = time.monotonic()
        if self._progress is None or (not changed_phase and now < self._told_at + INTERVAL):
            return
        self._told_at = now
        self._progress(self.progress)

    @property
    def progress(self) -> Progress:
        with self._guard:
            if len(self._done) < 2:
                return self._now
            (begun, tokens, passages), (ended, tokens_after, passages_after) = self._done[0], self._done[-1]
            seconds = max(ended - begun, 1e-6)
            tokens_per_second = (tokens_after - tokens) / seconds
            return replace(
                self._now,
                tokens_per_second=tokens_per_second,
                passages_per_second=(passages_after - passages) / seconds,
                seconds_left=self._tokens_left / tokens_per_second if tokens_per_second else None,
            )
