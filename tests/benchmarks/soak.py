"""Benchmark `soak`: hours of steady change, measured each minute, to see what grows.

Edits, atomic saves, moves, copies, deletes and renamed folders under a daemon of its own, and a
question a second. At the end the index is compared with the disk.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import TITLED_ERRORS
from tests.benchmarks import chart
from tests.benchmarks.own_daemon import Say, index_all, own_daemon
from tests.benchmarks.percentile import percentile
from tests.benchmarks.workload import Workload, prose

if TYPE_CHECKING:
    import psutil

    from app.api import Library

FILES = 1000
PAUSE = 1.0
"""Seconds between two changes, and between two questions."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look; latencies are of the questions since the look before."""

    minute: float
    daemon_mb: float
    model_mb: float
    """Resident memory of the processes that the daemon started: model and readers."""
    descriptors: int
    wal_mb: float
    index_mb: float
    query_ms_p50: float
    query_ms_p95: float
    waiting: int
    """Changed files that were not taken in yet."""


@dataclass(frozen=True, slots=True)
class Soak:
    samples: tuple[Sample, ...]
    changes: int
    questions: int
    """Those that were answered."""
    failures: int
    """Those that were not."""
    differences: int
    """Files that the index had otherwise than the disk at the end; 0 is right."""


def run(minutes: float, say: Say, every: float = 60.0) -> Soak:
    """Go on for `minutes`, looking every `every` seconds; an interrupt ends it early, with its figures."""
    with own_daemon() as (library, folder):
        say(f"writing {FILES:,} files")
        workload = Workload(folder, seed=1, files=FILES)
        index_all(library, folder, say)
        soak = _Soak(library, workload)
        begun = time.monotonic()
        with suppress(KeyboardInterrupt):
            while (now := time.monotonic()) < begun + 60 * minutes:
                soak.go_on(min(every, begun + 60 * minutes - now))
                soak.look((time.monotonic() - begun) / 60)
                say(f"minute {soak.samples[-1].minute:.0f} of {minutes:g}: {soak.changes:,} changes")
        if not soak.samples:
            raise KeyboardInterrupt
        say("comparing the index with the disk")
        differences = _differences(library, folder)
    return Soak(tuple(soak.samples), soak.changes, soak.questions, soak.failures, differences)


class _Soak:
    def __init__(self, library: Library, workload: Workload) -> None:
        import psutil

        from app.daemon.client import daemon_info

        self.library = library
        self.workload = workload
        self.samples: list[Sample] = []
        self.changes = self.questions = self.failures = 0
        self._daemon = psutil.Process(daemon_info().pid)
        self._took: list[float] = []

    def go_on(self, seconds: float) -> None:
        """Change something and ask something every `PAUSE` seconds."""
        self._took.clear()
        ended = time.monotonic() + seconds
        pause = threading.Event()
        while (left := ended - time.monotonic()) > 0:
            begun = time.monotonic()
            self.workload.step()
            self.changes += 1
            self._ask()
            pause.wait(max(0.0, min(left, PAUSE - (time.monotonic() - begun))))

    def _ask(self) -> None:
        asked = time.perf_counter()
        try:
            self.library.search(prose(self.workload.chance, 6))
        except TITLED_ERRORS:
            self.failures += 1
        else:
            self._took.append(1000 * (time.perf_counter() - asked))
            self.questions += 1

    def look(self, minute: float) -> None:
        from app import paths

        status = self.library.status()
        wal = paths.index_path().with_name(paths.index_path().name + "-wal")
        wal_bytes = wal.stat().st_size if wal.exists() else 0
        sample = Sample(
            minute=round(minute, 2),
            daemon_mb=round(_memory_mb(self._daemon), 1),
            model_mb=round(sum(map(_memory_mb, self._daemon.children(recursive=True))), 1),
            descriptors=self._daemon.num_fds(),
            wal_mb=round(wal_bytes / 1e6, 2),
            index_mb=round((status.index_bytes - wal_bytes) / 1e6, 2),
            query_ms_p50=round(percentile(self._took, 50), 1),
            query_ms_p95=round(percentile(self._took, 95), 1),
            waiting=status.pending,
        )
        self.samples.append(sample)


def as_json(result: Soak) -> dict[str, Any]:
    return asdict(result)


def table(result: Soak) -> str:
    """The first, middle and last minutes beside each other, as a person reads them."""
    picked = [result.samples[round(share * (len(result.samples) - 1))] for share in (0.1, 0.5, 1.0)]
    rows: list[tuple[str, str, list[float]]] = [
        ("minute", ".0f", [sample.minute for sample in picked]),
        ("daemon, MB", ".0f", [sample.daemon_mb for sample in picked]),
        ("model and readers, MB", ".0f", [sample.model_mb for sample in picked]),
        ("descriptors", ".0f", [sample.descriptors for sample in picked]),
        ("write-ahead log, MB", ".1f", [sample.wal_mb for sample in picked]),
        ("index, MB", ".1f", [sample.index_mb for sample in picked]),
        ("question p50, ms", ".0f", [sample.query_ms_p50 for sample in picked]),
        ("question p95, ms", ".0f", [sample.query_ms_p95 for sample in picked]),
    ]
    lines = [f"{name:24}" + "".join(f"{value:10{form}}" for value in values) for name, form, values in rows]
    told = f"{result.changes:,} changes, {result.questions:,} questions, {result.failures} unanswered; "
    return "\n".join([*lines, told + f"{result.differences} differences from the disk at the end"])


def svg(result: Soak) -> str:
    """What was looked at, over time."""
    samples = result.samples

    def of(*names: str) -> dict[str, list[float]]:
        return {name: [getattr(sample, field) for sample in samples] for name, field in map(_named, names)}

    charts = {
        "Memory, MB": of("daemon=daemon_mb", "model, readers=model_mb"),
        "Open descriptors": of("daemon=descriptors"),
        "Files of the index, MB": of("index=index_mb", "write-ahead log=wal_mb"),
        "Question, ms": of("median=query_ms_p50", "95th percentile=query_ms_p95"),
    }
    minutes = samples[-1].minute
    title = f"{result.changes:,} changes and {result.questions:,} questions in {minutes:.0f} minutes"
    return chart.lines(title, [sample.minute for sample in samples], "minutes", charts)


def _named(pair: str) -> tuple[str, str]:
    name, _, field = pair.partition("=")
    return name, field


def _memory_mb(process: psutil.Process) -> float:
    import psutil

    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


def _differences(library: Library, folder: Path) -> int:
    """Files whose name, size or time of change the index has otherwise than the disk."""
    from app import paths
    from index.store.database import open_reader

    library.sync()
    with open_reader(paths.index_path()) as db:
        indexed = {
            os.fsdecode(path): (size, mtime)
            for path, size, mtime in db.execute("SELECT path, size, mtime_ns FROM files")
        }
    db.close()
    disk = {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*.md")
        if path.is_file()
    }
    return len(set(disk.items()) ^ set(indexed.items()))
