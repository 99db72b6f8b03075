"""Starts, finds and stops the daemon of this `KEN_HOME`, from another process.

Owns that. The lock file names the daemon; the kernel releases the lock with the process, so it is never
stale.
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
from collections.abc import Mapping

from app import config, log, paths
from app.api import Library
from app.daemon.client import remote_library
from app.daemon.connection import DaemonAbsent, DaemonOutdated, answering, greet
from app.daemon.wire import error_from
from app.errors import DaemonCannotRun, DaemonError
from app.launch import module_command
from app.lock import DAEMON, GLANCE, WriteLock, holder

START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
STEP = 0.02
SILENT_TRIES = 3
"""Greetings that may fail before a daemon that listens counts as hung."""
READY = b"ready\n"
"""What a daemon writes to standard output when it serves. If it cannot run, it writes the error as a line of
JSON instead."""
MOST_READ = 1 << 16
"""Bytes read at a time from a process that starts."""
LOST = 0
"""Exit status of a process that finds another daemon running."""


class AlreadyRunning(DaemonError):
    """Another process is the daemon."""

    title = "The daemon is running already"

    def __init__(self) -> None:
        super().__init__(f"Process {pid()} is the daemon of {paths.home()}.", "`ken daemon stop` ends it.")


def lock() -> WriteLock:
    """The lock that the daemon of this `KEN_HOME` holds."""
    return WriteLock(DAEMON, paths.daemon_lock_path())


def pid() -> int | None:
    """The process id in the daemon's lock file; None if no daemon runs or the file names none."""
    found = (holder(paths.daemon_lock_path()) or {}).get("pid")
    return found if isinstance(found, int) else None


def start_daemon() -> int:
    """Start the daemon in the background and wait until it answers; returns its process id.

    If one runs already, or several processes start one at the same moment, the answer is that daemon's id.
    Raises the daemon's error if it cannot run, and `DaemonError` if one runs and does not answer.
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
            raise DaemonCannotRun("It did not start in time.", f"See {paths.log_path()}.")
        time.sleep(STEP)


def stop_daemon() -> bool:
    """Stop the daemon and wait for its end; kill it if it ignores SIGTERM. False: none ran."""
    found = _require_daemon()
    if found is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found, number)
            os.kill(found, signal.SIGCONT)  # a suspended process has to continue to end
        deadline = time.monotonic() + STOP_TIMEOUT
        while time.monotonic() < deadline:
            if pid() != found:
                return True
            time.sleep(STEP)
    raise DaemonError(f"The daemon (process {found}) does not end.", f"End it with `kill -9 {found}`.")


def restart() -> int:
    """Restart the daemon. If the settings or the home are invalid, raises that and leaves it running."""
    paths.make_home()
    config.load()
    stop_daemon()
    return start_daemon()


def _require_daemon() -> int | None:
    """The process id of the daemon, or None; raises `DaemonError` if another program holds the lock.

    A number in the file alone must not get a signal: another program may hold the lock, and the number may be
    that of an old daemon.
    """
    path = paths.daemon_lock_path()
    deadline = time.monotonic() + GLANCE  # a daemon writes its id just after it takes the lock
    while (note := holder(path)) is not None:
        found = note.get("pid")
        if isinstance(found, int) and _is_daemon(found):
            return found
        if time.monotonic() > deadline:
            who = f"process {found}" if isinstance(found, int) else "an unknown process"
            raise DaemonCannotRun(
                f"{path} is locked by {who}, which is not ken's daemon.",
                f"`lsof {path}` shows that program; end it.",
            )
        time.sleep(STEP)
    return None


def _is_daemon(process: int) -> bool:
    """Whether a process of this user is a daemon, by its command line."""
    import psutil  # its import takes 20 ms

    try:
        found = psutil.Process(process)
        words = found.cmdline()
        return found.uids().real == os.getuid() and ("app.daemon" in words or {"daemon", "run"} <= set(words))
    except psutil.Error:
        return False


def connect(*, start: bool) -> Library | None:
    """A library that the daemon serves; None if none runs. A daemon of another release is restarted.

    `start`: start one if none runs, unless the settings forbid it.
    """
    try:
        greet()
    except DaemonOutdated:
        restart()
    except DaemonAbsent:
        if not start or not config.load().daemon.autostart:
            return None
        start_daemon()
    return remote_library()


def _launch(deadline: float) -> None:
    """Start a process and wait until it is the daemon or has ended; raises its error.

    A process that finds another daemon ends without an error. It has to be awaited too: if the other daemon
    stops meanwhile, it would take its place.
    """
    process = _spawn()
    assert process.stdout is not None
    with process.stdout as channel:
        output = b""
        while select.select([channel], [], [], max(0.0, deadline - time.monotonic()))[0]:
            output += (part := os.read(channel.fileno(), MOST_READ))
            if not part or output.endswith(READY):
                break
        else:
            return
    if output.endswith(READY):
        return
    status = process.wait()
    if status == LOST:
        return
    with contextlib.suppress(ValueError):
        raise error_from(json.loads(output))
    raise DaemonCannotRun(
        f"It ended while it was starting ({_ending(status)}).",
        f"{paths.log_path()} says why; `--no-daemon` works without the daemon.",
    )


def _ending(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


def _spawn() -> subprocess.Popen[bytes]:
    with log.output() as output:
        process = subprocess.Popen(
            module_command("app.daemon"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            cwd=paths.home(),
            env=daemon_environment(),
        )
    # If this process outlives the daemon, it has to reap it.
    threading.Thread(target=process.wait, name="daemon", daemon=True).start()
    return process


def daemon_environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The daemon's environment. With many threads glibc would keep an arena of freed memory for each."""
    return {**inherited, "KEN_HOME": str(paths.home()), "MALLOC_ARENA_MAX": "2"}
