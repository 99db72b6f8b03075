"""What the interface remembers between runs: earlier queries, pins, the theme, the order of results.

Owns one small JSON file in ken's home, which several interfaces may change at once. A damaged or missing file
means that nothing is remembered.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from app import paths
from app.errors import PathInvalid
from index import private_files

QUESTIONS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Pin:
    """A place that the user wants to find again."""

    path: str
    line: int
    title: str
    page: int | None = None
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class UiState:
    """Queries and pins, newest first."""

    questions: list[str] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    theme: str = ""
    theme_over: str = "auto"
    """The theme in the settings when `theme` was chosen: a change there counts from then on."""
    sort: str = "relevance"

    def remember(self, query: str) -> None:
        """Put a query first, once."""
        query = " ".join(query.split())
        if query:
            rest = [earlier for earlier in self.questions if earlier != query]
            self.questions = [query, *rest][:QUESTIONS_AT_MOST]

    def add(self, pin: Pin) -> None:
        """Put a pin first, once."""
        self.remove(pin)
        self.pins = [pin, *self.pins]

    def remove(self, pin: Pin) -> None:
        """Take out the pin of this place."""
        self.pins = [kept for kept in self.pins if (kept.path, kept.start) != (pin.path, pin.start)]

    def pinned(self, path: str, start: int) -> bool:
        return any((pin.path, pin.start) == (path, start) for pin in self.pins)

    def update(self, change: Callable[[UiState], None]) -> None:
        """Change what is on the disk now, and take it over here; a home that cannot be written loses nothing
        else."""
        try:
            paths.make_home()
            with _lock():
                now = load()
                change(now)
                private_files.replace(_path(), json.dumps(asdict(now), ensure_ascii=True, indent=1).encode())
        except (OSError, PathInvalid):
            change(self)
        else:
            for one in fields(self):
                setattr(self, one.name, getattr(now, one.name))


def load() -> UiState:
    """What the last run left."""
    try:
        stored = json.loads(_path().read_bytes())
        return UiState(
            questions=[str(query) for query in stored["questions"]][:QUESTIONS_AT_MOST],
            pins=[_pin(pin) for pin in stored["pins"]],
            theme=str(stored["theme"]),
            theme_over=str(stored.get("theme_over", "auto")),
            sort=str(stored["sort"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return UiState()


def _pin(stored: dict[str, Any]) -> Pin:
    return Pin(
        path=str(stored["path"]),
        line=int(stored["line"]),
        title=str(stored["title"]),
        page=None if stored["page"] is None else int(stored["page"]),
        start=int(stored["start"]),
        end=int(stored["end"]),
    )


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One interface at a time reads and writes."""
    descriptor = os.open(paths.home() / "tui.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _path() -> Path:
    return paths.home() / "tui.json"
