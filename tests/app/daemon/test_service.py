"""What the system is told to start at login."""

from __future__ import annotations

import configparser
import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from app import paths
from app.daemon import service
from app.errors import DaemonError
from app.launch import module_command


def test_the_launchd_agent_starts_this_ken_and_only_after_a_crash_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_MODELS", "/models & <more>")
    agent = plistlib.loads(service.launchd_agent())
    assert agent["ProgramArguments"] == module_command("app.daemon")
    assert agent["EnvironmentVariables"]["KEN_HOME"] == str(paths.home())
    assert agent["EnvironmentVariables"]["KEN_MODELS"] == "/models & <more>"
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["Label"] == service.label()
    assert agent["ProcessType"] == "Interactive"


def test_the_systemd_unit_takes_odd_paths_as_they_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEN_MODELS", '/odd "models" 100%')
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    text = service.systemd_unit().decode()
    unit.read_string(text)
    assert unit["Service"]["ExecStart"] == " ".join(f'"{word}"' for word in module_command("app.daemon"))
    assert unit["Service"]["Restart"] == "on-failure"
    assert r'Environment="KEN_MODELS=/odd \"models\" 100%%"' in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_itself_finds_nothing_wrong_with_the_unit(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_MODELS", '/odd "models" $HOME 100%')
    unit = tmp_path / "ken-search.service"
    unit.write_bytes(service.systemd_unit())
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_home_has_a_service_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = service.label()
    monkeypatch.setenv("KEN_HOME", str(home) + "-2")
    assert service.label() != first
    monkeypatch.delenv("KEN_HOME")
    assert service.label() == "ken-search"


def test_nothing_is_left_where_the_system_refuses(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert shutil.which("systemctl") is None
    with pytest.raises(DaemonError):
        service.install()
    assert not service.service_path().exists()
    assert not service.uninstall()
