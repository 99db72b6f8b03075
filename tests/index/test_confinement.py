"""A reader can do nothing but read: each thing a hostile file could want is tried in a real one."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import documents
from support.escaping import Escaping, Lacking, attempts
from support.sound import bytes_counter

from index.errors import FileSkipped
from index.extract import ReaderPool, confinement_check, landlock, seatbelt, seccomp

LINUX = pytest.mark.skipif(
    sys.platform != "linux" or not seccomp.usable(), reason="Linux's means of confinement"
)
LANDLOCK = pytest.mark.skipif(sys.platform != "linux" or not landlock.version(), reason="no Landlock here")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "secret.md").write_text("the secret")
    (tmp_path / "note.md").write_text("# Note\n\nwords\n")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "daemon.sock"))
        server.listen()
        yield tmp_path


@pytest.fixture(autouse=True)
def code_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("HF_TOKEN", "hf_not_for_readers")
    monkeypatch.setenv("EXAMPLE_API_KEY", "not_for_readers")


IN_ODD_ENCODINGS = {
    "japanese.txt": "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。".encode("euc_jp") * 3,
    "russian.txt": "Все счастливые семьи похожи друг на друга.".encode("koi8-r") * 3,
    "wide.txt": "Eine Notiz über Zürich.".encode("utf-16"),
    "page.html": '<meta charset="iso-8859-2"><p>Zażółć gęślą jaźń</p>'.encode("iso-8859-2"),
}
"""Read with codecs that are imported when they are met."""


def escape(folder: Path, without: str = "") -> dict[str, list[str]]:
    """What a reader could do, and the variables it saw."""
    with ReaderPool(1) as pool, pytest.raises(FileSkipped) as told:
        pool.read(str(folder / "note.md"), Escaping(bytes_counter, folder=folder, without=without))
    found: dict[str, list[str]] = json.loads(told.value.what)
    return found


@LANDLOCK
def test_a_reader_can_do_nothing_but_read(folder: Path) -> None:
    before = sorted(os.listdir(folder))  # noqa: PTH208
    assert escape(folder) == {"possible": [], "environment": []}
    assert sorted(os.listdir(folder)) == before  # noqa: PTH208
    assert (folder / "secret.md").read_text() == "the secret"


@LINUX
def test_without_landlock_a_reader_can_open_files_to_read_and_nothing_else(folder: Path) -> None:
    files = {"read other files", "read", "list", "environment of the parent", "memory of the parent"}
    assert set(escape(folder, without="Landlock")["possible"]) <= files


@LANDLOCK
def test_without_seccomp_files_and_processes_are_out_of_reach(folder: Path) -> None:
    held = {"read other files", "write files", "read", "list", "create", "unlink", "exec", "reopen",
            "environment of the parent", "memory of the parent", "ptrace"}  # fmt: skip
    if landlock.version() >= 6:
        held |= {"kill", "signal other processes"}
    assert not held & set(escape(folder, without="seccomp")["possible"])


@LINUX
@pytest.mark.parametrize("without", ["", "Landlock", "seccomp"])
def test_every_format_is_read_by_a_confined_reader(tmp_path: Path, without: str) -> None:
    with ReaderPool(1) as pool:
        for name, data in {**documents.every(), **IN_ODD_ENCODINGS}.items():
            (tmp_path / name).write_bytes(data)
            read = pool.read(str(tmp_path / name), Lacking(bytes_counter, without=without))
            assert read.passages or read.document.catalog, name


def test_what_is_tried_is_possible_where_nothing_confines(folder: Path) -> None:
    """Else the tests above would show nothing."""
    done = confinement_check.possible()
    for name in ("read", "list", "create", "write", "mkdir", "fork", "socket of the daemon"):
        attempts(folder)[name]()
        done.append(name)
    assert set(confinement_check.ATTEMPTS) <= set(done)


@LINUX
def test_doctor_says_by_what_readers_are_confined() -> None:
    checked = confinement_check.check()
    assert checked.possible == ()
    assert "seccomp" in checked.means


def test_the_memory_watch_is_confined_too(folder: Path) -> None:
    """Threads that run already must not be a way out."""
    note = str(folder / "note.md")
    with ReaderPool(1) as pool:
        pool.read(note)
        process = pool._idle[0]._process.pid
        tasks = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/status")]
        environment = Path(f"/proc/{process}/environ").read_bytes()
    assert len(tasks) == 2
    assert all("\nSeccomp:\t2\n" in task and "\nNoNewPrivs:\t1\n" in task for task in tasks)
    assert b"not_for_readers" not in environment
    assert environment.count(b"=") <= 3


class FakeSandbox:
    """Stands for macOS's library: remembers what it was called with."""

    def __init__(self, result: int) -> None:
        self.result = result
        self.profile = b""

    def sandbox_init(self, profile: bytes, flags: ctypes.c_uint64, error: object) -> int:
        assert flags.value == 0
        self.profile = profile
        return self.result


def test_macos_is_asked_to_deny_everything_but_reading_code(tmp_path: Path) -> None:
    sandbox = FakeSandbox(0)
    odd = tmp_path / 'a "quoted" \\ name'
    seatbelt.restrict([str(odd)], sandbox)
    lines = sandbox.profile.decode().splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert not any(word in sandbox.profile for word in (b"network", b"file-write", b"process-", b"mach-"))
    quoted = str(odd.resolve()).replace("\\", "\\\\").replace('"', '\\"')
    assert f'(subpath "{quoted}")' in lines[-1] and '(subpath "/usr/lib")' in lines[-1]
    assert sandbox.profile.count(b"(") == sandbox.profile.count(b")")


def test_what_macos_refuses_is_told() -> None:
    with pytest.raises(OSError, match="sandbox_init failed"):
        seatbelt.restrict([], FakeSandbox(-1))
