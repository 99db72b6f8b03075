"""`ken bench read FOLDER`: reading and cutting, by format, beside another reader on the same files.

Uses the children, the readers and the cutting that indexing uses, with the model's own token counts.
Embeds nothing and writes nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath

from app.config import ModelConfig
from app.model import LazyModel
from index.errors import FileFailed, FileSkipped
from index.extract import Cutting, ReaderPool, ReadFile
from index.walk import Rules, Skipped, walk

READERS = 2
_PEER = """
import json, sys, time, warnings, logging
warnings.filterwarnings("ignore"); logging.disable(50)
from markitdown import MarkItDown
reader = MarkItDown()
for line in sys.stdin:
    start = time.perf_counter()
    try:
        done = bool(reader.convert(json.loads(line)).text_content.strip())
    except Exception:
        done = False
    print(json.dumps([done, time.perf_counter() - start]), flush=True)
"""


@dataclass(slots=True)
class Format:
    """What became of the files of one format."""

    format: str
    files: int = 0
    indexed: int = 0
    skipped: int = 0
    failed: int = 0
    passages: int = 0
    pages: int = 0
    megabytes: float = 0.0
    """Of the files indexed."""
    seconds: float = 0.0
    """For all files of the format, read and cut by two children."""
    memory_mb: float = 0.0
    """Resident memory of the largest child at its peak."""
    peer_read: int | None = None
    peer_seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: ReadFile | FileSkipped | FileFailed) -> None:
        """Count one file."""
        if isinstance(outcome, ReadFile):
            self.indexed += 1
            self.passages += len(outcome.passages)
            self.megabytes += outcome.size / 1e6
            self.pages += len(outcome.document.pages)
            self.memory_mb = max(self.memory_mb, outcome.memory / 1e6)
            return
        self.skipped += isinstance(outcome, FileSkipped)
        self.failed += isinstance(outcome, FileFailed)
        self.reasons[re.sub(r"\(.*\)", "(…)", outcome.what)] += 1

    @property
    def megabytes_per_second(self) -> float:
        return self.megabytes / self.seconds if self.seconds else 0.0

    @property
    def pages_per_second(self) -> float:
        return self.pages / self.seconds if self.seconds else 0.0


def run(
    folder: str,
    *,
    beside: str | None = None,
    python: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> list[Format]:
    """Read every file under `folder`, format by format; `beside` is the other reader, run by `python`."""
    cutting = Cutting(LazyModel(ModelConfig()).counter)
    by_format: dict[str, list[str]] = {}
    formats: dict[str, Format] = {}
    for verdict in walk(str(Path(folder).absolute()), Rules()):
        name = PurePath(verdict.path).suffix.lower() or "(none)"
        if isinstance(verdict, Skipped):
            if not verdict.folder:
                entry = formats.setdefault(name, Format(name))
                entry.files += 1
                entry.skipped += 1
                entry.reasons[verdict.reason] += 1
                by_format.setdefault(name, [])
            continue
        formats.setdefault(name, Format(name)).files += 1
        by_format.setdefault(name, []).append(verdict.path)
    for name, paths in sorted(by_format.items()):
        say(f"{name}: {len(paths)} files")
        _measure(formats[name], paths, cutting)
        if beside:
            _measure_peer(formats[name], paths, python)
    return [formats[name] for name in sorted(formats)]


def table(formats: Sequence[Format]) -> str:
    """Text for a terminal: a line a format, then the reasons."""
    head = f"{'format':8} {'files':>6} {'read':>6} {'skip':>5} {'fail':>5} {'passages':>9}"
    head += f" {'MB/s':>7} {'pages/s':>8} {'peak MB':>8}"
    peer = any(entry.peer_read is not None for entry in formats)
    lines = [head + (f" {'peer read':>10} {'peer s':>7} {'ken s':>7}" if peer else "")]
    for entry in formats:
        pages = f"{entry.pages_per_second:8.0f}" if entry.pages else f"{'':8}"
        line = f"{entry.format:8} {entry.files:6} {entry.indexed:6} {entry.skipped:5} {entry.failed:5}"
        line += f" {entry.passages:9} {entry.megabytes_per_second:7.1f} {pages} {entry.memory_mb:8.0f}"
        beside = f" {entry.peer_read or 0:10} {entry.peer_seconds:7.2f} {entry.seconds:7.2f}" if peer else ""
        lines.append(line + beside)
    lines.append("")
    for entry in formats:
        lines += [f"{entry.format:8} {number:4}  {reason}" for reason, number in entry.reasons.most_common()]
    return "\n".join(lines).rstrip()


def as_json(formats: Sequence[Format]) -> list[dict[str, object]]:
    """The same figures as plain data."""
    return [
        {each.name: getattr(entry, each.name) for each in fields(entry)}
        | {"reasons": dict(entry.reasons)}
        | {"megabytes_per_second": entry.megabytes_per_second, "pages_per_second": entry.pages_per_second}
        for entry in formats
    ]


def _measure(entry: Format, paths: Sequence[str], cutting: Cutting) -> None:
    def read(path: str) -> ReadFile | FileSkipped | FileFailed:
        try:
            return pool.read(path, cutting)
        except (FileSkipped, FileFailed) as error:
            return error

    with ReaderPool(READERS) as pool, ThreadPoolExecutor(READERS) as threads:
        list(threads.map(read, paths[:READERS]))  # starts the children
        start = time.perf_counter()
        for outcome in threads.map(read, paths):
            entry.add(outcome)
        entry.seconds = time.perf_counter() - start


def _measure_peer(entry: Format, paths: Sequence[str], python: str) -> None:
    """The same files through markitdown in one process, its start not counted."""
    lines = "".join(json.dumps(os.fsdecode(os.fsencode(path))) + "\n" for path in paths)
    done = subprocess.run([python, "-c", _PEER], input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    entry.peer_read = sum(read for read, _ in answers)
    entry.peer_seconds = sum(seconds for _, seconds in answers)
