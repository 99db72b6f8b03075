"""What the interface remembers between runs: earlier questions, pins, the theme, the order of results.

Owns one small JSON file in ken's home. A damaged or missing file means an empty memory.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app import paths
from app.errors import PathInvalid
from index import private_files

QUESTIONS_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Pin:
    """A place a person wants to find again."""

    path: str
    line: int
    title: str
    page: int | None = None
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class Memory:
    """Questions newest first; pins newest first."""

    questions: list[str] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    theme: str = ""
    sort: str = "relevance"

    def remember(self, question: str) -> None:
        """Put a question first, once."""
        question = " ".join(question.split())
        if question:
            rest = [earlier for earlier in self.questions if earlier != question]
            self.questions = [question, *rest][:QUESTIONS_AT_MOST]

    def toggle(self, pin: Pin) -> bool:
        """Pin a place, or take its pin out; returns whether it is pinned now."""
        rest = [kept for kept in self.pins if (kept.path, kept.start) != (pin.path, pin.start)]
        pinned = len(rest) == len(self.pins)
        self.pins = [pin, *rest] if pinned else rest
        return pinned

    def pinned(self, path: str, start: int) -> bool:
        return any((pin.path, pin.start) == (path, start) for pin in self.pins)

    def save(self) -> None:
        """Write the file atomically; a home that cannot be written loses only this memory."""
        target = _path()
        with contextlib.suppress(OSError, PathInvalid):
            paths.make_home()
            private_files.replace(target, json.dumps(asdict(self), ensure_ascii=True, indent=1).encode())


def load() -> Memory:
    """The memory of the last run."""
    try:
        stored = json.loads(_path().read_bytes())
        return Memory(
            questions=[str(question) for question in stored["questions"]][:QUESTIONS_AT_MOST],
            pins=[_pin(pin) for pin in stored["pins"]],
            theme=str(stored["theme"]),
            sort=str(stored["sort"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Memory()


def _pin(stored: dict[str, Any]) -> Pin:
    return Pin(
        path=str(stored["path"]),
        line=int(stored["line"]),
        title=str(stored["title"]),
        page=None if stored["page"] is None else int(stored["page"]),
        start=int(stored["start"]),
        end=int(stored["end"]),
    )


def _path() -> Path:
    return paths.home() / "tui.json"
