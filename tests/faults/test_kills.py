"""`kill -9` at any instant of a random workload: what the index is afterwards is what a fresh one would be.

KEN_KILLS=100 python -m pytest tests/faults
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from support.daemons import Daemons
from support.same_index import contents, fresh
from support.waiting import until

from app import paths
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
