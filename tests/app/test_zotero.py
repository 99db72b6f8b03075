"""What Zotero's library says of the files in its storage: their fields and names, whatever happens to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import documents, zotero
from support.tiny_home import indexed_library, with_tiny_model

from app import query
from app.connect import local_library
from app.library import Library
from index.extract import sniff
from index.extract.source import from_bytes

PAPER = documents.pdf([[(72, 700, 11, "Water rises at the quay.")]])
FILES = {"ABCD1234/tides.pdf": zotero.TIDES}
MOON: zotero.Reference = ({"title": "Moon and sea", "date": "1999-00-00 1999", "citationKey": "sato99"},
                          [("Jun", "Sato")], ["sky"])  # fmt: skip


def written(folder: Path) -> Path:
    """A data folder of Zotero with two papers, of which its library knows one."""
    for name in ("ABCD1234/tides.pdf", "EFGH5678/moon.pdf"):
        (folder / "storage" / name).parent.mkdir(parents=True)
        (folder / "storage" / name).write_bytes(PAPER.replace(b"quay", name[:4].encode()))
    (folder / "zotero.sqlite").write_bytes(zotero.content(FILES))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "Zotero")


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library that no test changes."""
    folder = tmp_path_factory.mktemp("zotero")
    with (
        pytest.MonkeyPatch.context() as patch,
        indexed_library(patch, folder / "home", written(folder / "Zotero")) as library,
    ):
        yield library


@pytest.fixture
def library(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with_tiny_model(monkeypatch, tmp_path / "home")
    with local_library() as library:
        library.add([str(folder)])
        library.sync()
        yield library


def found(library: Library, typed: str) -> list[str]:
    asked = query.parse(typed)
    return [Path(hit.path).name for hit in library.search(asked.text, filter=asked.filter).hits]


@pytest.mark.parametrize(
    "typed",
    ["author:barros", 'author:"harbour board"', "date:2020", "date:2020-05", "tag:sea", "citekey:barros2020"],
)
def test_what_is_said_of_a_file_narrows_to_it(typed: str, unchanged: Library) -> None:
    assert found(unchanged, typed) == ["tides.pdf"]


@pytest.mark.parametrize("typed", ["barros2020", "@barros2020", "The height of tides"])
def test_its_title_and_citation_key_are_its_names(typed: str, unchanged: Library) -> None:
    best = unchanged.search(typed).hits[0]
    assert (Path(best.path).name, best.title) == ("tides.pdf", "The height of tides")


def test_the_library_itself_is_found_by_its_name_and_is_no_problem(unchanged: Library) -> None:
    hit = unchanged.search("zotero.sqlite").hits[0]
    assert Path(hit.path).name == "zotero.sqlite" and "1 file" in hit.snippet
    assert unchanged.problems() == ()
    assert found(unchanged, "type:zotero") == ["zotero.sqlite"]


def test_a_change_is_seen_without_reading_a_paper_again(library: Library, folder: Path) -> None:
    (folder / "zotero.sqlite").write_bytes(zotero.content(FILES | {"EFGH5678/moon.pdf": MOON}))
    report = library.sync()
    assert (report.changed, report.added, report.failed) == (0, 0, 0)
    assert found(library, "author:sato") == ["moon.pdf"] == found(library, "tag:sky")
    (folder / "zotero.sqlite").write_bytes(zotero.content({"EFGH5678/moon.pdf": MOON}))
    library.sync()
    assert found(library, "tag:sky") == ["moon.pdf"]
    assert found(library, "date:2020") == []
    assert {hit.title for hit in library.search("water rises", mode="words").hits} == {
        "Moon and sea", "tides",
    }  # fmt: skip


def test_a_paper_that_comes_after_its_library_has_its_fields(library: Library, folder: Path) -> None:
    (folder / "storage/ABCD1234/tides.pdf").rename(folder / "aside.pdf")
    library.sync()
    assert found(library, "author:barros") == []
    (folder / "aside.pdf").rename(folder / "storage/ABCD1234/tides.pdf")
    library.sync()
    assert found(library, "author:barros") == ["tides.pdf"]


def test_fields_move_with_the_folder_and_go_with_the_library(library: Library, folder: Path) -> None:
    (folder / "deep").mkdir()
    for name in ("zotero.sqlite", "storage"):
        (folder / name).rename(folder / "deep" / name)
    library.sync()
    assert found(library, "author:barros") == ["tides.pdf"]
    (folder / "deep" / "zotero.sqlite").unlink()
    library.sync()
    assert found(library, "date:2020") == []
    assert "tides.pdf" in found(library, "water")


def broken_schema(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE itemData")


def sparse(path: Path) -> None:
    os.truncate(path, 600 << 20)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_text("No database."), "is no database"),
        (broken_schema, "has not the tables"),
        (sparse, "It is 600 MB"),
        (cut, "damaged"),
    ],
)
def test_a_library_that_cannot_be_read_is_a_problem_and_stops_no_paper(
    damage: object, reason: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(damage)
    damage(folder / "zotero.sqlite")
    with_tiny_model(monkeypatch, tmp_path / "home")
    with local_library() as library:
        library.add([str(folder)])
        library.sync()
        assert set(found(library, "water")) == {"tides.pdf", "moon.pdf"}
        assert [reason in problem.reason for problem in library.problems()] == [True]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_library_that_zotero_holds_open_is_read_and_left_as_it_is(
    journal: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "zotero.sqlite"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    before = {entry.name: entry.stat().st_mtime_ns for entry in folder.iterdir()}
    with_tiny_model(monkeypatch, tmp_path / "home")
    with local_library() as library:
        library.add([str(folder)])
        library.sync()
        assert found(library, "author:barros") == ["tides.pdf"]
    assert {entry.name: entry.stat().st_mtime_ns for entry in folder.iterdir()} == before
    db.close()


@pytest.mark.parametrize(
    "name", ["EFGH5678/../../aside.pdf", "../aside.pdf/x", "EFGH5678/..", "lower000/a.pdf"]
)
def test_a_library_speaks_of_no_file_outside_its_storage(name: str) -> None:
    document = sniff.read(from_bytes(zotero.content({name: MOON} | FILES), "zotero.sqlite"))
    assert [entry.path for entry in document.catalog] == ["storage/ABCD1234/tides.pdf"]


def test_no_credential_becomes_a_field() -> None:
    token = "ghp_" + "aB3" * 12
    told: zotero.Reference = ({"title": "Notes", "date": token}, [], [token])
    document = sniff.read(from_bytes(zotero.content({"ABCD1234/a.pdf": told}), "zotero.sqlite"))
    assert document.catalog[0].fields == (("title", "Notes"),)
