"""Benchmark `tui`: how fast the terminal interface paints and what it costs, with the real model.

Makes 50,000 passages in files of their own, a throw-away home and its daemon. The first paint, idle
processor time and memory are those of `ken` in a terminal of its own; keystrokes are driven headless.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.filled_home import filled_home
from tests.benchmarks.percentile import percentile

if TYPE_CHECKING:
    from app.api import Answer
    from app.tui.app import KenApp
    from app.tui.messages import Answered

FILES = 5_000
PER_FILE = 10
STARTS = 7
IDLE_SECONDS = 10.0
PLACEHOLDER = b"sk in your own words"
"""What the first screen shows; its first letter is under the cursor."""
GAP = 0.12
"""Seconds between keystrokes: a quick typist's."""
QUESTIONS = (
    "how to move notes to another phone",
    "water under the kitchen floor",
    "when is the rent due",
    "a loaf with a hard crust",
    "pain in the left knee",
    "changing trains at night",
    "boiler loses pressure",
    "what the contract says about pets",
)
LIMITS = {
    "first_paint_ms": 600.0,
    "words_ms_p95": 50.0,
    "meaning_ms_p95": 150.0,
    "idle_cpu_percent": 0.5,
    "memory_mb": 120.0,
}
"""What was aimed for."""


@dataclass(frozen=True, slots=True)
class Painted:
    """The figures; memory is that of the interface's own process."""

    first_paint_ms: float
    """From process start to the first screen, median of several starts."""
    words_ms_p95: float
    """From a keystroke to its word results on screen, where words find something."""
    meaning_ms_p95: float
    """From the last keystroke to its meaning results on screen."""
    idle_cpu_percent: float
    memory_mb: float


def run(say: Callable[[str], None] = lambda _: None) -> Painted:
    """Measure everything; needs the model."""
    with (
        tempfile.TemporaryDirectory(prefix="ken-bench-") as top,
        filled_home(Path(top), FILES, PER_FILE, say),
    ):
        say("typing questions")
        words, meaning = asyncio.run(_type(say))
        say("starting ken in a terminal")
        starts = [_first_paint() for _ in range(STARTS)]
        say("watching it do nothing")
        idle, memory = _idle()
    return Painted(
        sorted(starts)[len(starts) // 2], percentile(words, 95), percentile(meaning, 95), idle, memory
    )


def as_json(result: Painted) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(result).items()}


def table(result: Painted) -> str:
    rows = [f"{'':<18}{'measured':>10}{'at most':>10}"]
    rows += [f"{name:<18}{value:>10.1f}{LIMITS[name]:>10.1f}" for name, value in asdict(result).items()]
    return "\n".join(rows)


async def _type(say: Callable[[str], None]) -> tuple[list[float], list[float]]:
    """Milliseconds to painted words of each keystroke, and to painted meaning of each question's last one."""
    from app.config import Config
    from app.connect import open_library
    from app.tui.app import KenApp
    from app.tui.session import Session

    words: list[float] = []
    meaning: list[float] = []
    app = KenApp(Session(config=Config()), open_library)
    async with app.run_test(size=(120, 40)):
        while app.session.status is None:
            await asyncio.sleep(0.01)
        seen = _watch(app)
        for number, question in enumerate((QUESTIONS[0], *QUESTIONS)):
            say(f"question {number} of {len(QUESTIONS)}")
            typed = await _typed(app, question, seen)
            if number:  # the first one warms the daemon
                words += typed[0]
                meaning.append(typed[1])
    return words, meaning


@dataclass(slots=True)
class _Painted:
    """What was on screen when, by the question's text."""

    painted: dict[tuple[str, bool], float] = field(default_factory=dict)
    """By whether the answer is the final one, too."""
    wordless: set[str] = field(default_factory=set)
    """Questions of whose words nothing was found, such as a single letter: no word results are painted."""


def _watch(app: KenApp) -> _Painted:
    seen = _Painted()
    screen = app.search_screen
    show, accept = screen.show_answer, screen.requests.accept

    def shown(answer: Answer, *, final: bool) -> None:
        show(answer, final=final)
        key = (answer.query, final)
        screen.call_after_refresh(lambda: seen.painted.setdefault(key, time.perf_counter()))

    def accepted(message: Answered) -> bool:
        answer = message.outcome
        if not message.final and not isinstance(answer, Exception) and not answer.hits:
            seen.wordless.add(answer.query)
        return accept(message)

    screen.show_answer = shown  # type: ignore[method-assign]
    screen.requests.accept = accepted  # type: ignore[method-assign]
    return seen


async def _typed(app: KenApp, question: str, seen: _Painted) -> tuple[list[float], float]:
    """Milliseconds to word results for each letter, and to meaning for the last."""
    from textual import events

    app.search_screen.input.set("")
    await asyncio.sleep(0.3)
    seen.painted.clear()
    pressed: dict[str, float] = {}
    for number, letter in enumerate(question, 1):
        pressed.setdefault(question[:number].strip(), time.perf_counter())
        app.post_message(events.Key("space" if letter == " " else letter, letter))
        await asyncio.sleep(GAP)
    deadline = time.perf_counter() + 10
    while (question, True) not in seen.painted and time.perf_counter() < deadline:
        await asyncio.sleep(0.01)
    words = [
        1000 * (min(at) - then)
        for text, then in pressed.items()
        if text not in seen.wordless
        and (at := [seen.painted[key] for key in ((text, False), (text, True)) if key in seen.painted])
    ]
    return words, 1000 * (seen.painted[question, True] - pressed[question])


@contextmanager
def _terminal() -> Iterator[tuple[int, subprocess.Popen[bytes], float]]:
    """`ken` in a terminal of 120 by 40: its descriptor, process and start."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "from app.cli import main; main()"],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield ours, process, began
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(descriptor: int, wanted: bytes, seconds: float) -> bool:
    """Read what the terminal shows until `wanted` is among it."""
    seen = b""
    deadline = time.perf_counter() + seconds
    while wanted not in seen and time.perf_counter() < deadline:
        if select.select([descriptor], [], [], 0.05)[0]:
            seen = (seen + os.read(descriptor, 65536))[-200_000:]
    return wanted in seen


def _first_paint() -> float:
    with _terminal() as (descriptor, _, began):
        if not _read_until(descriptor, PLACEHOLDER, 20):
            raise RuntimeError("ken painted no first screen within 20 seconds")
        return 1000 * (time.perf_counter() - began)


def _idle() -> tuple[float, float]:
    """Processor time in percent of one core, and memory, after a question has been asked and answered."""
    with _terminal() as (descriptor, process, _):
        _read_until(descriptor, PLACEHOLDER, 20)
        for letter in QUESTIONS[0]:
            os.write(descriptor, letter.encode())
            _read_until(descriptor, b"\0", GAP)
        _read_until(descriptor, b"\0", 3.0)
        before = _cpu_seconds(process.pid)
        _read_until(descriptor, b"\0", IDLE_SECONDS)
        idle = 100 * (_cpu_seconds(process.pid) - before) / IDLE_SECONDS
        asked = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, check=True)
        return idle, int(asked.stdout) / 1024


def _cpu_seconds(pid: int) -> float:
    if sys.platform == "linux":
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    shown = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, check=True, text=True)
    minutes, seconds = shown.stdout.strip().rsplit(":", 1)
    return 60 * float(minutes.rsplit(":", 1)[-1]) + float(seconds)
