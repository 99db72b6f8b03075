"""What counts as unchanged: no changed file passes for current, and equal content is never embedded again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_home import notes, with_tiny_model

from app.config import Config
from app.connect import local_library
from app.library import Library
from index.store.database import open_reader
from index.types import READ_AGAIN_CTIME, UNKNOWN_CTIME, FileRecord, Stamp

KEPT_NS = 1_700_000_000 * 10**9
OTHERS = [(0, 2, 3, 4), (1, 0, 3, 4), (1, 2, 0, 4), (1, 2, 3, 0)]


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_tiny_model(monkeypatch, home)
    return notes(tmp_path / "notes", a__md="# A\n\nThe sky is vermilion.\n", b__md="# B\n\nAbout terns.\n")


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with local_library(Config()) as library:
        library.add([str(folder)])
        library.sync()
        yield library


def rewrite(path: Path, old: str, new: str) -> None:
    """In place, with size and time kept."""
    assert len(old) == len(new)
    text = path.read_text().replace(old, new)
    with path.open("r+") as file:
        file.write(text)
    os.utime(path, ns=(KEPT_NS, KEPT_NS))


def snippets(library: Library, query: str) -> list[str]:
    return [hit.text for hit in library.search(query, mode="words").hits]


def test_content_written_in_place_with_its_time_kept_is_read(library: Library, folder: Path) -> None:
    rewrite(folder / "a.md", "vermilion", "aquamarin")
    report = library.sync()
    assert (report.changed, report.unchanged, report.embedded) == (1, 1, 1)
    assert snippets(library, "aquamarin") and not snippets(library, "vermilion")


def test_a_hit_whose_content_was_so_changed_is_not_shown_as_current(library: Library, folder: Path) -> None:
    rewrite(folder / "a.md", "vermilion", "aquamarin")
    answer = library.search("sky", mode="words")
    assert "aquamarin" in answer.hits[0].text or answer.stale


def test_new_permissions_and_links_embed_nothing(library: Library, folder: Path, tmp_path: Path) -> None:
    (folder / "a.md").chmod(0o640)
    (tmp_path / "link").hardlink_to(folder / "b.md")
    report = library.sync()
    assert (report.changed, report.unchanged, report.embedded) == (0, 2, 0)
    assert all(record.stamp.same(Stamp.of(Path(path).stat())) for path, record in files(library, folder))


def files(library: Library, folder: Path) -> list[tuple[str, FileRecord]]:
    store = library.index.store()
    assert store is not None
    return list(store.files(str(folder)).items())


def test_a_disk_that_gives_new_identities_is_read_and_nothing_is_embedded(
    library: Library, folder: Path
) -> None:
    for path in list(folder.iterdir()):
        copy = path.with_suffix(".copy")
        shutil.copy2(path, copy)
        copy.replace(path)
    report = library.sync()
    assert (report.changed, report.unchanged, report.embedded) == (0, 2, 0)


def test_a_move_with_new_content_in_the_same_breath_is_read(library: Library, folder: Path) -> None:
    (folder / "a.md").rename(folder / "moved.md")
    rewrite(folder / "moved.md", "vermilion", "aquamarin")
    library.sync()
    assert snippets(library, "aquamarin") and not snippets(library, "vermilion")


def test_a_move_alone_is_one_move(library: Library, folder: Path) -> None:
    (folder / "a.md").rename(folder / "moved.md")
    report = library.sync()
    assert (report.moved, report.unchanged, report.changed, report.embedded) == (1, 1, 0, 0)


def test_records_of_before_are_completed_and_no_file_is_read(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with library.writer._writing() as store:
        store._connection.execute("UPDATE files SET ctime_ns = -1, disk = 0")
    monkeypatch.setattr("index.extract.pool.ReaderPool.read", None)
    assert library.sync().unchanged == 2
    with open_reader(library.index.path) as db:
        rows = db.execute("SELECT ctime_ns, disk FROM files").fetchall()
    assert all(ctime_ns > 0 and disk > 0 for ctime_ns, disk in rows)


def test_stamps() -> None:
    stamp = Stamp(1, 2, 3, 4)
    assert stamp.same(stamp)
    assert not any(stamp.same(Stamp(*other)) for other in OTHERS)
    assert stamp._replace(ctime_ns=UNKNOWN_CTIME).same(stamp)
    assert not stamp._replace(ctime_ns=READ_AGAIN_CTIME).same(stamp)
