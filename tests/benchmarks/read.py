"""Benchmark `read FOLDER`: extracting and chunking, by format, beside another reader of the same files.

Uses the children, the readers and the cutting that indexing uses, with the model's own token counts.
Embeds nothing and writes nothing.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from queue import Empty, Queue

from app.config import ModelConfig
from app.model import Model
from index import kinds
from index.errors import FileFailed, FileSkipped
from index.extract import ChunkerSettings, ExtractedDocument, ReaderPool
from index.walk.walker import Rules, Skipped, walk
from tests.benchmarks.peer_reader import PeerReader

READERS = 2
PEER_SECONDS = 120.0
"""How long the other reader may take for a file."""
ALL = "all"


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
    """For the files that ken does not leave out by their names, read by two processes."""
    peer_memory_mb: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    peer_reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: ExtractedDocument | FileSkipped | FileFailed) -> None:
        """Count one file."""
        if isinstance(outcome, ExtractedDocument):
            self.indexed += 1
            self.passages += len(outcome.passages)
            self.megabytes += outcome.size / 1e6
            self.pages += len(outcome.document.pages)
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
    seconds: float = PEER_SECONDS,
    say: Callable[[str], None] = lambda _: None,
) -> list[Format]:
    """Read every file under `folder`, format by format; `beside` is the other reader, run by `python`.

    The other one has `seconds` for a file. Raises `UsageInvalid` where it cannot be started.
    """
    with ExitStack() as stack:
        peers = [PeerReader(python, seconds) for _ in range(READERS if beside else 0)]
        for peer in peers:
            stack.callback(peer.close)
            peer.start()
        chunking = ChunkerSettings(Model(ModelConfig()).counter)
        formats, to_read = _listed(folder)
        for name, paths in to_read.items():
            say(f"{name}: {len(paths)} files")
            _measure(formats[name], paths, chunking)
        for name, paths in to_read.items() if beside else ():
            say(f"{name}: {len(paths)} files, {beside}")
            _measure_peer(formats[name], paths, peers)
    return [formats[name] for name in sorted(formats)]


def _listed(folder: str) -> tuple[dict[str, Format], dict[str, list[str]]]:
    """The formats of all files, and the paths of those to be read."""
    formats: dict[str, Format] = {}
    to_read: dict[str, list[str]] = {}
    for verdict in walk(str(Path(folder).resolve()), Rules()):
        if isinstance(verdict, Skipped) and verdict.folder:
            continue
        name = PurePath(verdict.path).suffix.lower() or "(none)"
        entry = formats.setdefault(name, Format(name))
        entry.files += 1
        if isinstance(verdict, Skipped):
            left_out = verdict.reason
        else:
            left_out = "" if kinds.of_file_name(PurePath(verdict.path).name) else verdict.unread
        if left_out:
            entry.skipped += 1
            entry.reasons[left_out] += 1
        else:
            to_read.setdefault(name, []).append(verdict.path)
    return formats, dict(sorted(to_read.items()))


def table(formats: Sequence[Format]) -> str:
    """Text for a terminal: a line a format and one for all, then the reasons."""
    head = f"{'format':8} {'files':>6} {'read':>6} {'skip':>5} {'fail':>5} {'passages':>9}"
    head += f" {'MB/s':>7} {'pages/s':>8} {'peak MB':>8} {'seconds':>8}"
    peer = any(entry.peer_read is not None for entry in formats)
    lines = [head + (f" {'peer read':>10} {'seconds':>8} {'peak MB':>8}" if peer else "")]
    for entry in [*formats, _sum(formats)]:
        pages = f"{entry.pages_per_second:8.0f}" if entry.pages else f"{'':8}"
        line = f"{entry.format:8} {entry.files:6} {entry.indexed:6} {entry.skipped:5} {entry.failed:5}"
        line += f" {entry.passages:9} {entry.megabytes_per_second:7.1f} {pages} {entry.memory_mb:8.0f}"
        line += f" {entry.seconds:8.2f}"
        beside = f" {entry.peer_read or 0:10} {entry.peer_seconds:8.2f} {entry.peer_memory_mb:8.0f}"
        lines.append(line + (beside if peer else ""))
    lines.append("")
    for who, attribute in (("", "reasons"), ("peer: ", "peer_reasons")):
        for entry in formats:
            reasons: Counter[str] = getattr(entry, attribute)
            lines += [f"{entry.format:8} {n:4}  {who}{reason}" for reason, n in reasons.most_common()]
    return "\n".join(lines).rstrip()


def _sum(formats: Sequence[Format]) -> Format:
    """All formats as one."""
    whole = Format(ALL)
    for entry in formats:
        for name in ("files", "indexed", "skipped", "failed", "passages", "pages", "megabytes", "seconds"):
            setattr(whole, name, getattr(whole, name) + getattr(entry, name))
        whole.memory_mb = max(whole.memory_mb, entry.memory_mb)
        whole.peer_read = (whole.peer_read or 0) + (entry.peer_read or 0)
        whole.peer_seconds += entry.peer_seconds
        whole.peer_memory_mb = max(whole.peer_memory_mb, entry.peer_memory_mb)
    return whole


def as_json(formats: Sequence[Format]) -> list[dict[str, object]]:
    """The same figures as plain data."""
    return [
        {each.name: getattr(entry, each.name) for each in fields(entry)}
        | {"reasons": dict(entry.reasons), "peer_reasons": dict(entry.peer_reasons)}
        | {"megabytes_per_second": entry.megabytes_per_second, "pages_per_second": entry.pages_per_second}
        for entry in formats
    ]


def _measure(entry: Format, paths: Sequence[str], chunking: ChunkerSettings) -> None:
    def read(path: str) -> ExtractedDocument | FileSkipped | FileFailed:
        try:
            return pool.read(path, chunking)
        except (FileSkipped, FileFailed) as error:
            return error

    readers = min(READERS, len(paths))
    # one thread more than readers: while it takes an answer apart, neither reader waits
    with ReaderPool(readers) as pool, ThreadPoolExecutor(readers + 1) as threads:
        list(threads.map(read, paths[:readers]))  # starts the children
        start = time.perf_counter()
        for outcome in threads.map(read, paths):
            entry.add(outcome)
        entry.seconds = time.perf_counter() - start
        entry.memory_mb = pool.memory / 1e6


def _measure_peer(entry: Format, paths: Sequence[str], peers: Sequence[PeerReader]) -> None:
    """The same files through as many processes of the other reader."""
    waiting: Queue[str] = Queue()
    for path in paths:
        waiting.put(path)

    def read(peer: PeerReader) -> Counter[str]:
        peer.memory = 0
        problems: Counter[str] = Counter()
        with suppress(Empty):
            while True:
                problems[peer.read(waiting.get_nowait())] += 1
        return problems

    for peer in peers:
        peer.start()
    start = time.perf_counter()
    with ThreadPoolExecutor(len(peers)) as threads:
        for problems in threads.map(read, peers):
            entry.peer_reasons += problems
    entry.peer_seconds = time.perf_counter() - start
    entry.peer_read = entry.peer_reasons.pop("", 0)
    entry.peer_memory_mb = max(peer.memory for peer in peers) / 1e6
