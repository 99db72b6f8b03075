"""`ken doctor`, `export`, `import` and `backup`, with a tiny real model."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.daemons import Daemons, daemons, tiny_models
from support.tiny_home import ken, ken_json, notes, with_tiny_model

from app import paths
from app.daemon.connection import answering
from app.folders.mounts import Mount
from embedder.engines import native_kernel

__all__ = ["daemons", "tiny_models"]


@pytest.fixture(autouse=True)
def tiny(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tiny_model(monkeypatch, home)
    home.mkdir(exist_ok=True)
    home.chmod(0o700)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return notes(tmp_path / "notes", a__md="# Pears\n\nPruned in winter.\n", b__md="# Bread\n\nFlour.\n")


def test_a_sound_home_is_sound(folder: Path) -> None:
    ken("index", folder)
    done = ken("doctor")
    assert done.exit_code == 0, done.stdout
    assert "all tables agree" in done.stdout
    assert "Readers: no network, no writing, no programs, no file but their own" in done.stdout


def test_a_home_on_a_drive_of_another_machine_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = str(home.resolve())
    monkeypatch.setattr(
        "app.folders.mounts.mounts", lambda: {"/": Mount("a", "ext4"), point: Mount("b", "9p")}
    )
    done = ken("doctor")
    assert done.exit_code == 1 and "another machine's drive (9p)" in done.stdout


def test_a_missing_kernel_is_told_by_status_and_doctor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.config_path().unlink()
    monkeypatch.setattr("embedder.engines.choose.has_gpu", lambda: False)
    monkeypatch.setattr(native_kernel, "instructions", lambda: ())
    monkeypatch.setattr(native_kernel, "is_missing", lambda: True)
    assert native_kernel.NOT_BUILT in ken("status").stderr
    done = ken("doctor")
    assert done.exit_code == 0 and native_kernel.NOT_BUILT in done.stdout


def test_a_damaged_index_is_told_saved_and_read_again(folder: Path) -> None:
    ken("index", folder)
    index = paths.index_path()
    data = bytearray(index.read_bytes())
    data[3 * 16384 : 6 * 16384] = b"\xff" * (3 * 16384)
    index.write_bytes(data)
    assert ken("doctor").exit_code == 1
    assert ken("doctor", "--repair").exit_code == 0
    ken("index", folder)
    assert ken("doctor").exit_code == 0
    assert ken_json("search", "--mode", "words", "pruned")["hits"][0]["path"] == str(folder / "a.md")


def test_export_to_another_home_and_back(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ken("index", folder)
    assert ken("export", tmp_path / "out").exit_code == 0
    assert ken("export", tmp_path / "out").exit_code == 1
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "other"))
    assert ken("import", "--keep-folders", tmp_path / "out").exit_code == 0
    assert ken_json("status")["pending"] == 0
    again = ken("index")
    assert "0 passages embedded" in again.stderr or "Nothing changed" in again.stderr, again.stderr
    assert ken_json("search", "--mode", "words", "flour")["hits"][0]["path"] == str(folder / "b.md")


def test_backup_is_a_whole_index(folder: Path, tmp_path: Path) -> None:
    assert ken("backup", tmp_path / "copy.db").exit_code == 1
    ken("index", folder)
    assert ken("backup", tmp_path / "copy.db").exit_code == 0
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


def test_the_doctor_works_while_a_daemon_runs(daemons: Daemons, tmp_path: Path) -> None:
    daemons.start()
    daemons.keep(notes(tmp_path / "notes", garden__md="# Garden\n\nThe pear tree.\n"))
    first = answering()
    result = ken("doctor")
    assert result.exit_code == 0 and "all tables agree" in result.stdout, result.output
    assert answering() == first, "it only looks: the daemon goes on"
    assert "all tables agree" in ken("doctor", "--repair").stdout
    assert answering() not in (None, first), "a repair needs the index for itself"
    assert daemons.library.status().files == 1


def test_what_is_in_the_way_is_told_as_such(folder: Path, tmp_path: Path) -> None:
    ken("index", folder)
    there = tmp_path / "there"
    there.write_text("mine")
    for command, told in (("export", "is a file"), ("backup", "exists already")):
        result = ken(command, there)
        assert result.exit_code == 1 and told in result.stderr and "Path cannot be used" in result.stderr
    assert there.read_text() == "mine"
    assert ken("daemon", "logs", "-n", "-1").exit_code == 2
