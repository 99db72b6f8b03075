"""What goes wrong around the daemon: the disk, the settings of others, clients that misbehave."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.daemons import Daemons
from support.same_index import contents, fresh
from support.waiting import has_ended, until

from app import paths
from app.daemon import lifecycle
from app.daemon.client import daemon_info, remote_library
from app.daemon.connection import DaemonOutdated
from app.daemon.server import MAX_CONNECTIONS
from app.errors import DaemonError
from app.launch import module_command


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(10):
        (folder / f"note{number}.md").write_text(f"# Note {number}\n\nAbout subject{number}.\n")
    return folder


def connect() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(str(paths.socket_path()))
    connection.settimeout(10.0)
    return connection


def test_of_two_daemons_started_at_once_one_runs(daemons: Daemons) -> None:
    command = module_command("app.daemon")
    paths.make_home()
    several = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(4)]
    until(lambda: sum(process.poll() is None for process in several) == 1, what="one to be left")
    survivor = next(process for process in several if process.poll() is None)
    until(lambda: lifecycle.pid() == survivor.pid)
    assert [process.returncode for process in several if process is not survivor] == [0, 0, 0]
    lifecycle.stop_daemon()
    assert survivor.wait(timeout=10) == 0


def test_many_clients_starting_it_at_once_get_the_same_one(daemons: Daemons) -> None:
    started: list[int] = []
    threads = [threading.Thread(target=lambda: started.append(lifecycle.start_daemon())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 5 and len(set(started)) == 1


def test_the_socket_is_closed_to_others_and_gone_after_a_stop(daemons: Daemons) -> None:
    daemons.start()
    assert stat.S_IMODE(paths.socket_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.home().stat().st_mode) == 0o700
    assert lifecycle.stop_daemon()
    assert not paths.socket_path().exists()
    assert not lifecycle.stop_daemon()
    with pytest.raises(DaemonError):
        daemons.library.status()


def test_a_home_with_a_long_path_has_a_daemon_too(
    daemons: Daemons, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_HOME", str(tmp_path / ("long" * 30)))
    library = remote_library()
    lifecycle.start_daemon()
    assert library.status().daemon
    assert lifecycle.stop_daemon()


def test_a_daemon_of_another_release_is_told_apart(daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> None:
    daemons.start()
    monkeypatch.setattr("app.daemon.connection.__version__", "99.0")
    with pytest.raises(DaemonOutdated):
        daemons.library.status()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\xff\xfe" * 1000 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"id": 1}\n',
        b'{"id": true, "method": "status"}\n',
        b'{"id": 1, "method": "close"}\n',
        b'{"id": 1, "method": "__init__", "params": {}}\n',
        b'{"id": 1, "method": "search", "params": {"query": 7}}\n',
        b'{"id": 1, "method": "search", "params": {}}\n',
        b'{"id": 1, "method": "search", "params": {"query": "x", "limit": "many"}}\n',
        b'{"id": 1, "method": "search", "params": {"query": "x", "unheard": 1}}\n',
        b'{"id": 1, "method": "search", "params": []}\n',
    ],
)
def test_a_client_that_talks_nonsense_is_told_and_let_go(daemons: Daemons, nonsense: bytes) -> None:
    daemons.start()
    with connect() as connection, connection.makefile("rb") as lines:
        assert json.loads(lines.readline())["protocol"] == 1
        connection.sendall(nonsense)
        assert "error" in json.loads(lines.readline())
        assert lines.readline() == b""
    assert daemons.library.status().daemon


def test_an_endless_line_is_cut_off(daemons: Daemons) -> None:
    daemons.start()
    with connect() as connection, pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(100):
            connection.sendall(b"x" * (1 << 20))
    assert daemon_info().memory_mb < 300


def test_clients_that_hang_do_not_lock_others_out(daemons: Daemons) -> None:
    daemons.start()
    hanging = [connect() for _ in range(MAX_CONNECTIONS + 10)]
    for connection in hanging[::2]:
        with suppress(BrokenPipeError):  # of those that are too many
            connection.sendall(b'{"id": 1, "meth')

    def answered() -> bool:
        try:
            return daemons.library.status().daemon
        except DaemonError:
            return False

    until(answered, what="an answer")
    for connection in hanging:
        connection.close()


def test_a_client_that_floods_harms_nobody(daemons: Daemons, notes: Path) -> None:
    daemons.start()
    daemons.keep(notes)
    question = b'{"id": 1, "method": "status", "params": {}}\n'
    with connect() as flooding:
        flooding.setblocking(False)
        for _ in range(2000):
            try:
                flooding.send(question * 10)
            except BlockingIOError:
                break
        assert daemons.finds("subject3", "note3.md")
    assert daemons.finds("subject4", "note4.md")


def test_a_full_disk_is_told_and_recovered_from(daemons: Daemons, notes: Path) -> None:
    daemons.start()
    daemons.keep(notes)
    process = psutil.Process(lifecycle.pid())
    size = paths.index_path().with_name("index.db-wal").stat().st_size
    _limit_files(process, max(size, paths.index_path().stat().st_size))
    for number in range(40):
        (notes / f"more{number}.md").write_text(f"About plenty{number}. " + f"word{number} " * 2000)
    until(lambda: daemons.library.status().notices, what="the notice")
    assert daemons.finds("subject3", "note3.md")
    _limit_files(process, resource.RLIM_INFINITY)
    until(lambda: not daemons.library.status().notices, timeout=90.0, what="recovery")
    daemons.settled()
    daemons.library.sync()
    assert contents(paths.index_path()) == fresh(notes)


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """In a mount namespace of its own, where ken's home lies on a file system that is read-only."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    home = paths.make_home()
    mounted = f"mount --bind {home} {home} && mount -o remount,bind,ro {home} && "
    for command in ("daemon start", "daemon run", "index --no-daemon .", "search --no-daemon x"):
        ken = f'{sys.executable} -c "from app.cli import main; main()" {command}'
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", mounted + ken], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
        assert "unexpected" not in done.stderr and "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 3


def test_a_daemon_whose_home_is_removed_ends(daemons: Daemons) -> None:
    first = psutil.Process(daemons.start())
    shutil.rmtree(paths.home())
    second = daemons.start()
    assert second != first.pid and daemons.library.status().daemon
    until(lambda: has_ended(first), what="its end")
    assert daemons.library.status().daemon, "the first one took the second one's socket away"


def test_a_model_that_is_gone_is_told_and_waited_for(
    daemons: Daemons, notes: Path, tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    models.symlink_to(tiny_models)
    monkeypatch.setenv("KEN_MODELS", str(models))
    daemons.start()
    daemons.keep(notes)
    models.unlink()
    (notes / "later.md").write_text("About ocelots.\n")
    until(
        lambda: any("model is not here" in notice for notice in daemons.library.status().notices),
        what="notice",
    )
    assert daemons.finds("subject3", "note3.md")
    models.symlink_to(tiny_models)
    until(lambda: daemons.finds("ocelots", "later.md"), timeout=90.0)
    assert not daemons.settled().notices


def test_files_that_cannot_be_read_are_told(daemons: Daemons, notes: Path) -> None:
    (notes / "nul.md").write_bytes(b"\0" * 5000)
    (notes / "pipe.md").unlink(missing_ok=True)
    os.mkfifo(notes / "pipe.md")
    daemons.start()
    daemons.keep(notes)
    told = {Path(problem.path).name: problem.reason for problem in daemons.library.problems()}
    assert set(told) == {"nul.md", "pipe.md"} and all(told.values())
    assert daemons.finds("subject3", "note3.md")


def _limit_files(process: psutil.Process, size: int) -> None:
    """Stand in for a full disk: the kernel lets the daemon's files grow no further than this."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits of another process can only be set on Linux")
    hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))
