"""The index file while a daemon has it: what is dropped leaves it, it is removed, a backup is put back."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.daemons import Daemons
from support.diary import left, write_diary
from support.tiny_home import ken, ken_json
from support.waiting import until

from app import paths
from app.daemon import lifecycle
from index.errors import IndexUnreachable


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return write_diary(tmp_path / "diary")


def test_the_daemon_leaves_nothing_either(diary: Path, daemons: Daemons) -> None:
    daemons.start()
    daemons.library.add([str(diary)])
    daemons.library.sync()
    (diary / "7.md").unlink()
    daemons.library.sync()
    until(lambda: not left("marguerite7x"), what="the deleted file's words to go")
    daemons.library.forget(str(diary))
    until(lambda: not left("marguerite", "harbour"), what="the forgotten words to go")
    lifecycle.stop_daemon()
    assert left("marguerite", "harbour") == []


def test_a_backup_is_put_back_whatever_log_the_index_has(
    diary: Path, tmp_path: Path, daemons: Daemons, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemons.start()
    daemons.library.add([str(diary)])
    daemons.library.sync()
    assert ken("backup", tmp_path / "b.db").exit_code == 0
    (diary / "new.md").write_text("# New\n\nA heron stands at the weir.\n")
    daemons.library.sync()
    daemons.kill()
    assert paths.index_path().with_name("index.db-wal").exists()
    monkeypatch.setenv("KEN_NO_DAEMON", "1")
    assert ken("restore", "--yes", tmp_path / "b.db").exit_code == 0
    assert "all tables agree" in ken("doctor").output
    assert ken_json("status")["files"] == 61
    assert ken_json("search", "--mode", "words", "heron")["hits"] == []


def indexed(daemons: Daemons) -> int:
    """Files in the index; none while it is being made again."""
    try:
        return daemons.library.status().files
    except IndexUnreachable:
        return 0


def test_an_index_that_is_removed_under_the_daemon_is_made_again(
    diary: Path, daemons: Daemons, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemons.start()
    daemons.library.add([str(diary)])
    daemons.library.sync()
    for file in paths.home().glob("index.db*"):
        file.unlink()
    (diary / "new.md").write_text("# New\n\nA heron stands at the weir.\n")
    until(lambda: indexed(daemons) == 62, what="the index to be made again")
    lifecycle.stop_daemon()
    monkeypatch.setenv("KEN_NO_DAEMON", "1")
    assert ken_json("search", "--mode", "words", "heron")["hits"]
    assert [folder["path"] for folder in ken_json("status")["folders"]] == [str(diary)]
