"""The daemon's process from its first breath to its last."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from app import __version__, config, paths
from app import log as logs
from app.daemon import lifecycle
from app.errors import TITLED_ERRORS
from app.lock import WriteLock
from index.errors import IndexBusy

log = logging.getLogger(__name__)

HOME_INTERVAL = 5.0
"""Seconds between two looks whether its home is still there."""
SWITCH_INTERVAL = 0.001
"""Seconds a thread may keep the interpreter: a question that waits for it five times waits 5 ms, not 25."""


def main() -> int:
    """The exit status: 0 after a stop or where another daemon runs, 1 where it cannot run."""
    try:
        run()
    except lifecycle.AlreadyRunning:
        return 0
    except TITLED_ERRORS as error:
        logging.getLogger(__name__).error("%s: %s %s", error.title, error.what, error.fix)
        return 1
    return 0


def run(*, to_terminal: bool = False) -> None:
    """Be the daemon until SIGTERM or SIGINT; raises `DaemonError` where one runs already."""
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
        logs.start()
        if to_terminal:
            logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
        _serve(config.load(), lock, ended)
    finally:
        lock.release()


def _serve(settings: config.Config, lock: WriteLock, ended: threading.Event) -> None:
    from app.daemon.hosted import HostedLibrary
    from app.daemon.server import Server

    sys.setswitchinterval(SWITCH_INTERVAL)
    log.info("ken %s begins as process %d", __version__, os.getpid())
    with HostedLibrary(settings) as library:
        server = Server(library, paths.socket_path())
        server.start()
        try:
            library.start()
            while lock.in_place and not ended.wait(HOME_INTERVAL):
                """A daemon whose home was removed serves nobody: another one may have begun there."""
        finally:
            server.stop()
    log.info("the daemon ends")
