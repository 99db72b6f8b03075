"""Starting, finding and ending the daemon of this `KEN_HOME`, from outside of it.

Who the daemon is, its lock says: the kernel lets go of it with the process, so it is never stale.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from typing import BinaryIO

from app import config, paths
from app.daemon.client import DaemonAbsent, DaemonOutdated, RemoteLibrary, answering
from app.daemon.protocol import error_from
from app.errors import DaemonCannotRun, DaemonError, PathInvalid
from app.launch import module_command
from app.lock import DAEMON, GLANCE, WriteLock, holder

START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
STEP = 0.02
SILENT_TRIES = 3
"""Greetings to wait for in vain before a daemon that listens is said not to answer."""
READY = b"ready\n"
"""What a daemon that was started here writes to its standard output once it serves; before that, the error
it ends with, as one line of JSON."""
MOST_TOLD = 1 << 16
LOST = 0
"""Exit status of a process that found another daemon in its place."""


class AlreadyRunning(DaemonError):
    """Another process is the daemon."""

    title = "The daemon is running already"

    def __init__(self) -> None:
        super().__init__(f"Process {pid()} is the daemon of {paths.home()}.", "`ken daemon stop` ends it.")


def lock() -> WriteLock:
    """The right to be this `KEN_HOME`'s daemon."""
    return WriteLock(DAEMON, paths.daemon_lock_path())


def pid() -> int | None:
    """The process that says it is the daemon; None where none runs, or none that says so."""
    found = (holder(paths.daemon_lock_path()) or {}).get("pid")
    return found if isinstance(found, int) else None


def start_daemon() -> int:
    """Start the daemon in the background and wait until it answers; returns its process.

    Harmless where one runs already, also where several start one at the same moment: one wins. Raises what
    the daemon ended with where it cannot run, and `DaemonError` where one runs and does not answer.
    """
    deadline = time.monotonic() + START_TIMEOUT
    silent = 0
    while True:
        if holder(paths.daemon_lock_path()) is None:
            _launch(deadline)
        try:
            if (found := answering()) is not None:
                return found
        except DaemonError:
            silent += 1
            if silent == SILENT_TRIES:
                raise
        _require_daemon()
        if time.monotonic() > deadline:
            raise DaemonCannotRun("It did not start in time.", f"{paths.log_path()} says what it does.")
        time.sleep(STEP)


def stop_daemon() -> bool:
    """End the daemon and wait until it has; by force where it does not heed. False: none ran."""
    found = _require_daemon()
    if found is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found, number)
            os.kill(found, signal.SIGCONT)  # one that was stopped ends as any other does
        deadline = time.monotonic() + STOP_TIMEOUT
        while time.monotonic() < deadline:
            if pid() != found:
                return True
            time.sleep(STEP)
    raise DaemonError(f"The daemon (process {found}) does not end.", f"End it with `kill -9 {found}`.")


def restart() -> int:
    """Where the next one could not run, the running one is left as it is, and the reason raised."""
    paths.make_home()
    config.load()
    stop_daemon()
    return start_daemon()


def _require_daemon() -> int | None:
    """The process that holds the lock, or None; raises `DaemonError` where it is no daemon of ken's.

    A number found in the file is not enough to end a process by: the lock may be another program's, the
    number that of a daemon long gone.
    """
    path = paths.daemon_lock_path()
    deadline = time.monotonic() + GLANCE  # between taking the lock and saying so, a daemon has no name yet
    while (note := holder(path)) is not None:
        found = note.get("pid")
        if isinstance(found, int) and _is_daemon(found):
            return found
        if time.monotonic() > deadline:
            who = f"process {found}" if isinstance(found, int) else "a process that does not say who it is"
            raise DaemonCannotRun(
                f"{path} is locked, and {who} is no daemon of ken's.",
                f"`lsof {path}` shows the program that holds it; end that.",
            )
        time.sleep(STEP)
    return None


def _is_daemon(process: int) -> bool:
    """Whether a process of this user was started by `_spawn`, the system's service or `ken daemon run`."""
    import psutil  # 20 ms, and only needed to stop one

    try:
        found = psutil.Process(process)
        words = found.cmdline()
        return found.uids().real == os.getuid() and ("app.daemon" in words or {"daemon", "run"} <= set(words))
    except psutil.Error:
        return False


def connect(*, start: bool) -> RemoteLibrary | None:
    """A library that the daemon serves; one of another release is replaced. None where none runs.

    `start`: where none runs one is started, unless the settings say otherwise.
    """
    library = RemoteLibrary()
    try:
        library.greet()
    except DaemonOutdated:
        restart()
    except DaemonAbsent:
        if not start or not config.load().daemon.autostart:
            return None
        start_daemon()
    return library


def _launch(deadline: float) -> None:
    """Start a process and wait until it is the daemon or has ended; raises what it ended with.

    One that finds another in its place ends without a word. It is waited for all the same: still starting,
    it would become the daemon of whoever stops the other now.
    """
    process = _spawn()
    assert process.stdout is not None
    with process.stdout as channel:
        told = b""
        while select.select([channel], [], [], max(0.0, deadline - time.monotonic()))[0]:
            told += (part := os.read(channel.fileno(), MOST_TOLD))
            if not part or told.endswith(READY):
                break
        else:
            return
    if told.endswith(READY):
        return
    status = process.wait()
    if status == LOST:
        return
    with contextlib.suppress(ValueError):
        raise error_from(json.loads(told))
    raise DaemonCannotRun(
        f"It ended while it was starting ({_ending(status)}).",
        f"{paths.log_path()} says why; `--no-daemon` works without.",
    )


def _ending(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


def _spawn() -> subprocess.Popen[bytes]:
    with _open_log() as log:
        process = subprocess.Popen(
            module_command("app.daemon"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
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
