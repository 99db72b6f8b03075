"""What is forgotten, deleted or edited out leaves the disk; backups are put back, imports are asked about."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.diary import left, write_diary
from support.tiny_home import ken, ken_json, notes, with_tiny_model

from app import paths
from app.maintenance.leftovers import LEFT_BEHIND
from index.store.database import SnapshotPool, open_writer


@pytest.fixture
def diary(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_tiny_model(monkeypatch, home)
    return write_diary(tmp_path / "diary")


def test_what_is_forgotten_is_not_on_the_disk(diary: Path) -> None:
    ken("index", diary)
    assert left("Marguerite7x")
    assert "Forgot 61 files" in ken("forget", diary).stderr
    assert left("marguerite", "harbour", "beans") == []


def test_what_is_deleted_or_edited_out_is_not_on_the_disk(diary: Path) -> None:
    ken("index", diary)
    (diary / "7.md").unlink()
    (diary / "8.md").write_text("# Day\n\nNobody came.\n")
    ken("index")
    assert left("marguerite7x", "marguerite8x") == []
    assert left("Marguerite9x")


def test_forgetting_all_leaves_nothing_remembered(diary: Path, home: Path) -> None:
    ken("index", diary)
    ken("watch-for", "Marguerite at the harbour")
    (home / "tui.json").write_text('{"questions": ["where is Marguerite"]}')
    (home / "index.db.damaged-1700000000").write_bytes(b"Marguerite7x")
    (home / "ken.log").write_text("Marguerite\n")
    assert ken("forget", "--all").exit_code != 0
    assert left("Marguerite7x")
    assert ken("forget", "--all", "--yes").exit_code == 0
    assert left("marguerite") == []
    assert ken_json("status")["files"] == 0


@pytest.mark.parametrize("what", ["missing", "empty", "text", "cut", "foreign"])
def test_what_is_no_backup_changes_nothing(what: str, diary: Path, tmp_path: Path) -> None:
    ken("index", diary)
    source = tmp_path / "b.db"
    if what == "foreign":
        sqlite3.connect(source).execute("CREATE TABLE a(b)")
    elif what != "missing":
        ken("backup", source)
        data = source.read_bytes()
        source.write_bytes({"empty": b"", "text": b"words", "cut": data[: len(data) // 2]}[what])
    before = ken_json("status")
    told = ken("restore", "--yes", source)
    assert told.exit_code == 1
    assert "Traceback" not in told.output
    assert ken_json("status")["files"] == before["files"]
    assert "all tables agree" in ken("doctor").output
    assert not list(paths.home().glob(".index.db*"))


def test_a_backup_leaves_the_files_of_others(diary: Path, tmp_path: Path) -> None:
    ken("index", diary)
    (tmp_path / "b.db").write_text("mine")
    (tmp_path / "b.db.partial").write_text("mine too")
    assert ken("backup", tmp_path / "b.db").exit_code == 1
    assert (tmp_path / "b.db.partial").read_text() == "mine too"
    assert sorted(file.name for file in tmp_path.iterdir() if "b.db" in file.name) == ["b.db", "b.db.partial"]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_written_is_its_owners_alone(diary: Path, home: Path, tmp_path: Path) -> None:
    from app import log

    home.chmod(0o755)
    (tmp_path / "out").mkdir(mode=0o755)
    (tmp_path / "out").chmod(0o755)
    ken("index", diary)
    ken("watch-for", "the harbour")
    ken("export", tmp_path / "out")
    log.start()
    import logging

    for line in range(30_000):
        logging.getLogger("ken").warning("line %d of a log that is turned over at some length", line)
    log.stop()
    assert len(list(home.glob("ken.log*"))) > 1
    for file in [*home.glob("*"), *(tmp_path / "out").iterdir()]:
        if file.is_file() and file.name != "config.toml":
            assert mode(file) == 0o600, file


def exported(diary: Path, out: Path) -> Path:
    ken("index", diary)
    ken("export", out)
    return out


def spoiled(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def spoil(out: Path) -> None:
        lines = (out / name).read_text().splitlines()
        one = json.loads(lines[-1])
        change(one)
        (out / name).write_text("\n".join([*lines[:-1], json.dumps(one)]) + "\n")

    return spoil


def replaced(name: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(out: Path) -> None:
        (out / name).unlink()
        make(out / name)

    return spoil


def _spoil_vectors(out: Path) -> None:
    data = (out / "vectors.safetensors").read_bytes()
    (out / "vectors.safetensors").write_bytes(data[:-3072] + bytes(3072))


HOSTILE: dict[str, Callable[[Path], None]] = {
    "a state that is none": spoiled("files.jsonl", lambda one: one.update(state="x")),
    "a relative path": spoiled("files.jsonl", lambda one: one.update(path="notes/a.md")),
    "a path with dots": spoiled("files.jsonl", lambda one: one.update(path="/a/../etc/passwd")),
    "a path with NUL": spoiled("files.jsonl", lambda one: one.update(path="/a\0b")),
    "a number as title": spoiled("files.jsonl", lambda one: one.update(title=7)),
    "a far date": spoiled("files.jsonl", lambda one: one.update(mtime_ns=1 << 80)),
    "a number that is a float": spoiled("files.jsonl", lambda one: one.update(size=1.5)),
    "a hash that is none": spoiled("files.jsonl", lambda one: one.update(hash="?")),
    "a file that is a list": replaced("files.jsonl", lambda file: file.write_text("[]\n")),
    "a folder that is forgotten in words": spoiled("folders.jsonl", lambda one: one.update(forgotten="yes")),
    "a folder that is relative": spoiled("folders.jsonl", lambda one: one.update(path="relative")),
    "a passage without text": spoiled("passages.jsonl", lambda one: one.pop("text")),
    "a passage of no file": spoiled("passages.jsonl", lambda one: one.update(file="/nowhere")),
    "a passage that ends before it starts": spoiled("passages.jsonl", lambda one: one.update(start=9, end=1)),
    "a heading that is a word": spoiled("passages.jsonl", lambda one: one.update(heading="x")),
    "a heading of numbers": spoiled("passages.jsonl", lambda one: one.update(heading=[1])),
    "a vector beyond the last": spoiled("passages.jsonl", lambda one: one.update(vector=10_000)),
    "a vector before the first": spoiled("passages.jsonl", lambda one: one.update(vector=-1)),
    "a vector that is not of length 1": lambda out: _spoil_vectors(out),
    "a file twice": lambda out: (out / "passages.jsonl").write_text((out / "passages.jsonl").read_text() * 2),
    "a hash of a kilobyte": spoiled("files.jsonl", lambda one: one.update(hash="A" * 1024)),
    "a path that is no bytes": spoiled("files.jsonl", lambda one: one.update(path="/n/\ud800")),
    "a line of a million digits": replaced("passages.jsonl", lambda file: file.write_text("1" * 1_000_000)),
    "vectors that are a pipe": replaced("vectors.safetensors", os.mkfifo),
    "a line that never ends": replaced("passages.jsonl", lambda file: file.write_text('"' + "a" * (5 << 20))),
    "deep JSON": replaced("passages.jsonl", lambda file: file.write_text("[" * 100_000 + "\n")),
    "a link": replaced("files.jsonl", lambda file: file.symlink_to("/dev/zero")),
    "a pipe": replaced("files.jsonl", os.mkfifo),
    "a folder": replaced("files.jsonl", Path.mkdir),
    "no vectors": replaced("vectors.safetensors", lambda file: None),
    "vectors that are text": replaced("vectors.safetensors", lambda file: file.write_text("words")),
    "another format": replaced(
        "index.json", lambda file: file.write_text('{"format": 99, "fingerprint": "", "chunker": ""}')
    ),
    "facts that are a list": replaced("index.json", lambda file: file.write_text("[1]")),
    "facts of another kind": replaced("index.json", lambda file: file.write_text('{"format": "1"}')),
    "no facts": replaced("index.json", lambda file: None),
    "bytes that are no UTF-8": replaced("folders.jsonl", lambda file: file.write_bytes(b"\xff\xfe\xfd" * 9)),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export `out`, and a home `other` in which the folder `mine` is indexed."""
    top = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        with_tiny_model(patch, top / "home")
        exported(write_diary(top / "diary"), top / "out")
        patch.setenv("KEN_HOME", str(top / "other"))
        ken("index", notes(top / "mine", a__md="# Mine\n\nThe beans grow.\n"))
    return top


def test_the_export_as_it_was_made_is_taken(made: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made / "other", home)
    with_tiny_model(monkeypatch, home)
    assert ken("import", "--keep-folders", made / "out").exit_code == 0
    assert ken_json("status")["files"] == 62, "those of the export and the one of its own"


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_export_changes_nothing(
    what: str, made: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made / "other", home)
    with_tiny_model(monkeypatch, home)
    out = shutil.copytree(made / "out", tmp_path / "out")
    HOSTILE[what](out)
    told = ken("import", "--keep-folders", out)
    assert told.exit_code == 1, what
    assert "Something unexpected" not in told.stderr
    status = ken_json("status")
    assert [folder["path"] for folder in status["folders"]] == [str(made / "mine")]
    assert status["files"] == 1
    assert ken("status", "--problems").exit_code == 0
    assert not list(home.glob(".index.db*"))


def test_folders_of_an_export_are_kept_only_when_a_person_says_so(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = exported(diary, tmp_path / "out")
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "other-home"))
    asked = ken("import", out, stdin="n\n")
    assert asked.exit_code == 0
    assert str(diary) in asked.stderr
    assert ken_json("status")["folders"] == []
    assert ken_json("status")["files"] == 61
    assert ken("import", out, stdin="y\n").exit_code == 0
    assert [folder["path"] for folder in ken_json("status")["folders"]] == [str(diary)]


def test_the_tables_of_a_dropped_text_hold_no_word_of_it(diary: Path) -> None:
    ken("index", diary)
    ken("forget", diary)
    db = open_writer(paths.index_path())
    assert db.execute("SELECT count(*) FROM words_terms").fetchone() == (0,)
    assert db.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_folders_of_keys_and_of_the_system_are_never_taken_from_an_export(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = exported(diary, tmp_path / "out")
    keys, linked = tmp_path / ".ssh" / "notes", tmp_path / "linked"
    keys.mkdir(parents=True)
    linked.symlink_to(diary)
    named = ["/etc", "/", str(keys), str(linked), str(tmp_path / "missing"), str(diary)]
    (out / "folders.jsonl").write_text("".join(json.dumps({"path": path}) + "\n" for path in named))
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "other-home"))
    told = ken("import", "--yes", out)
    assert told.exit_code == 0
    assert [folder["path"] for folder in ken_json("status")["folders"]] == [str(diary)]
    assert told.stderr.count("Not indexed from now on") == 5


def test_where_nobody_can_answer_folders_are_not_kept_and_what_was_taken_in_is_found(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = exported(diary, tmp_path / "out")
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "other-home"))
    told = ken("import", out)
    assert told.exit_code == 0
    assert "not indexed from now on" in told.stderr
    assert ken_json("status")["folders"] == []
    assert ken_json("search", "--mode", "words", "marguerite7x")["hits"]
    (diary / "7.md").write_text("# Day\n\nA kingfisher came.\n")
    ken("index")
    assert ken_json("search", "--mode", "words", "kingfisher")["hits"] == []


def test_a_reader_in_the_way_of_forgetting_is_told(diary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.store.wiping.BUSY_MS", 50)
    ken("index", diary)
    with SnapshotPool(paths.index_path()) as pool, pool.snapshot() as db:
        db.execute("SELECT count(*) FROM texts").fetchall()
        told = ken("forget", diary)
        assert told.exit_code == 0
        assert LEFT_BEHIND in told.stderr.replace("\n", " ")
    ken("index", diary / "other.md")
    assert left("marguerite") == []


def test_what_a_repair_kept_and_copies_that_were_broken_off_go_in_time(diary: Path, home: Path) -> None:
    ken("index", diary)
    old = home / f"index.db.damaged-{int(time.time()) - 31 * 86400}"
    log_of_old = home / f"index.db.replaced-{int(time.time()) - 31 * 86400}-wal"
    recent = home / f"index.db.damaged-{int(time.time()) - 86400}"
    broken_off = home / ".index.db.abc123"
    under_way = home / ".index.db.def456"
    for file in (old, log_of_old, recent, broken_off, under_way):
        file.write_bytes(b"marguerite7x")
    os.utime(broken_off, (1_700_000_000, 1_700_000_000))
    ken("doctor", "--repair")
    assert [file.exists() for file in (old, log_of_old, recent, broken_off, under_way)] == [
        False, False, True, False, True,
    ]  # fmt: skip
    assert str(recent) in ken("forget", diary).stderr


def test_what_was_forgotten_inside_a_folder_stays_so_through_an_export(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (diary / "private").mkdir()
    (diary / "private" / "a.md").write_text("# Private\n\nA badger came.\n")
    ken("index", diary)
    ken("forget", diary / "private")
    ken("export", tmp_path / "out")
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "other-home"))
    assert ken("import", "--yes", tmp_path / "out").exit_code == 0
    ken("index")
    assert [folder["path"] for folder in ken_json("status")["folders"]] == [str(diary)]
    assert ken_json("search", "--mode", "words", "badger")["hits"] == []


def test_an_export_that_fails_leaves_nothing(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ken("index", diary)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("index.store.export_import.replace", full)
    told = ken("export", tmp_path / "out")
    assert told.exit_code == 1
    assert str(tmp_path / "out") in told.stderr
    assert not (tmp_path / "out").exists()
