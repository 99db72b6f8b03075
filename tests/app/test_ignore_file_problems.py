"""A pattern that does not hold, in an ignore file or the settings, is told and stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_home import ken, ken_json, with_tiny_model


@pytest.fixture(autouse=True)
def tiny(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tiny_model(monkeypatch, home)


def problems() -> dict[str, str]:
    return {one["path"]: one["reason"] for one in ken_json("status", "--problems")}


def test_a_bad_line_is_listed_until_it_is_mended(tmp_path: Path) -> None:
    project = tmp_path / "notes" / "code" / "project"
    project.mkdir(parents=True)
    (tmp_path / "notes" / "a.md").write_text("# Harbour\n\nThe quay is calm.\n")
    (project / "b.md").write_text("# Storm\n\nThe quay is wet.\n")
    ignore = project / ".gitignore"
    ignore.write_text("*.o\n!\nfoo\\\n")
    assert ken("index", tmp_path / "notes").exit_code == 0
    hits = ken_json("search", "--mode", "words", "quay")["hits"]
    assert {Path(hit["path"]).name for hit in hits} == {"a.md", "b.md"}
    assert "Line 2 (!) is skipped" in problems()[str(ignore)]
    why = ken_json("why", ignore)
    assert (why["rule"], why["state"]) == ("ignore file", "skipped")
    ignore.write_text("*.o\n")
    ken("index")
    assert problems() == {}


def test_a_bad_line_above_a_root_is_listed_as_long_as_it_holds_there(tmp_path: Path) -> None:
    repository = tmp_path / "project"
    (repository / ".git").mkdir(parents=True)
    (repository / "docs").mkdir()
    (repository / "docs" / "a.md").write_text("# Harbour\n\nThe quay is calm.\n")
    ignore = repository / ".gitignore"
    ignore.write_text("*.o\nfoo\\\n*.log\n")
    assert ken("index", repository / "docs").exit_code == 0
    assert "Line 2 (foo\\) is skipped" in problems()[str(ignore)]
    assert ken_json("status")["problems"] == 1
    ken("index", repository)
    assert list(problems()) == [str(ignore)] and ken_json("status")["problems"] == 1
    ken("forget", repository)
    assert problems() == {}
    ken("index", repository / "docs")
    ignore.write_text("*.log\n")
    assert problems() == {} and ken_json("status")["problems"] == 0


def test_a_bad_pattern_of_the_settings_is_told(home: Path, tmp_path: Path) -> None:
    with (home / "config.toml").open("a") as settings:
        settings.write('[reading]\nignore = ["foo\\\\", "*.log"]\n')
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# Harbour\n")
    (tmp_path / "notes" / "b.log").write_text("noise\n")
    assert ken("index", tmp_path / "notes").exit_code == 0
    assert ken_json("status")["files"] == 1
    told = ken("status")
    assert "reading.ignore: the pattern foo\\ is skipped" in told.stdout + told.stderr
