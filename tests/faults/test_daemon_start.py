"""Starting, finding and ending the daemon where something is in the way: what a person is told is true."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.daemons import Daemons
from support.ken_process import is_titled, ken
from support.waiting import until

from app import paths
from app.daemon import lifecycle
from app.errors import DaemonCannotRun, DaemonError

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(sys.argv[2])
file.flush()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's."""
    folder = Path(tempfile.mkdtemp(prefix="k", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def long_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose path is too long for a socket."""
    home = tmp_path / ("long" * 30)
    monkeypatch.setenv("KEN_HOME", str(home))
    return home


def test_a_home_that_cannot_be_written_is_named_and_a_running_daemon_left_alone(daemons: Daemons) -> None:
    assert ken("daemon", "start").returncode == 0
    running = lifecycle.pid()
    paths.home().chmod(0o500)
    try:
        restarted = ken("daemon", "restart")
        assert is_titled(restarted) and str(paths.home()) in restarted.stderr
        assert lifecycle.pid() == running and daemons.library.status().daemon
        assert ken("daemon", "stop").returncode == 0
        for words in ("daemon start", "daemon restart", "daemon run", "search x"):
            done = ken(*words.split())
            assert is_titled(done) and str(paths.home()) in done.stderr
        stopped = ken("daemon", "stop")
        assert (stopped.returncode, stopped.stderr) == (0, "No daemon was running.\n")
    finally:
        paths.home().chmod(0o700)
    assert ken("daemon", "start").returncode == 0, "the socket it could not take away is in the way"


@pytest.mark.parametrize("kind", ["file", "folder", "link", "fifo"])
def test_what_is_in_the_sockets_place_is_named_and_left_alone(
    daemons: Daemons, tmp_path: Path, kind: str
) -> None:
    place = paths.make_home() / "daemon.sock"
    target = tmp_path / "target"
    target.write_text("mine")
    make = {
        "file": lambda: place.write_text("mine"),
        "folder": place.mkdir,
        "link": lambda: place.symlink_to(target),
        "fifo": lambda: os.mkfifo(place),
    }
    make[kind]()
    done = ken("daemon", "start")
    assert is_titled(done) and str(place) in done.stderr
    assert place.lstat() and target.read_text() == "mine"
    assert lifecycle.pid() is None


def test_a_setting_that_is_not_understood_is_told_by_whoever_starts_it(daemons: Daemons) -> None:
    daemons.start()
    (paths.home() / "config.toml").write_text("[daemon]\nnice = 'very'\n")
    restarted = ken("daemon", "restart")
    assert is_titled(restarted) and "nice" in restarted.stderr
    assert daemons.library.status().daemon
    daemons.kill()
    started = ken("daemon", "start")
    assert is_titled(started) and "nice" in started.stderr


def test_a_socket_that_a_killed_daemon_left_is_in_nobodys_way(daemons: Daemons) -> None:
    first = daemons.start()
    daemons.kill()
    assert paths.socket_path().exists() and lifecycle.pid() is None
    with pytest.raises(DaemonError, match="No daemon is running"):
        daemons.library.status()
    assert daemons.start() != first


def test_a_daemon_whose_socket_was_removed_ends(daemons: Daemons) -> None:
    process = psutil.Process(daemons.start())
    paths.socket_path().unlink()
    until(lambda: lifecycle.pid() is None, what="its end")
    assert daemons.start() != process.pid and daemons.library.status().daemon


@pytest.mark.parametrize("named", [True, False])
def test_a_lock_that_another_program_holds_ends_no_process(daemons: Daemons, named: bool) -> None:
    """The file names a process that has nothing to do with ken, or none."""
    lock = paths.make_home() / "daemon.lock"
    with (
        subprocess.Popen(["sleep", "1000"]) as innocent,
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(lock), f'{{"pid": {innocent.pid}}}' if named else ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder,
    ):
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        for call in (lifecycle.stop_daemon, lifecycle.start_daemon, lifecycle.restart):
            with pytest.raises(DaemonCannotRun) as raised:
                call()
            assert str(lock) in raised.value.what
        assert innocent.poll() is None and holder.poll() is None
        innocent.kill()
        holder.kill()
    daemons.start()


def test_a_number_that_a_killed_daemon_left_counts_for_nothing(daemons: Daemons) -> None:
    with subprocess.Popen(["sleep", "1000"]) as innocent:
        (paths.make_home() / "daemon.lock").write_text(f'{{"pid": {innocent.pid}}}')
        assert not lifecycle.stop_daemon()
        assert daemons.start() != innocent.pid
        assert lifecycle.stop_daemon()
        assert innocent.poll() is None
        innocent.kill()


def test_a_daemon_is_found_from_another_environment(
    daemons: Daemons, long_home: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that the system started at login is from cron, sudo or ssh."""
    started = ken("daemon", "start", XDG_RUNTIME_DIR=str(short))
    assert started.returncode == 0, started.stderr
    assert list(short.glob("ken-*/*.sock"))
    for runtime in (None, str(short), "/nowhere"):
        done = ken("daemon", "status", "--json", XDG_RUNTIME_DIR=runtime)
        assert f'"pid": {lifecycle.pid()}' in done.stdout, done.stderr
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert daemons.library.status().daemon
    assert ken("daemon", "stop", XDG_RUNTIME_DIR=None).returncode == 0
    assert not list(short.glob("ken-*/*.sock"))


def link(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def open_to_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def file(folder: Path) -> None:
    folder.write_text("mine")


def of_another(folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives folders away")
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize("squat", [link, open_to_all, file, of_another])
def test_a_folder_for_the_socket_that_is_not_this_users_alone_is_refused(
    daemons: Daemons, long_home: Path, short: Path, squat: object
) -> None:
    folder = short / f"ken-{os.geteuid()}"
    assert callable(squat)
    squat(folder)
    done = ken("daemon", "start", XDG_RUNTIME_DIR=str(short))
    assert is_titled(done) and str(folder) in done.stderr
    assert lifecycle.pid() is None and not list(short.rglob("*.sock"))


def test_a_folder_for_the_socket_is_closed_to_others(daemons: Daemons, long_home: Path, short: Path) -> None:
    before = os.umask(0)
    try:
        assert ken("daemon", "start", XDG_RUNTIME_DIR=str(short)).returncode == 0
    finally:
        os.umask(before)
    (folder,) = short.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_daemon_that_is_stopped_is_told_and_can_be_ended(daemons: Daemons) -> None:
    """SIGSTOP, as of a debugger or a machine out of memory."""
    process = daemons.start()
    os.kill(process, signal.SIGSTOP)
    for words in ("search x", "status", "daemon status", "daemon start"):
        done = ken(*words.split(), timeout=30, KEN_NO_DAEMON=None)
        assert is_titled(done) and "does not answer" in done.stderr
    restarted = ken("daemon", "restart")
    assert restarted.returncode == 0 and f"(process {lifecycle.pid()})" in restarted.stderr
    assert lifecycle.pid() != process and daemons.library.status().daemon


def test_a_daemon_that_ends_while_it_starts_says_how(
    daemons: Daemons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif sys.orig_argv[-1] == 'app.daemon': os.kill(os.getpid(), 11)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = ken("daemon", "start")
    assert is_titled(done) and "SIGSEGV" in done.stderr
