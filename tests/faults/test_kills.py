"""`kill -9` at any instant of a random workload: what the index is afterwards is what a fresh one would be.

KEN_KILLS=100 python -m pytest tests/faults
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from pathlib import Path

import psutil
from support.daemons import Daemons
from support.same_index import contents, fresh
from support.waiting import until

from app import paths
from app.daemon import lifecycle
from embedder.errors import EmbedderError
from tests.benchmarks.workload import Workload

KILLS = int(os.environ.get("KEN_KILLS", "5"))


def test_the_index_after_any_kill_equals_a_fresh_one(daemons: Daemons, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    workload = Workload(folder, seed=7)
    chance = random.Random(11)
    daemons.start()
    daemons.library.add([str(folder)])
    for number in range(KILLS):
        with workload.running():
            # A random instant is the point here: of scanning, reading, embedding or storing.
            time.sleep(chance.uniform(0.0, 2.0))
            daemons.kill()
        daemons.start()
        daemons.library.sync()
        assert contents(paths.index_path()) == fresh(folder), f"after kill {number + 1}"


def test_the_index_after_kills_of_what_the_daemon_started_equals_a_fresh_one(
    daemons: Daemons, tmp_path: Path
) -> None:
    """Readers and models, while changes are taken in: no kill of theirs ends the daemon or costs a file."""
    folder = tmp_path / "notes"
    folder.mkdir()
    workload = Workload(folder, seed=13)
    chance = random.Random(17)
    daemon = psutil.Process(daemons.start())
    daemons.keep(folder)
    killed = {"model_process": 0, "extract.worker": 0}
    with workload.running():
        for number in range(2 * KILLS):
            part = list(killed)[number % 2]
            # A model that was loaded is started again at once, one that never was only after a pause.
            until(lambda: daemons.library.search("river").mode == "hybrid", what="a model that is loaded")
            child = until(lambda part=part: _child(daemon, part), what=f"a process of {part}")
            time.sleep(chance.uniform(0.0, 0.3))
            with suppress(psutil.NoSuchProcess):
                child.kill()
                killed[part] += 1
    assert lifecycle.pid() == daemon.pid and all(killed.values())
    until(lambda: _level(daemons, folder), timeout=90.0, what="what a fresh index holds")
    assert not [problem for problem in daemons.library.problems() if problem.state == "failed"]


def _child(daemon: psutil.Process, part: str) -> psutil.Process | None:
    for child in daemon.children():
        with suppress(psutil.NoSuchProcess):  # ended, or killed and not collected yet
            if part in " ".join(child.cmdline()):
                return child
    return None


def _level(daemons: Daemons, folder: Path) -> bool:
    with suppress(EmbedderError):  # of a kill just now; it is tried again
        daemons.library.sync()
    return contents(paths.index_path()) == fresh(folder)


def test_the_index_after_a_busy_time_equals_a_fresh_one(daemons: Daemons, tmp_path: Path) -> None:
    """No kill, no sync asked for: events and their handling alone."""
    folder = tmp_path / "notes"
    folder.mkdir()
    workload = Workload(folder, seed=3)
    daemons.start()
    daemons.keep(folder)
    for _ in range(300):
        workload.step()

    def shown() -> set[str]:
        return set(contents(paths.index_path()))

    expected = set(fresh(folder))
    until(lambda: {path for path in shown() if Path(path).exists()} == expected, what="every event")
    daemons.library.sync()
    assert contents(paths.index_path()) == fresh(folder)
