"""Starting, finding and ending the daemon of this `KEN_HOME`, from outside of it.

Who the daemon is, its lock says: the kernel lets go of it with the process, so it is never stale.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from app import config, paths
from app.daemon.client import DaemonOutdated, RemoteLibrary, is_running
from app.errors import DaemonError, PathInvalid
from app.lock import DAEMON, WriteLock, holder

START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
STEP = 0.02


class AlreadyRunning(DaemonError):
    """Another process is the daemon."""

    title = "The daemon is running already"

    def __init__(self) -> None:
        super().__init__(f"Process {pid()} is the daemon of {paths.home()}.", "`ken daemon stop` ends it.")


def lock_path() -> Path:
    """The file whose lock is the right to be this `KEN_HOME`'s daemon."""
    return paths.home() / "daemon.lock"


def lock() -> WriteLock:
    return WriteLock(DAEMON, lock_path())


def pid() -> int | None:
    """The process that is the daemon; None where none runs."""
    note = holder(lock_path())
    found = note.get("pid") if note else None
    return found if isinstance(found, int) else None


def start_daemon() -> int:
    """Start the daemon in the background and wait until it answers; returns its process.

    Harmless where one runs already, also where several start one at the same moment: one wins.
    """
    process = _spawn() if (running := pid()) is None else None
    deadline = time.monotonic() + START_TIMEOUT
    while not is_running():
        ended = process is not None and process.poll() is not None
        if (ended and pid() is None) or time.monotonic() > deadline:
            raise DaemonError(
                "The daemon did not start.", f"{paths.log_path()} says why; `--no-daemon` works without."
            )
        time.sleep(STEP)
    winner = pid() or running or 0
    if process is not None and process.pid != winner:
        # A loser that is still starting would become the daemon of whoever stops the winner now.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(STEP, deadline - time.monotonic()))
    return winner


def stop_daemon() -> bool:
    """End the daemon and wait until it has; by force where it does not heed. False: none ran."""
    found = pid()
    if found is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found, number)
        deadline = time.monotonic() + STOP_TIMEOUT
        while time.monotonic() < deadline:
            if pid() != found:
                return True
            time.sleep(STEP)
    raise DaemonError(f"The daemon (process {found}) does not end.", f"End it with `kill -9 {found}`.")


def restart() -> int:
    stop_daemon()
    return start_daemon()


def connect(*, start: bool) -> RemoteLibrary | None:
    """A library that the daemon serves; one of another release is replaced. None where none runs.

    `start`: where none runs one is started, unless the settings say otherwise.
    """
    library = RemoteLibrary()
    if is_running():
        try:
            library.greet()
        except DaemonOutdated:
            restart()
        return library
    if not start or not config.load().daemon.autostart:
        return None
    start_daemon()
    return library


def _spawn() -> subprocess.Popen[bytes]:
    with _open_log() as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.daemon"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
            cwd=paths.home(),
            env=environment(),
        )
    # Whoever outlives the daemon must collect it, or it stays as a zombie.
    threading.Thread(target=process.wait, name="daemon", daemon=True).start()
    return process


def _open_log() -> BinaryIO:
    path = paths.make_home() / paths.log_path().name
    try:
        log = path.open("ab")
        path.chmod(0o600)
    except OSError as error:
        raise PathInvalid(
            f"{path} cannot be written: {error.strerror}.",
            "Check the folder's permissions, or choose another with KEN_HOME.",
        ) from error
    return log


def environment() -> dict[str, str]:
    """The daemon's: this one's, with glibc kept from holding an arena of freed memory for each thread."""
    return {**os.environ, "KEN_HOME": str(paths.home()), "MALLOC_ARENA_MAX": "2"}
