"""The first run: which folders to suggest, and an estimate of what indexing one takes.

Owns suggestions and estimates. Reads names and sizes on the disk only; opens no file and no index. Only
`measured_speed` uses the model.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.api import Library
from app.config import ReadingConfig
from app.folders.rules import rules_of
from index import kinds
from index.walk.walker import FoundFile, walk

NAMES = ("Documents", "Notes", "notes", "Obsidian", "Zettelkasten", "wiki", "Dropbox/Notes",
         "Library/Mobile Documents/iCloud~md~obsidian/Documents",
         "Library/Mobile Documents/com~apple~CloudDocs", "org", "Papers", "papers",
         "Books", "Desktop", "projects", "src", "code", "work")  # fmt: skip
"""Folders in a home that often hold documents, the most likely first."""
MOST_FILES = 200_000
"""Files after which counting stops; the estimate is then a lower bound."""
GUESSED_SPEED = 1500.0
"""Tokens a second before a measurement: the embedder on two ordinary cores."""
SAMPLE = "Bleed the radiator when it is warm below and cold along the top, then look at the pressure. " * 10
"""A text of about a passage, to measure the speed."""
SAMPLES = 6
"""Texts in a measurement."""
BYTES_PER_TOKEN = 4.2
"""Bytes of a token of English prose in UTF-8."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What indexing a folder takes. `left_out` counts entries by the rule that leaves them out."""

    path: str
    files: int = 0
    bytes: int = 0
    tokens: float = 0.0
    kinds: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    whole: bool = True
    """False: counting stopped before the end."""


def suggestions(home: Path | None = None, here: Path | None = None) -> list[str]:
    """Existing folders to suggest: the current one if it is inside of the home, then those of `NAMES`."""
    home = home or Path.home()
    here = here or Path.cwd()
    found = [here] if here != home and home in here.parents and here.is_dir() else []
    found += [home / name for name in NAMES if (home / name).is_dir()]
    found += sorted(path.parent for path in home.glob("*/.obsidian") if path.is_dir())
    kept: dict[str, str] = {}
    for path in found:
        real = os.path.realpath(path)
        if real not in kept and os.access(path, os.R_OK | os.X_OK):
            kept[real] = str(path)
    return list(kept.values())


def estimate(
    path: str, reading: ReadingConfig, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Estimate]:
    """Estimates of a folder that improve; the last one is final. Ends early if `stopped()`."""
    rules = rules_of(reading)
    files = size = 0
    tokens = 0.0
    counted: Counter[str] = Counter()
    left_out: Counter[str] = Counter()

    def so_far(whole: bool) -> Estimate:
        return Estimate(path, files, size, tokens, dict(counted), dict(left_out), whole)

    for entry in walk(os.path.realpath(path), rules):
        if stopped():
            return
        if isinstance(entry, FoundFile) and entry.unread:
            unread = kinds.unread_kind(Path(entry.path).name)
            left_out[unread.words if unread else "empty files"] += 1
        elif isinstance(entry, FoundFile):
            kind = kinds.of_file_name(Path(entry.path).name) or kinds.named("text")
            files += 1
            size += entry.stat.st_size
            tokens += entry.stat.st_size * kind.text_share / BYTES_PER_TOKEN
            counted[kinds.suffix_of(entry.path).lstrip(".") or kind.name] += 1
        else:
            left_out[entry.rule.split(":", 1)[-1].strip() or entry.rule] += 1
        if files >= MOST_FILES:
            break
        if (files + left_out.total()) % 500 == 0:
            yield so_far(whole=False)
    yield so_far(whole=files < MOST_FILES)


def measured_speed(library: Library) -> float:
    """Tokens a second that this machine embeds. Loads the model; raises what `similarities` raises."""
    library.similarities("warm up", [SAMPLE])
    began = time.perf_counter()
    library.similarities("which radiator is cold", [f"{number}. {SAMPLE}" for number in range(SAMPLES)])
    return SAMPLES * len(SAMPLE) / BYTES_PER_TOKEN / (time.perf_counter() - began)
