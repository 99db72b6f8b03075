"""Progress on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app import paths
from app.amounts import duration
from app.api import Phase, Progress, ProgressCallback
from app.cli import terminal
from app.sanitize import clip, plain_path

EVERY = 10.0
"""Seconds between two plain lines."""
WORDS: dict[Phase, str] = {
    "idle": "Done",
    "scanning": "Looking",
    "reading": "Reading",
    "embedding": "Embedding",
    "paused": "Paused",
    "waiting": "Waiting",
}


@contextmanager
def progress_shown() -> Iterator[ProgressCallback]:
    """A callback that shows what it is told, until the block ends."""
    if terminal.is_terminal(sys.stderr):
        with _bar() as callback:
            yield callback
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("Looking", total=None, detail="")

        def show(now: Progress) -> None:
            done, total = _share(now)
            bar.update(task, description=WORDS[now.phase], completed=done, total=total, detail=_detail(now))

        yield show


def _lines() -> ProgressCallback:
    last = time.monotonic()

    def show(now: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            terminal.say(f"{WORDS[now.phase]}: {_detail(now)}")

    return show


def _share(now: Progress) -> tuple[int, int | None]:
    """What the bar shows: passages once any wait, files before; None while their number is not known."""
    if now.phase == "scanning":
        return 0, None
    if now.passages_total and now.files_done >= now.files_total:
        return now.passages_done, now.passages_total
    return now.files_done, now.files_total or None


def _detail(now: Progress) -> str:
    if now.phase == "scanning":
        return f"{now.files_done:,} files"
    parts = []
    if now.files_done < now.files_total:
        parts.append(f"{now.files_done:,}/{now.files_total:,} files")
    parts.append(f"{now.passages_done:,}/{now.passages_total:,} passages")
    if now.tokens_per_second:
        parts.append(f"{now.tokens_per_second:,.0f} tokens/s")
    if now.seconds_left is not None:
        parts.append(f"{duration(now.seconds_left)} left")
    elif now.path:
        parts.append(clip(plain_path(paths.short(now.path)), 30))
    return " · ".join(parts)
