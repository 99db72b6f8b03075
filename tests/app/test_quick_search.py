"""The short way of `ken search --json`: the same answer by few imports, and what is left to the long way."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.daemons import Daemons, daemons, tiny_models
from support.terminal import COMMAND
from support.tiny_home import ken_json, notes

from app import paths, quick_search
from app.daemon import connection
from app.errors import DaemonError

__all__ = ["daemons", "tiny_models"]

LONG = (sys.executable, "-P", "-c", "from app.cli import main; main()")
SLOW = {"click", "typing", "dataclasses", "inspect", "app.api", "app.cli", "app.query", "index.types"}


def run(
    start: tuple[str, ...], *arguments: str | bytes, cwd: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    top = str(Path(__file__).resolve().parents[2])
    return subprocess.run(
        [*start, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
        env={**os.environ, "PYTHONPATH": top, **more},
    )  # fmt: skip


@pytest.fixture
def folder(daemons: Daemons, tmp_path: Path) -> Path:
    folder = notes(
        tmp_path / "notes",
        garden__md="# Garden\n\nThe pear tree “in the yard”.\n",
        kitchen__txt="A pear and a quince.\n",
    )
    daemons.start()
    ken_json("index", folder)
    return folder


def test_it_prints_what_the_long_way_prints(folder: Path) -> None:
    for words in (
        ["pear"], ["pear", "tree", "-n", "1"], ["--limit", "2", "“pear”"], ["in:notes", "pear"], ["type:md"],
        ["nothing-of-the-kind"], ["pear \udcff"], ["pear", "/t.ee/"], ["x" * 5000], ["type:nothing"], ["OR"],
    ):  # fmt: skip
        arguments = ["search", "--json", *map(os.fsencode, words)]
        short, long = (run(start, *arguments, cwd=folder.parent) for start in (COMMAND, LONG))
        assert (short.returncode, short.stderr) == (long.returncode, long.stderr), words
        told = [json.loads(done.stdout or "{}") for done in (short, long)]
        for one in told:
            one.pop("took_ms", None)
        assert told[0] == told[1], words


def test_it_imports_little(folder: Path) -> None:
    script = COMMAND[3].replace("k.main()", "k.main(); print(*sys.modules, file=sys.stderr)")
    done = run((*COMMAND[:3], script), "search", "pear", "--json", cwd=folder)
    modules = set(done.stderr.split())
    assert json.loads(done.stdout)["hits"] and "app.daemon.connection" in modules
    assert not modules & SLOW


def test_what_reads_it_may_leave_and_a_full_disk_is_told(folder: Path) -> None:
    words = shlex.join((*COMMAND, "search", "pear", "--json"))

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd=folder)

    left = shell(f"{words} | true; echo ${{PIPESTATUS[0]}}")
    assert (left.stdout, left.stderr) == ("0\n", "")
    closed = shell(f"{words} >&-")
    assert (closed.returncode, closed.stderr) == (0, "")
    if Path("/dev/full").exists():
        full = shell(f"{words} >/dev/full")
        assert full.returncode == 1 and "No space left" in full.stderr and "Traceback" not in full.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["search"], ["search", "--json"], ["search", "pear"], ["search", "pear", "--json", "--explain"],
        ["search", "pear", "--json", "-draft"], ["search", "--json", "--", "pear"], ["status", "--json"],
        ["search", "pear", "--json", "-n", "0"], ["search", "pear", "--json", "-n", "x"],
        ["search", "pear", "--json", "-n"], ["search", "pear", "--json", "-n", "99999999999999999999"],
        ["search", "pear", "--json", "-n", "²"],
    ],
)  # fmt: skip
def test_all_else_goes_the_long_way(arguments: list[str], home: Path) -> None:
    assert quick_search.quick_answer(arguments) is None


def test_without_a_daemon_or_with_one_that_is_not_wanted_it_goes_the_long_way(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    assert quick_search.quick_answer(["search", "pear", "--json"]) is None
    monkeypatch.delenv("KEN_NO_DAEMON")
    assert quick_search.quick_answer(["search", "pear", "--json"]) is None


def test_a_daemon_that_hangs_is_waited_for_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    monkeypatch.delenv("KEN_NO_DAEMON")
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(paths.socket_path()))
        listener.listen()
        with pytest.raises(connection.DaemonSilent):
            quick_search.quick_answer(["search", "pear", "--json"])


@pytest.mark.parametrize("more", [{"library": 1}, {"limit": "1"}, {"folder": None}, {"typed": ["pear"]}])
def test_what_the_daemon_does_not_expect_is_refused(folder: Path, more: dict[str, object]) -> None:
    with pytest.raises(DaemonError, match="was sent"):
        connection.exchange(None, "search_json", {"typed": "pear", "folder": "/", **more})
