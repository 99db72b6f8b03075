"""Opens the library for a front: the daemon's if it answers, else one in this process.

Owns that choice. Imports an implementation only when it is chosen.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from app.api import Library

if TYPE_CHECKING:
    from app.config import Config
    from app.library import Library as LocalLibrary


_IMPORTING = threading.Lock()
"""Held while what has circles in it, such as NumPy, is imported: two threads that do so at once may each find
the other's half."""


def open_library(*, daemon: bool = True, start: bool = True, purpose: str = "ken") -> Library:
    """The daemon's library if the daemon runs or may be started, else one in this process.

    `start`: start the daemon, unless the settings say `autostart = false`. `purpose` is shown to others who
    wait for this process to finish writing. `KEN_NO_DAEMON` means `daemon=False`. Raises `DaemonError` if the
    daemon does not start.
    """
    if not daemon or os.environ.get("KEN_NO_DAEMON"):
        return local_library(purpose=purpose)
    return _answering() or _daemon(start=start) or local_library(purpose=purpose)


def _answering() -> Library | None:
    """The daemon that answers, of this release; imports nothing that only starting one needs."""
    from app.daemon.client import remote_library
    from app.daemon.connection import DaemonAbsent, DaemonOutdated, greet

    try:
        greet()
    except (DaemonAbsent, DaemonOutdated):
        return None
    return remote_library()


def _daemon(*, start: bool) -> Library | None:
    from app.daemon.lifecycle import connect

    return connect(start=start)


def local_library(
    config: Config | None = None, *, index: Path | None = None, purpose: str = "ken"
) -> LocalLibrary:
    """The library in this process, over the user's index unless another is given.

    Each part is opened when it is first needed.
    """
    from app import paths

    with _IMPORTING:
        from app.config import load
        from app.library import Library as LocalLibrary
        from app.model import Model
        from app.open_index import OpenIndex
        from app.sync.writer import CommandWriter

    settings = config or load()
    model = Model(settings.model)
    opened = OpenIndex(index or paths.index_path())
    return LocalLibrary(settings, opened, CommandWriter(opened, model, settings.reading, purpose), model)


def index_is_older() -> bool:
    """Whether an earlier release wrote the index: opening it migrates it first, which may take a while."""
    from app import paths

    with _IMPORTING:
        from index.store.database import needs_migration

    return needs_migration(paths.index_path())
