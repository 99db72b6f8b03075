"""markitdown, in a process of its own in whichever Python has it: what it reads of the same files.

A request is a path in a line of JSON; the answer is what went wrong, empty where text came. One that gives
no answer in time is ended and started again, so that a file it hangs on costs that file alone.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time

import psutil

from app.errors import UsageInvalid

_LOOK_SECONDS = 0.05
_START_SECONDS = 120.0
_MOST_MEMORY = 4 << 30
"""It is ended beyond, for the machine's sake."""
_PROGRAM = """
import json, logging, os, sys, warnings
warnings.filterwarnings("ignore"); logging.disable(50)
answers = os.fdopen(os.dup(1), "w"); os.dup2(2, 1)
def answer(what): print(json.dumps(what), file=answers, flush=True)
try:
    from markitdown import MarkItDown
    reader = MarkItDown()
except Exception as error:
    answer(f"it cannot be started ({type(error).__name__}: {error})."); sys.exit()
answer("")
for line in sys.stdin:
    try:
        answer("" if reader.convert(json.loads(line)).text_content.strip() else "no text")
    except BaseException as error:
        answer(type(error).__name__)
"""


class PeerReader:
    """One process, started at the first file and again after it was ended. Not thread-safe."""

    def __init__(self, python: str, seconds: float) -> None:
        self._python = python
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.memory = 0
        """Resident bytes at their peak since this was last set to 0."""

    def start(self) -> None:
        """Raises `UsageInvalid` where the Python does not have it."""
        if self._process is None:
            self._process = subprocess.Popen(
                [self._python, "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            if problem := self._answer(_START_SECONDS):
                self.close()
                raise UsageInvalid(f"markitdown: {problem}", "Name the Python that has it: --beside-python.")

    def read(self, path: str) -> str:
        """Why nothing was read of the file; empty where something was."""
        self.start()
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(path).encode() + b"\n")
            self._process.stdin.flush()
            return self._answer(self._seconds)
        except BrokenPipeError:
            self.close()
            return "it died"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _answer(self, seconds: float) -> str:
        """What it says in time; it is ended where it says nothing or takes too much memory."""
        assert self._process is not None and self._process.stdout is not None
        pipe, watched = self._process.stdout.fileno(), psutil.Process(self._process.pid)
        until, said = time.monotonic() + seconds, b""
        problem = f"no answer in {seconds:.0f} s"
        while time.monotonic() < until:
            self.memory = max(self.memory, watched.memory_info().rss)
            if self.memory > _MOST_MEMORY:
                problem = f"more than {_MOST_MEMORY >> 30} GiB of memory"
                break
            if select.select([pipe], [], [], _LOOK_SECONDS)[0]:
                part = os.read(pipe, 65_536)
                said += part
                if said.endswith(b"\n"):
                    return str(json.loads(said))
                if not part:
                    problem = "it died"
                    break
        self.close()
        return problem
