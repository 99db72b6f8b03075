"""Benchmark `idle`: what the daemon takes while nothing happens, with many files watched."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.own_daemon import Say, index_all, own_daemon

FILES = 50_000
FOLDERS = 2_500
TEXTS = 100
SETTINGS = "[daemon]\nidle_minutes = 0.2\n"
LET_GO = 180.0
"""Seconds within which the model must have been let go."""


@dataclass(frozen=True, slots=True)
class Idle:
    files: int
    folders: int
    memory_mb: float
    """Resident memory of the daemon and of all processes it started."""
    core_percent: float
    """Processor time taken meanwhile, in percent of one core."""
    seconds: float
    first_question_ms: float
    """The first question after that, the model loaded again for it."""


def run(say: Say, files: int = FILES, seconds: float = 120.0) -> Idle:
    """Index `files` small files, wait until the daemon rests, and look at it for `seconds`."""
    from app.daemon.client import daemon_info

    with own_daemon(SETTINGS) as (library, folder):
        _fill(folder, files)
        index_all(library, folder, say)
        say("waiting until the model is let go")
        deadline = time.monotonic() + LET_GO
        while daemon_info().model_loaded:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the model was not let go within {LET_GO:.0f} s")
            time.sleep(1.0)
        time.sleep(5.0)
        say(f"looking on for {seconds:.0f} s")
        before = daemon_info()
        time.sleep(seconds)
        after = daemon_info()
        asked = time.perf_counter()
        library.search("a river in winter")
        first = time.perf_counter() - asked
    return Idle(
        files=files,
        folders=min(files, FOLDERS),
        memory_mb=after.memory_mb * (1 << 20) / 1e6,
        core_percent=100 * (after.cpu_seconds - before.cpu_seconds) / seconds,
        seconds=seconds,
        first_question_ms=1000 * first,
    )


def as_json(result: Idle) -> dict[str, Any]:
    return asdict(result)


def table(result: Idle) -> str:
    return "\n".join(
        [
            f"{result.files:,} files in {result.folders:,} folders, {result.seconds:.0f} s of nothing",
            f"memory           {result.memory_mb:.1f} MB",
            f"processor        {result.core_percent:.2f} % of a core",
            f"first question   {result.first_question_ms:.0f} ms, the model loaded again",
        ]
    )


def _fill(folder: Path, files: int) -> None:
    for number in range(files):
        note = folder / f"part{number % FOLDERS}" / f"note{number}.md"
        note.parent.mkdir(exist_ok=True)
        note.write_text(f"# Note {number % TEXTS}\n\nAbout subject{number % TEXTS} and a river.\n")
