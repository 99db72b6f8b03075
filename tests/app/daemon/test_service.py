"""What the system is told to start at login."""

from __future__ import annotations

import configparser
import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import paths
from app.cli.maintain import started_at_login
from app.daemon import service
from app.errors import DaemonError
from app.launch import module_command

pytestmark = pytest.mark.fast


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
    assert agent["MaterializeDatalessFiles"] is False


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


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_a_service_whose_python_is_gone_is_told(
    platform: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.daemon.service.sys.platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    paths.make_home()
    assert service.program() is None and not started_at_login()
    python = tmp_path / "100% $odd" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    service.service_path().parent.mkdir(parents=True)
    agent = service.launchd_agent() if platform == "darwin" else service.systemd_unit()
    service.service_path().write_bytes(agent)
    assert service.program() == str(python)
    assert [check.sound for check in started_at_login()] == [True]
    python.unlink()
    assert [(check.sound, check.fix) for check in started_at_login()] == [
        (False, "Run `ken daemon install` again.")
    ]


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


LAUNCHCTL = """#!/bin/sh
# launchd: for some seconds after it let go of an agent it refuses the next one; over ssh it has no gui.
echo "$1 $2" >> "$LAUNCHD/calls"
case "$1" in
bootout) rm "$LAUNCHD/loaded" 2> /dev/null || exit 3;;
bootstrap)
    case "$2" in gui/*) [ -e "$LAUNCHD/no-gui" ] && exit 125;; esac
    if [ -s "$LAUNCHD/busy" ]; then
        rest=$(tail -n +2 "$LAUNCHD/busy")
        printf %s "$rest" > "$LAUNCHD/busy"
        echo "Bootstrap failed: 5: Input/output error" >&2
        exit 5
    fi
    [ -e "$LAUNCHD/loaded" ] && exit 37
    touch "$LAUNCHD/loaded";;
esac
"""


@pytest.fixture
def launchd(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds what a stand-in for launchd knows."""
    folder = tmp_path / "launchd"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "launchctl").write_text(LAUNCHCTL)
    (folder / "bin" / "launchctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("LAUNCHD", str(folder))
    monkeypatch.setattr("app.daemon.service.sys.platform", "darwin")
    monkeypatch.setattr(service, "BOOTSTRAP_STEP", 0.0)
    return folder


def test_an_agent_can_be_installed_again_although_launchd_is_still_letting_go(launchd: Path) -> None:
    service.install()
    (launchd / "busy").write_text("1\n2\n3\n")
    path = service.install()
    assert (launchd / "loaded").exists() and path.exists()


def test_an_agent_that_worked_is_kept_where_the_next_one_is_refused(
    launchd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = service.install()
    before = path.read_bytes()
    monkeypatch.setattr(service, "BOOTSTRAP_SECONDS", 0.0)
    monkeypatch.setenv("KEN_MODELS", "/elsewhere")
    (launchd / "busy").write_text("1\n" * 100)
    with pytest.raises(DaemonError, match="Input/output"):
        service.install()
    assert path.read_bytes() == before


def test_an_agent_is_installed_over_ssh(launchd: Path) -> None:
    (launchd / "no-gui").touch()
    service.install()
    assert f"bootstrap user/{os.getuid()}" in (launchd / "calls").read_text()
    assert service.uninstall() and not (launchd / "loaded").exists()
