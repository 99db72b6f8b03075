"""Fixtures every test shares. No test sees the machine it runs on: home, configuration, index, models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REAL_MODELS = os.environ.get("KEN_MODELS", "")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty KEN_HOME (and HOME) of the test's own."""
    ken_home = tmp_path / "ken-home"
    monkeypatch.setenv("KEN_HOME", str(ken_home))
    monkeypatch.delenv("KEN_MODELS", raising=False)
    monkeypatch.setenv("KEN_OFFLINE", "1")
    monkeypatch.setenv("KEN_NO_DAEMON", "1")
    monkeypatch.setenv("HOME", str(tmp_path / "user-home"))
    return ken_home


@pytest.fixture
def real_models(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched models that KEN_MODELS named when the run began; skips without one."""
    folder = Path(REAL_MODELS) if REAL_MODELS else None
    if folder is None or not folder.is_dir():
        pytest.skip("KEN_MODELS names no folder with the real checkpoint")
    monkeypatch.setenv("KEN_MODELS", str(folder))
    return folder
