"""The machine loses power: the write-ahead log ends anywhere, or in nonsense, and the index mends itself."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from support.same_index import contents, fresh

from app.config import Config
from app.connect import local_library
from index.store.database import PAGE_SIZE
from index.store.store import Store
from tests.benchmarks.workload import Workload

POINTS = 6
CHECKPOINTED = 1000 * PAGE_SIZE
"""Bytes of a log that SQLite moves into the file by itself: such a log is synced first, and is never torn."""


def sync(index: Path, folder: Path) -> None:
    with local_library(Config(), index=index) as library:
        library.add([str(folder)])
        library.sync()


@pytest.fixture
def torn(tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A folder, and its index as it lay on the disk in the middle of things, much of it in the log."""
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    folder, index = tmp_path / "notes", tmp_path / "live" / "index.db"
    workload = Workload(folder, seed=5)
    sync(index, folder)
    with pytest.MonkeyPatch.context() as patch, local_library(Config(), index=index) as library:
        patch.setattr(Store, "wipe", lambda store, when: False)  # it would empty the log after each sync
        for _ in range(2):
            for _ in range(20):
                workload.step()
            library.sync()
        shutil.copytree(index.parent, tmp_path / "torn")
    return folder, tmp_path / "torn" / "index.db"


def test_a_log_that_ends_anywhere_or_in_nonsense_costs_nothing_but_time(
    torn: tuple[Path, Path], tmp_path: Path
) -> None:
    folder, index = torn
    log = index.with_name("index.db-wal").read_bytes()
    assert 100_000 < len(log) < CHECKPOINTED
    expected, chance = fresh(folder), random.Random(9)
    for point in [0, 16, 32, len(log), *(chance.randrange(len(log)) for _ in range(POINTS))]:
        for rest in {b"", chance.randbytes(min(5000, len(log) - point))}:
            home = tmp_path / f"after-{point}-{len(rest)}"
            home.mkdir()
            shutil.copy(index, home)
            (home / "index.db-wal").write_bytes(log[:point] + rest)
            sync(home / "index.db", folder)
            assert contents(home / "index.db") == expected, f"cut at byte {point} of {len(log)}"
