"""A cutting that does in the reading process what a hostile file would have it do, and tells the result."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support.sound import CheckedCutting

from index.errors import FileSkipped
from index.extract import landlock, seccomp
from index.extract.confinement_check import possible
from index.types import Document, Passage

_PTRACE_SEIZE = 0x4206


def _system_call(number: int, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _ptrace() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(_PTRACE_SEIZE, os.getppid(), 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _same_priority(process: int) -> None:
    """Sets what is set already: where it is not refused, no harm is done."""
    os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, process))


def _daemon(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))


def _datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as link:
        link.sendto(b"x", ("127.0.0.1", 9))


def attempts(folder: Path) -> dict[str, Callable[[], object]]:
    """By name; each raises OSError where it is refused. `folder` holds `secret.md` and `daemon.sock`."""
    secret = str(folder / "secret.md")
    parent = os.getppid()
    return {
        "read": lambda: os.open(secret, os.O_RDONLY),
        "list": lambda: os.listdir(folder),  # noqa: PTH208
        "create": lambda: os.open(folder / "new", os.O_WRONLY | os.O_CREAT),
        "nameless": lambda: os.open(folder, os.O_RDWR | getattr(os, "O_TMPFILE", os.O_CREAT)),
        "write": lambda: os.open(secret, os.O_WRONLY),
        "truncate": lambda: os.truncate(secret, 0),
        "unlink": lambda: os.unlink(secret),  # noqa: PTH108
        "rename": lambda: os.rename(secret, f"{secret}.away"),  # noqa: PTH104
        "link": lambda: os.link(secret, f"{secret}.two"),
        "symlink": lambda: os.symlink("/", folder / "root"),  # noqa: PTH211
        "mkdir": lambda: os.mkdir(folder / "made"),  # noqa: PTH102
        "fifo": lambda: os.mkfifo(folder / "fifo"),
        "chmod": lambda: os.chmod(secret, 0o777),  # noqa: PTH101
        "times": lambda: os.utime(secret, (0, 0)),
        "reopen": lambda: os.open(f"/proc/{os.getpid()}/fd/0", os.O_RDWR),
        "environment of the parent": lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY),
        "memory of the parent": lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY),
        "internet": lambda: socket.create_connection(("127.0.0.1", 9), 1),
        "datagram": _datagram,
        "socket of the daemon": lambda: _daemon(folder / "daemon.sock"),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)),
        "fork": _fork,
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "kill": lambda: os.kill(parent, signal.SIGURG),
        "group": lambda: os.kill(0, signal.SIGURG),
        "ptrace": _ptrace,
        "limits of the parent": lambda: resource.prlimit(parent, resource.RLIMIT_CORE),
        "priority of the parent": lambda: _same_priority(parent),
        "io_uring": lambda: _system_call(425, 1, 0),
        "memfd": lambda: os.memfd_create("x"),
        "namespace": lambda: _system_call(272 if os.uname().machine == "x86_64" else 97, 0x10000000),
    }


def _none() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Lacking(CheckedCutting):
    """Cuts, and checks what it cuts, where the system has one means of confinement less."""

    without: str = ""

    def prepare(self) -> None:
        if self.without == "Landlock":
            landlock.version = _none
        if self.without == "seccomp":
            seccomp.usable = _none  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Escaping(Lacking):
    """Tries everything where a document would be cut; the reason for skipping it is what was possible."""

    folder: Path = Path()

    def passages(self, document: Document, name: str) -> list[Passage]:
        done = possible()
        for attempt, call in attempts(self.folder).items():
            with suppress(OSError):
                call()
                done.append(attempt)
        environment = sorted({*os.environ} - {"PYTHONPATH", "LC_CTYPE"})  # Python itself sets LC_CTYPE
        raise FileSkipped(json.dumps({"possible": done, "environment": environment}))
