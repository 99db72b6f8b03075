"""A disk that is really full, with the index on it: words answer, it is told, and with room it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.daemons import tiny_models
from support.ken_process import is_titled
from support.same_index import contents, fresh
from support.small_disk import SmallDisk, small_disk
from support.waiting import until

__all__ = ["tiny_models"]

WORDS = ["river", "kitchen", "letter", "winter", "engine", "window", "island", "paper", "music", "forest"]
MEGABYTES = 4
"""An empty index takes 1, its log of changes as much again; the notes of `fill` take far more."""
NO_DAEMON = "--no-daemon"


@pytest.fixture
def disk(tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    monkeypatch.delenv("KEN_NO_DAEMON")
    with small_disk(tmp_path / "disk", MEGABYTES) as disk:
        yield disk
        disk.ken("daemon", "stop")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A few notes that fit, the first among them about marmots."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "first.md").write_text("About marmots.\n")
    return folder


def many(folder: Path) -> None:
    """More notes than the disk can take."""
    for number in range(60):
        words = " ".join(f"{word}{number}" for word in WORDS)
        (folder / f"note{number}.md").write_text("\n\n".join(f"{words} {part}" * 8 for part in range(8)))


def finds(disk: SmallDisk, word: str, *options: str) -> bool:
    done = disk.ken("search", word, "--mode", "words", "--json", *options)
    return done.returncode == 0 and bool(json.loads(done.stdout)["hits"])


def status(disk: SmallDisk) -> dict[str, object]:
    done = disk.ken("status", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_a_command_that_fills_the_disk_says_so_and_goes_on_with_room(
    disk: SmallDisk, notes: Path, tmp_path: Path
) -> None:
    assert disk.ken("index", str(notes), NO_DAEMON).returncode == 0
    many(notes)
    done = disk.ken("index", NO_DAEMON)
    assert is_titled(done) and "full" in done.stderr, done.stderr
    assert finds(disk, "marmots", NO_DAEMON)
    disk.fill()
    assert finds(disk, "marmots", NO_DAEMON), "with not a byte left"
    again = disk.ken("index", NO_DAEMON)
    assert is_titled(again) and "full" in again.stderr, again.stderr
    assert finds(disk, "marmots", NO_DAEMON)
    disk.make_room(200)
    assert disk.ken("index", NO_DAEMON).returncode == 0
    assert contents(disk.copy_index(tmp_path / "copy")) == fresh(notes)
    assert disk.ken("doctor").returncode == 0


def test_a_daemon_on_a_full_disk_answers_and_goes_on_by_itself(
    disk: SmallDisk, notes: Path, tmp_path: Path
) -> None:
    assert disk.ken("index", str(notes)).returncode == 0
    many(notes)
    until(lambda: "full" in str(status(disk)["notices"]), timeout=60.0, what="the notice")
    disk.fill()
    assert finds(disk, "marmots")
    disk.make_room(200)
    assert disk.ken("index").returncode == 0
    assert contents(disk.copy_index(tmp_path / "copy")) == fresh(notes)


def test_a_daemon_ends_and_starts_on_a_full_disk(disk: SmallDisk, notes: Path, tmp_path: Path) -> None:
    assert disk.ken("index", str(notes)).returncode == 0
    disk.fill()
    for command in ("restart", "stop", "start"):
        done = disk.ken("daemon", command)
        assert done.returncode == 0 and "process 0" not in done.stderr, done.stderr
        assert finds(disk, "marmots")
    (notes / "second.md").write_text("About otters.\n")
    disk.make_room(200)
    assert disk.ken("index").returncode == 0
    assert contents(disk.copy_index(tmp_path / "copy")) == fresh(notes)


def test_on_a_full_disk_each_command_answers_or_gives_that_as_its_reason(
    disk: SmallDisk, notes: Path
) -> None:
    assert disk.ken("index", str(notes)).returncode == 0
    assert disk.ken("daemon", "stop").returncode == 0
    disk.fill()
    for words in ("daemon start", "daemon restart", "search marmots", "search marmots --no-daemon", "status"):
        done = disk.ken(*words.split())
        assert done.returncode == 0 or (is_titled(done) and "full" in done.stderr), done.stderr
    disk.make_room(200)
    assert finds(disk, "marmots")


def test_a_home_that_never_had_room_is_told(disk: SmallDisk, notes: Path, tmp_path: Path) -> None:
    disk.fill()
    for words in (("index", str(notes), NO_DAEMON), ("daemon", "start"), ("watch-for", "marmots")):
        done = disk.ken(*words)
        assert is_titled(done), done.stderr


def test_an_export_or_a_copy_that_does_not_fit_is_told(disk: SmallDisk, notes: Path) -> None:
    assert disk.ken("index", str(notes), NO_DAEMON).returncode == 0
    disk.fill()
    for command in ("export", "backup"):
        done = disk.ken(command, str(disk.folder / command))
        assert is_titled(done), done.stderr


def test_a_home_that_had_no_room_is_used_once_there_is_some(disk: SmallDisk, notes: Path) -> None:
    disk.fill()
    assert disk.ken("index", str(notes), NO_DAEMON).returncode == 1
    disk.make_room(200)
    assert disk.ken("index", str(notes)).returncode == 0
    assert finds(disk, "marmots")


def test_every_command_that_writes_says_that_the_disk_is_full_and_changes_nothing(
    disk: SmallDisk, notes: Path, tmp_path: Path
) -> None:
    assert disk.ken("index", str(notes), NO_DAEMON).returncode == 0
    assert disk.ken("daemon", "stop").returncode == 0
    aside, copy = tmp_path / "b.db", tmp_path / "out"
    assert disk.ken("backup", str(aside)).returncode == 0
    assert disk.ken("export", str(copy)).returncode == 0
    before = {file.name for file in disk.inside.iterdir()}
    disk.fill()
    for words in (
        ("watch-for", "marmots"),
        ("backup", str(disk.folder / "b.db")),
        ("export", str(disk.folder / "out")),
        ("import", "--yes", str(copy)),
        ("restore", "--yes", str(aside)),
        ("forget", NO_DAEMON, str(notes)),
        ("index", NO_DAEMON, str(notes)),
    ):
        done = disk.ken(*words)
        assert is_titled(done), (words, done.stderr)
    left = {file.name for file in disk.inside.iterdir()} - before
    assert not {name for name in left if name.startswith((".", "b.db", "index.db.", "standing.json"))}, left
    disk.make_room(200)
    (disk.inside / "ballast").unlink()
    assert finds(disk, "marmots", NO_DAEMON)
    assert disk.ken("forget", NO_DAEMON, str(notes)).returncode == 0
