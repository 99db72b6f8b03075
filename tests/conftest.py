"""Fixtures every test shares. No test sees the machine it runs on: home, configuration, index, models."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

# NumPy reads it when it is imported. Its threads wait in a loop, on processors that other tests need.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

STARTS = re.compile(
    r"\b(?:subprocess|import mlx|ReaderPool|daemons|tiny_models|tiny_model|pilots|tiny_home|driven_library"
    r"|ken_process|embedding_server|dying_model|failing_reads|disks|faulty_vfs|support\.terminal)\b"
)
"""What a module's source names if its tests start a process, the model or the interface."""

LANE_SECONDS = 2.0
"""Seconds of a processor from which a test is told to be too slow for the fast lane."""
BEGUN, SPENT = pytest.StashKey[float](), "seconds of a processor"

REAL_MODELS = os.environ.get("KEN_MODELS", "")


def starts_something(module: Path) -> bool:
    return bool(STARTS.search(module.read_text(encoding="utf-8")))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """For the fast lane, modules without a test in it are not even imported."""
    if config.option.markexpr != "not slow" or not collection_path.match("test_*.py"):
        return None
    in_lane = "mark.fast" in collection_path.read_text(encoding="utf-8")
    return True if starts_something(collection_path) and not in_lane else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = {module for module in {item.path for item in items} if starts_something(module)}
    for item in items:
        if item.get_closest_marker("model") or (item.path in slow and not item.get_closest_marker("fast")):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end, so that no collection of garbage walks over it."""
    gc.freeze()


def processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[BEGUN] = processor_seconds()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    if call.when == "call":
        item.user_properties.append((SPENT, processor_seconds() - item.stash[BEGUN]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which tests of the fast lane are no longer fast."""
    reports = [one for one in terminalreporter.getreports("passed") if "slow" not in one.keywords]
    told = [(dict(one.user_properties).get(SPENT, 0.0), one.nodeid) for one in reports]
    if too_slow := sorted((one for one in told if one[0] >= LANE_SECONDS), reverse=True):
        terminalreporter.section(f"too slow for the fast lane ({SPENT}): @pytest.mark.slow")
        for seconds, name in too_slow:
            terminalreporter.line(f"{seconds:6.1f}  {name}")


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
