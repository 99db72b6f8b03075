"""Benchmark `command`: from the start of the process to the end of `ken search --json`, with the real model.

Makes files of one passage each, a throw-away home and its daemon, and runs the command as an installed one:
its own process each time, the daemon and the files of Python in memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from app.ken_search_main import TOP
from tests.benchmarks.filled_home import filled_home
from tests.benchmarks.percentile import percentile
from tests.benchmarks.tui import QUESTIONS

ROUNDS = 5
"""Times each question is asked; the first round is not counted."""
KEN = ("-c", f"import sys; sys.path.insert(0, {str(TOP / 'app')!r}); import ken_search_main as k; k.main()")
"""What the installed `ken` does."""
AT_MOST = 80.0
"""Milliseconds aimed for."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Milliseconds from process start to process end."""

    files: int
    python_ms: float
    """Python alone, median."""
    search_ms: float
    """`ken search --json`, median."""
    search_ms_p95: float
    words_ms: float
    """The same with `mode:words`, median."""
    lines_ms: float
    """`ken search` into a pipe, median."""


def run(say: Callable[[str], None] = lambda _: None, files: int = 100_000) -> Commands:
    """Measure; needs the model."""
    with tempfile.TemporaryDirectory(prefix="ken-bench-") as top, filled_home(Path(top), files, 1, say):
        say("asking")
        environment = _installed(Path(top))
        python = [_milliseconds(("-c", "pass"), environment) for _ in range(ROUNDS * len(QUESTIONS))]
        search = _asked(environment, "--json")
        words = _asked(environment, "--json", "mode:words")
        lines = _asked(environment)
    return Commands(
        files, percentile(python, 50), percentile(search, 50), percentile(search, 95), percentile(words, 50),
        percentile(lines, 50),
    )  # fmt: skip


def _installed(top: Path) -> dict[str, str]:
    """The environment, in which modules are compiled once, as an installation has compiled them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(top / "compiled")}


def _asked(environment: Mapping[str, str], *more: str) -> list[float]:
    """Milliseconds of each question but those of the first round."""
    commands = [(*KEN, "search", question, *more) for _ in range(ROUNDS) for question in QUESTIONS]
    return [_milliseconds(command, environment) for command in commands][len(QUESTIONS) :]


def _milliseconds(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    nowhere = subprocess.DEVNULL
    command = [sys.executable, "-P", *arguments]
    subprocess.run(command, stdout=nowhere, stderr=nowhere, check=True, env=environment)
    return 1000 * (time.perf_counter() - began)


def as_json(result: Commands) -> dict[str, float]:
    return {name: round(value, 1) for name, value in asdict(result).items()}


def table(result: Commands) -> str:
    rows = [f"{result.files:,} files, milliseconds from process start to end; aimed for: {AT_MOST:.0f}"]
    return "\n".join(
        [*rows, *(f"{name:<16}{value:>8.1f}" for name, value in asdict(result).items() if name != "files")]
    )
