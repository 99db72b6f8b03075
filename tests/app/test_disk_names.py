"""Names as the disk has them: case, Unicode form, and what events and users make of them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from support.failing_reads import run
from support.tiny_home import ken_json, notes, with_tiny_model

from app.folders.disk_names import DiskNames, folded, spelled
from app.sync.change_queue import ChangeQueue
from app.sync.watcher import DATA_VOLUME, _Handler

NFC = "B\u00fcro"
NFD = unicodedata.normalize("NFD", NFC)


@pytest.mark.parametrize(
    "scenario",
    ["one_file_is_indexed_once", "a_new_spelling_takes_the_place_of_the_former", "a_root_keeps_its_name"],
)
def test_a_disk_that_ignores_case_and_unicode_form(home: Path, tmp_path: Path, scenario: str) -> None:
    run(scenario, tmp_path, "folding_disk")


@pytest.mark.parametrize(
    ("root", "event", "own"),
    [
        ("/Users/me/documents", "/Users/me/Documents/a.md", "a.md"),
        (f"/Users/me/{NFC}", f"/Users/me/{NFD}/a.md", "a.md"),
        (f"/Users/me/{NFD}", f"/Users/me/{NFC}/Sub/a.md", "Sub/a.md"),
        ("/Users/me/notes", f"{DATA_VOLUME}/Users/me/notes/a.md", "a.md"),
        ("/Users/me/notes", "/users/ME/NOTES", ""),
        ("/Users/me/notes", "/Users/me/notes2/a.md", None),
        ("/Users/me/notes", "/Users/me", None),
        ("/", "/Users/a.md", "Users/a.md"),
    ],
)
def test_an_event_in_the_disks_spelling_is_one_of_the_root(root: str, event: str, own: str | None) -> None:
    path = _Handler(ChangeQueue(), root, ())._own(event)
    assert path == ("" if own is None else str(Path(root, own)))


def test_two_files_that_differ_in_case_are_two_where_the_disk_says_so(tmp_path: Path) -> None:
    notes(tmp_path, a__md="one", A__md="two", b__md="three")
    (tmp_path / "B.md").hardlink_to(tmp_path / "b.md")
    for name in ("a.md", "A.md", "b.md", "B.md", "C.md"):
        assert spelled(str(tmp_path / name)) == str(tmp_path / name)


def test_a_name_that_is_not_there_is_kept_but_for_its_unicode_form(tmp_path: Path) -> None:
    (tmp_path / NFD).mkdir()
    assert spelled(f"{tmp_path}/{NFC}/x.md") == f"{tmp_path}/{NFD}/x.md"
    assert spelled(f"{tmp_path}/{NFC.upper()}") == f"{tmp_path}/{NFC.upper()}"
    assert DiskNames().spelled(f"{tmp_path}/{NFC}", str(tmp_path / NFC)) == f"{tmp_path}/{NFC}"
    assert spelled("/") == "/" and spelled("/no\0file") == "/no\0file"
    assert folded(NFC.upper()) == folded(NFD)


def test_a_folder_from_a_mac_is_found_as_it_is_typed(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tiny_model(monkeypatch, home)
    monkeypatch.setenv("KEN_NO_DAEMON", "1")
    notes(tmp_path / NFD, plan__md="# Plan\n\nAbout ospreys.\n")
    assert ken_json("index", tmp_path / NFC)["added"] == 1
    assert ken_json("why", tmp_path / NFC / "plan.md")["indexed"]
    for narrowed in ([f"glob:*{NFC}*"], [f"glob:*/{NFC.lower()}/*.MD"], [f"in:{tmp_path}/{NFC}"],
                     ["--in", tmp_path / NFC], [f"in:{NFC}"], ["--glob", f"{NFC}/**"]):  # fmt: skip
        found = ken_json("search", "ospreys", "--mode", "words", *narrowed)
        assert [Path(hit["path"]).name for hit in found["hits"]] == ["plan.md"], narrowed
    assert not ken_json("search", "ospreys", "--mode", "words", f"-glob:*{NFC}*")["hits"]
