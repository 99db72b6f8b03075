"""The daemon's process, from start to end."""

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
from app.daemon.wire import error_message
from app.errors import TITLED_ERRORS
from app.lock import WriteLock
from index.errors import IndexBusy
from index.macos import fetch_nothing

log = logging.getLogger(__name__)

STDOUT = 1

HOME_INTERVAL = 5.0
"""Seconds between two checks that ken's home and the socket still exist."""
SWITCH_INTERVAL = 0.001
"""Seconds that a thread may keep the interpreter: a query waits for it five times."""


def main() -> int:
    """Run the daemon; returns the exit status: 0 after a stop or if another daemon runs, 1 if it cannot run.

    Standard output goes to the process that started this one: see `lifecycle.READY`.
    """
    try:
        run(_send_ready)
    except lifecycle.AlreadyRunning:
        return lifecycle.LOST
    except TITLED_ERRORS as error:
        log.error("%s: %s %s", error.title, error.what, error.fix)
        _send_to_parent(json.dumps(error_message(error)).encode())
        return 1
    return 0


def run(ready: Callable[[], None] | None = None, *, to_terminal: bool = False) -> None:
    """Run the daemon until SIGTERM or SIGINT; calls `ready` when it serves. Raises titled errors, and
    `AlreadyRunning` if one runs already."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    paths.make_home()
    fetch_nothing()
    lock = lifecycle.lock()
    try:
        lock.acquire()
    except IndexBusy as error:
        raise lifecycle.AlreadyRunning() from error
    try:
        logs.start()
        if to_terminal:
            logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
        _serve(config.load(), lock, ended, ready)
    finally:
        lock.release()


def _serve(
    settings: config.Config, lock: WriteLock, ended: threading.Event, ready: Callable[[], None] | None
) -> None:
    from app.daemon.parts import daemon_parts
    from app.daemon.server import Server

    sys.setswitchinterval(SWITCH_INTERVAL)
    log.info("ken %s starts as process %d", __version__, os.getpid())
    with daemon_parts(settings) as parts:
        server = Server(parts.library, parts.info, paths.socket_path())
        server.start()
        try:
            lock.note(socket=os.fspath(server.path))
            parts.start()
            if ready is not None:
                ready()
            # Without its home or socket the daemon serves no client, and another one may have started there.
            while lock.in_place and server.in_place and not ended.wait(HOME_INTERVAL):
                pass
            if not ended.is_set():
                log.warning("the home or the socket %s was removed", server.path)
        finally:
            server.stop()
    log.info("the daemon ends")


def _send_ready() -> None:
    _send_to_parent(lifecycle.READY)
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)


def _send_to_parent(message: bytes) -> None:
    """Write to the process that started this one, if it still runs."""
    with contextlib.suppress(OSError):
        os.write(STDOUT, message)
