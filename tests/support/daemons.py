"""A real daemon with a tiny model, in a `KEN_HOME` of the test's own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.tiny_home import indexed_library, with_tiny_model
from support.tiny_model import make_tiny_checkpoint
from support.waiting import until

from app import paths
from app.api import Library, Status
from app.daemon import lifecycle
from app.daemon.client import remote_library


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose default model is tiny."""
    folder = tmp_path_factory.mktemp("models")
    make_tiny_checkpoint(folder / "embeddinggemma-300m")
    return folder


@pytest.fixture
def daemons(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemons]:
    """Starts and kills daemons; none is left behind."""
    monkeypatch.delenv("KEN_NO_DAEMON")
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    started = Daemons()
    yield started
    started.end()


@contextlib.contextmanager
def library_here_or_in_a_daemon(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, home: Path, folder: Path
) -> Iterator[Library]:
    """A library that has indexed a folder, for a fixture whose parameters are "here" and "daemon"."""
    if request.param == "here":
        with indexed_library(monkeypatch, home, folder) as library:
            yield library
        return
    with_tiny_model(monkeypatch, home)
    daemons: Daemons = request.getfixturevalue("daemons")
    daemons.start()
    daemons.keep(folder)
    yield daemons.library


class Daemons:
    def __init__(self) -> None:
        self.library = remote_library()

    def start(self) -> int:
        return lifecycle.start_daemon()

    def kill(self) -> None:
        """`kill -9`, and wait until the kernel has let go of its lock."""
        pid = lifecycle.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            until(lambda: lifecycle.pid() is None, what="the lock's release")

    def end(self) -> None:
        pid = lifecycle.pid()
        children = psutil.Process(pid).children(recursive=True) if pid else []
        self.kill()
        psutil.wait_procs(children, timeout=10)

    def keep(self, folder: Path) -> None:
        """Have `folder` indexed and watched."""
        self.library.add([str(folder)])
        self.library.sync()

    def settled(self) -> Status:
        """The status once nothing waits and nothing is being done."""

        def calm() -> Status | None:
            status = self.library.status()
            return status if status.pending == 0 and status.progress.phase == "idle" else None

        return until(calm, what="rest")

    def finds(self, query: str, name: str) -> bool:
        """Whether a search by words shows the file of that name."""
        answer = self.library.search(query, mode="words")
        return any(Path(hit.path).name == name and query in hit.text for hit in answer.hits)

    def embedded(self) -> int:
        """Passages embedded so far, as the log tells."""
        return sum(int(n) for n in re.findall(r"embedded (\d+)", paths.log_path().read_text()))
