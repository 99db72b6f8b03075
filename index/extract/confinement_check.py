"""Whether confinement holds on this machine: a process confined as readers are tries what they must not do.

Owns the attempts and what is said of them. Trying is the only proof: a kernel, a container or an
administrator can take each of the means away.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from index.extract import limits
from index.extract.child import command, reader_environment
from index.extract.confinement import confine
from index.extract.pool import MEMORY_BYTES

_SECONDS = 20.0
_REFUSED_BY_NOBODY = 9
"""TCP port 9 (discard, RFC 863): on most machines nothing listens there, which is an answer too."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a confined process could do, by what it is confined, and what could not be had for that."""

    possible: tuple[str, ...]
    means: tuple[str, ...]
    missing: tuple[str, ...]


def check() -> Checked:
    """Start a process, confine it as readers are, and have it try. Takes as long as starting a reader."""
    try:
        done = subprocess.run(
            command("confinement_check"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            cwd="/",
            env=reader_environment(),
            check=True,
        )
        found = {key: tuple(map(str, values)) for key, values in json.loads(done.stdout).items()}
        return Checked(found["possible"], found["means"], found["missing"])
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, AttributeError, TypeError) as error:
        return Checked((*ATTEMPTS,), (), (f"the check failed: {type(error).__name__}",))


def main() -> None:
    """Confine this process, try everything, and print what was possible as JSON."""
    limits.limit_this_process(MEMORY_BYTES)
    held = confine(lambda: limits.watch_memory(MEMORY_BYTES))
    sys.stdout.write(json.dumps({"possible": possible(), "means": held.means, "missing": held.missing}))
    sys.stdout.flush()


def possible() -> list[str]:
    """Which of `ATTEMPTS` this process can do."""
    found = []
    for name, attempt in ATTEMPTS.items():
        with suppress(OSError):
            attempt()
            found.append(name)
    return found


def _read() -> None:
    with open("/etc/passwd", "rb") as file:  # noqa: PTH123
        file.read(1)


def _write() -> None:
    path = f"/tmp/ken-confinement-check-{os.getpid()}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)  # noqa: PTH108


def _connect() -> None:
    with socket.socket() as link, suppress(ConnectionRefusedError, TimeoutError):
        link.settimeout(1)
        link.connect(("127.0.0.1", _REFUSED_BY_NOBODY))


def _run() -> None:
    os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {}), 0)


def _signal() -> None:
    os.kill(os.getppid(), 0)


ATTEMPTS: dict[str, Callable[[], None]] = {
    "read other files": _read,
    "write files": _write,
    "reach the network": _connect,
    "run programs": _run,
    "signal other processes": _signal,
}
"""What a reader must not be able to do; each raises OSError where it is refused."""
