"""The lexer's process from the interface's side: started when it is needed, given up when it does not answer.

Owns the process and how long it is waited for. Knows no language.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.tui.lexing import Token

PATIENCE = 5.0
"""Seconds by the clock for an answer: the process starts in less than one, and ends itself after one of
processor time."""
_ROOT = str(Path(__file__).resolve().parents[2])
_START = "import sys; sys.path.append(sys.argv[1]); from app.tui.lexing import main; main()"


class LexerProcess:
    """A process that is asked one text at a time, by any thread."""

    def __init__(self, start: str = _START) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def tokens(self, language: str, text: str) -> list[Token]:
        """The tokens of `text` with their styles; none where they take too long to find."""
        request = json.dumps({"language": language, "text": text}).encode() + b"\n"
        with self._lock:
            answer = self._ask(request) or b"[]"
        return [(position, length, style) for position, length, style in json.loads(answer)]

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _ask(self, request: bytes) -> bytes:
        """The answer; empty where none comes, and the process is ended then."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = self._start_process()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            process.stdin.flush()
        except BrokenPipeError:
            self.close()
            return b""
        deadline = time.monotonic() + PATIENCE
        answer = bytearray()
        while not answer.endswith(b"\n"):
            ready = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]
            part = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
            if not part:
                self.close()
                return b""
            answer += part
        return bytes(answer)

    def _start_process(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", self._start, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )


PROCESS = LexerProcess()
"""The interface's own; it ends when the interface does, or when it has nothing to do."""
