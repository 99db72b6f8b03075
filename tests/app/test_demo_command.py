"""`ken demo` in a real terminal: its progress bar is gone before a result is printed."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tiny_home import with_tiny_model

BAR = re.compile(r"passages|Looking|Reading|Embedding|━|╸|╺")
"""What only the bar says once the first line of the results is there."""
SECONDS = 120
"""Far more than the demo takes."""


class Terminal:
    """A command in a pseudo-terminal of 100 columns; `seen` is all that it wrote there."""

    def __init__(self, *command: str) -> None:
        self._master, slave = pty.openpty()
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)
        self.seen = ""

    def read_until(self, condition: Callable[[str], bool]) -> None:
        """Read what comes until `condition` holds of all that came, or the command ends."""
        deadline = time.monotonic() + SECONDS
        while not condition(self.seen):
            assert time.monotonic() < deadline, self.seen
            if not select.select([self._master], [], [], 1)[0]:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:  # Linux: EIO once the other side is closed
                data = b""
            if not data:
                return
            self.seen += data.decode(errors="replace")

    def close(self) -> int:
        self.read_until(lambda seen: False)
        os.close(self._master)
        return self.process.wait(SECONDS)


@pytest.fixture
def demo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    with_tiny_model(monkeypatch, home)
    return Terminal(sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", "demo")


def test_the_bar_ends_before_the_first_result(demo: Terminal) -> None:
    assert demo.close() == 0
    bar, summary, results = re.split(r"(\d+ documents in \d+ passages, embedded in [\d.]+ s\.)", demo.seen)
    assert BAR.search(bar), "there was a bar"
    assert bar.endswith(("\x1b[2K", "\n")), "the summary begins on a line of its own"
    assert results.count("? ") >= 3 and not BAR.search(results)
    assert summary and "\x1b[?25l" not in results, "the cursor stays in sight"


def test_an_interrupt_takes_the_bar_away(demo: Terminal) -> None:
    demo.read_until(lambda seen: "Embedding" in seen)
    demo.process.send_signal(signal.SIGINT)
    assert demo.close() == 130
    before, after = demo.seen.rsplit("Stopped.", 1)
    assert before.endswith("\x1b[2K"), "the bar is erased"
    assert before.rindex("\x1b[?25h") > before.rindex("\x1b[?25l"), "the cursor is back"
    assert not after.strip()
