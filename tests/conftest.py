"""Fixtures every test shares. No test sees the machine it runs on: home, configuration, index, models."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SLOW = (
    "tests/app/daemon/",
    "tests/app/model_process/",
    "tests/app/test_demo_command.py",
    "tests/app/test_demo_questions.py",
    "tests/app/test_disk_names.py",
    "tests/app/test_disks.py",
    "tests/app/test_failing_reads.py",
    "tests/app/test_grep.py",
    "tests/app/test_kinds.py",
    "tests/app/test_listing.py",
    "tests/app/test_mcp_arguments.py",
    "tests/app/test_nothing_left.py",
    "tests/app/test_one_bad_file.py",
    "tests/app/test_pictures.py",
    "tests/app/test_query_language.py",
    "tests/app/test_reembedding.py",
    "tests/app/test_watcher.py",
    "tests/app/test_withheld_everywhere.py",
    "tests/app/test_without_model.py",
    "tests/app/tui/test_actions.py",
    "tests/app/tui/test_colours.py",
    "tests/app/tui/test_list_keys.py",
    "tests/app/tui/test_snapshots.py",
    "tests/app/tui/test_terminal_keys.py",
    "tests/app/tui/test_terminal_life.py",
    "tests/app/test_zotero.py",
    "tests/embedder/test_download_registry.py",
    "tests/embedder/test_gemma.py",
    "tests/embedder/test_native_engine.py",
    "tests/embedder/test_served_engine.py",
    "tests/faults/",
    "tests/index/test_copies.py",
    "tests/index/test_credentials.py",
    "tests/index/test_fuzz.py",
    "tests/index/test_hostile_values.py",
    "tests/index/test_ignore_rules.py",
    "tests/index/test_maintenance.py",
    "tests/index/test_reader_answers.py",
    "tests/index/test_reader_pool.py",
    "tests/test_installed.py",
)
"""Modules, or folders of them, that take more than three seconds of a processor: they start daemons, wait
for the system's events, press many keys, draw pictures or read thousands of odd files."""

REAL_MODELS = os.environ.get("KEN_MODELS", "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = [name for name in SLOW if not (config.rootpath / name).exists()]
    assert not missing, f"the list of slow modules names {missing}"
    for item in items:
        if item.path.relative_to(config.rootpath).as_posix().startswith(SLOW):
            item.add_marker("slow")


def isolate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Hide the machine's own home, models and daemon behind `folder`. Returns the KEN_HOME in it."""
    ken_home = folder / "ken-home"
    monkeypatch.setenv("KEN_HOME", str(ken_home))
    monkeypatch.delenv("KEN_MODELS", raising=False)
    monkeypatch.setenv("KEN_OFFLINE", "1")
    monkeypatch.setenv("KEN_NO_DAEMON", "1")
    monkeypatch.setenv("HOME", str(folder / "user-home"))
    return ken_home


@pytest.fixture(autouse=True, scope="session")
def no_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures of a module or a run see, which are set up before a test has a home."""
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, tmp_path_factory.mktemp("no-home"))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty KEN_HOME (and HOME) of the test's own."""
    return isolate(monkeypatch, tmp_path)


@pytest.fixture
def real_models(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched models that KEN_MODELS named when the run began; skips without one."""
    folder = Path(REAL_MODELS) if REAL_MODELS else None
    if folder is None or not folder.is_dir():
        pytest.skip("KEN_MODELS names no folder with the real checkpoint")
    monkeypatch.setenv("KEN_MODELS", str(folder))
    return folder
