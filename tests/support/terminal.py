"""The real `ken` in a pseudo-terminal: bytes go in as a terminal sends them, and pyte reads the screen.

Owns the process, its terminal and the picture of it. Knows no key: `support.terminal_keys` does.
"""

from __future__ import annotations

import copy
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

KEN = (sys.executable, "-P", str(Path(__file__).resolve().parents[2] / "app" / "ken_search_main.py"))
"""The start of every process of ken; `app.cli` after it is the command."""
COMMAND = (sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(Path(KEN[2]).parent)!r}); "
           "import ken_search_main as k; k.main()")  # fmt: skip
PATIENCE = float(os.environ.get("KEN_PATIENCE", "60"))
"""Seconds by the clock for what a test waits for: the machine may be busy."""
_UNREAD = re.compile(
    rb"\x1b\[[<>=][0-9;:]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[[0-9;]*:[0-9:;]*m|\x1bP[^\x1b]*\x1b\\"
)
"""What pyte would show as text: the kitty protocol's and mode questions, curly underlines, requests."""
_OTHER_SCREEN = re.compile(rb"(\x1b\[\?1049[hl])")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]P][^\x07\x1b]{0,200})?$")


class Terminal:
    """A process on a terminal of its own. Every wait is for what the screen shows."""

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        size: tuple[int, int] = (100, 30),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""
        self._main: tuple[Any, Any] | None = None
        """What the main screen shows and where its cursor is, while the alternate screen is there."""
        self.raw = bytearray()
        """All that was written to the terminal."""
        self._master, slave = pty.openpty()
        self._set_size(*size)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": "", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    # In

    def send(self, data: bytes) -> None:
        """Write as a terminal does, reading meanwhile what comes back."""
        os.set_blocking(self._master, False)
        while data:
            self._read(0)
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self._read(0.01)

    def type(self, text: str) -> None:
        self.send(text.encode())

    def paste(self, text: bytes) -> None:
        """As terminals paste: between brackets, line ends as carriage returns."""
        self.send(b"\x1b[200~" + text.replace(b"\n", b"\r") + b"\x1b[201~")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, and wait until something is painted in it and nothing more follows."""
        self.rests()
        painted = len(self.raw)
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)
        self.until(lambda _: len(self.raw) > painted, f"a picture of {columns} by {rows}")
        self.rests()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    # Out

    @property
    def text(self) -> str:
        """What the screen shows now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, so: Callable[[str], object], what: str = "") -> str:
        """The screen's text once `so` holds of it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self._read(0.02)
            text = self.text
            if so(text):
                return text
            if time.monotonic() > deadline:
                raise AssertionError(f"{what or so} did not come about:\n{text}")

    def shows(self, *wanted: str) -> str:
        """Wait until all of these stand on the screen."""
        return self.until(lambda text: all(one in text for one in wanted), f"{wanted}")

    def hides(self, unwanted: str) -> str:
        """Wait until this is not on the screen."""
        return self.until(lambda text: unwanted not in text, f"the end of {unwanted!r}")

    def rests(self) -> str:
        """Wait until nothing more is painted for a moment: for a key that shall change nothing."""
        while self._read(0.3):
            pass
        return self.text

    def ends(self) -> int:
        """Wait until the process has ended; returns its status, as a shell tells it."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self._read(0.02)
            assert time.monotonic() < deadline, f"it did not end:\n{self.text}"
        while self._read(0.05):
            pass
        code = self.process.returncode
        return 128 - code if code < 0 else code

    def _read(self, seconds: float) -> bool:
        """Take in what was written; returns whether there was anything, be it the half of a frame."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the other side is closed
            return False
        self.raw += data
        if b"\x1b[?2026$p" in data:
            os.write(self._master, b"\x1b[?2026;2$y")  # frames are shown whole
        data = _UNREAD.sub(b"", self._held + data)
        found = _UNFINISHED.search(data)
        whole = found.start() if found else len(data)
        begun = data.rfind(b"\x1b[?2026h")
        if begun > data.rfind(b"\x1b[?2026l"):
            whole = min(whole, begun)
        data, self._held = data[:whole], data[whole:]
        for part in _OTHER_SCREEN.split(data):
            if _OTHER_SCREEN.fullmatch(part):
                self._change_screen(enters=part.endswith(b"h"))
            else:
                self._stream.feed(part)
        return True

    def _change_screen(self, *, enters: bool) -> None:
        """The alternate screen, which pyte does not have."""
        screen = self.screen
        if enters and self._main is None:
            self._main = copy.deepcopy(screen.buffer), copy.copy(screen.cursor)
            screen.erase_in_display(2)
        elif not enters and self._main is not None:
            (screen.buffer, screen.cursor), self._main = self._main, None
            screen.dirty.update(range(screen.lines))

    # Its life

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
