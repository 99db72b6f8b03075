"""Paths, settings, safe text, the write lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import config, paths
from app.errors import ConfigInvalid, PathInvalid, refused_by_system
from app.lock import WriteLock, holder
from app.sanitize import clip, plain, plain_line, plain_path, width
from embedder.engines.base import ENGINES
from embedder.engines.server_address import ServerAddress
from index.errors import IndexBusy

pytestmark = pytest.mark.fast


def test_everything_lies_in_ken_home(home: Path) -> None:
    assert {paths.index_path().parent, paths.config_path().parent, paths.lock_path().parent} == {home}


def test_the_settings_know_every_engine() -> None:
    named, address = get_args(get_type_hints(config.ModelConfig)["engine"])
    assert (get_args(named), address) == (ENGINES, ServerAddress)


def test_a_socket_path_too_long_for_a_socket_lies_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEN_HOME", "/tmp/" + "long/" * 40)
    found = os.fsencode(paths.socket_path())
    assert len(found) <= paths.SOCKET_PATH_LIMIT


def test_no_file_means_the_defaults() -> None:
    assert config.load() == config.Config()


def test_settings_are_read(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text(
        '[model]\nengine = "mlx"\n[reading]\nignore = ["*.log"]\n[search]\nlimit = 3\n'
    )
    loaded = config.load()
    assert (loaded.model.engine, loaded.reading.ignore, loaded.search.limit) == ("mlx", ("*.log",), 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[model]\nengin = 'mlx'", "Did you mean model.engine?"),
        ("[model]\nengine = 'magic'", "one of auto, mlx, native"),
        ("[search]\nlimit = 'ten'", "a whole number"),
        ("[search]\nlimit = -1", "a whole number"),
        ("model = 3", "[model]"),
        ("[model", "at end of document"),
    ],
)
def test_a_setting_that_is_not_understood_is_named(home: Path, text: str, told: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text(text)
    with pytest.raises(ConfigInvalid) as raised:
        config.load()
    assert told in f"{raised.value.what} {raised.value.fix}"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x9b31mb", "ab"),
        ("abc\u202edef", "abcdef"),
        ("zero\u200bwidth", "zerowidth"),
        ("tab\tbell\x07", "tab    bell"),
        ("lone \udcff surrogate", "lone  surrogate"),
    ],
)
def test_nothing_a_terminal_obeys_is_shown(hostile: str, shown: str) -> None:
    assert plain(hostile) == shown


@given(st.text())
def test_plain_text_holds_no_control_characters(text: str) -> None:
    shown = plain(text)
    assert not any(
        (c < " " and c != "\n") or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in shown
    )
    assert "\n" not in plain_line(text)
    shown.encode()


def test_a_path_that_is_not_text_is_shown_readably() -> None:
    assert plain_path(os.fsdecode(b"/notes/caf\xe9\n\x1b[31m.md")) == "/notes/caf\\xe9\\n\\x1b[31m.md"


def test_clipping_counts_columns() -> None:
    assert clip("日本語の長い題名", 7) == "日本語…"
    assert width(clip("日本語の長い題名", 6)) <= 6


HOLD = """
import sys
from pathlib import Path
from app.lock import WriteLock
with WriteLock("ken index ~/notes", Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_writes_and_the_other_is_told_who(tmp_path: Path) -> None:
    path = tmp_path / "write.lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        note = holder(path)
        assert note is not None and note["pid"] == other.pid
        with pytest.raises(IndexBusy, match=f"ken index ~/notes.*{other.pid}"):
            WriteLock("ken", path).acquire()
        other.kill()
        other.wait()
        WriteLock("ken", path).acquire()
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_was_let_go_is_free(tmp_path: Path) -> None:
    path = tmp_path / "write.lock"
    with WriteLock("one", path):
        assert holder(path) is not None
    assert holder(path) is None
    with WriteLock("two", path) as lock:
        assert lock.held


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(PathInvalid, match="cannot be created"):
        paths.make_home()


def test_a_processor_that_numpy_cannot_run_on_is_named() -> None:
    said = (
        "NumPy was built with baseline optimizations: \n(X86_V2) but your machine doesn't support:\n(X86_V2)."
    )
    refused = refused_by_system(RuntimeError(said))  # as it says it on a Core 2
    assert refused is not None and "SSE4.2" in refused.what
    assert refused_by_system(RuntimeError("any other")) is None
