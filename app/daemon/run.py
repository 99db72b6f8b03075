"""The daemon's process from its first breath to its last."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

from app import __version__, config, paths
from app import log as logs
from app.daemon import lifecycle
from app.daemon.protocol import error_message
from app.errors import TITLED_ERRORS, PathInvalid
from app.lock import WriteLock
from index.errors import IndexBusy

log = logging.getLogger(__name__)

STDOUT = 1

HOME_INTERVAL = 5.0
"""Seconds between two looks whether its home is still there."""
SWITCH_INTERVAL = 0.001
"""Seconds a thread may keep the interpreter: a question that waits for it five times waits 5 ms, not 25."""


def main() -> int:
    """The exit status: 0 after a stop or where another daemon runs, 1 where it cannot run.

    Standard output is for the process that started this one: see `lifecycle.READY`.
    """
    try:
        run(_say_ready)
    except lifecycle.AlreadyRunning:
        return lifecycle.LOST
    except TITLED_ERRORS as error:
        log.error("%s: %s %s", error.title, error.what, error.fix)
        _say(json.dumps(error_message(error)).encode())
        return 1
    return 0


def run(ready: Callable[[], None] | None = None, *, to_terminal: bool = False) -> None:
    """Be the daemon until SIGTERM or SIGINT, calling `ready` once it serves. Raises titled errors,
    `AlreadyRunning` where one runs already."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    paths.make_home()
    lock = lifecycle.lock()
    try:
        lock.acquire()
    except IndexBusy as error:
        raise lifecycle.AlreadyRunning() from error
    try:
        _start_log(to_terminal=to_terminal)
        _serve(config.load(), lock, ended, ready)
    finally:
        lock.release()


def _start_log(*, to_terminal: bool) -> None:
    try:
        logs.start()
    except OSError as error:
        raise PathInvalid(
            f"{paths.log_path()} cannot be written: {error.strerror}.",
            "Check the folder's permissions, or choose another with KEN_HOME.",
        ) from error
    if to_terminal:
        logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))


def _serve(
    settings: config.Config, lock: WriteLock, ended: threading.Event, ready: Callable[[], None] | None
) -> None:
    from app.daemon.parts import daemon_parts
    from app.daemon.server import Server

    sys.setswitchinterval(SWITCH_INTERVAL)
    log.info("ken %s begins as process %d", __version__, os.getpid())
    with daemon_parts(settings) as parts:
        server = Server(parts.library, parts.info, paths.socket_path())
        server.start()
        try:
            lock.note(socket=os.fspath(server.path))
            parts.start()
            if ready is not None:
                ready()
            # A daemon whose home or socket was removed serves nobody, and another one may have begun there.
            while lock.in_place and server.in_place and not ended.wait(HOME_INTERVAL):
                pass
            if not ended.is_set():
                log.warning("its home or its socket %s was removed", server.path)
        finally:
            server.stop()
    log.info("the daemon ends")


def _say_ready() -> None:
    _say(lifecycle.READY)
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


def _say(told: bytes) -> None:
    """To whoever started this process, where he is still there."""
    with contextlib.suppress(OSError):
        os.write(STDOUT, told)
