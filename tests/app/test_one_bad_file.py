"""One file that cannot be taken in is a problem of its own: every other file is indexed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.hostile_files import KINDS
from support.tiny_home import ken_json, notes, with_tiny_model

from app.config import Config
from app.connect import local_library
from app.library import Library
from app.sync import pipeline
from app.sync.extract_stage import ReaderPools
from index.errors import IndexFull
from index.extract import ChunkerSettings, ExtractedDocument, ReaderPool
from index.store.store import Store
from index.types import FileRecord
from index.walk.walker import FoundFile, Rules, Skipped

GOOD = 300


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_tiny_model(monkeypatch, home)
    return tmp_path / "notes"


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with local_library(Config()) as library:
        yield library


def good(folder: Path, number: int) -> Path:
    return notes(folder, **{f"good{i}__md": f"# Good {i}\n\nAbout subject{i}.\n" for i in range(number)})


def indexed(library: Library, folder: Path) -> set[str]:
    return {Path(path).name for path, record in _files(library, folder).items() if record.state == "indexed"}


def _files(library: Library, folder: Path) -> dict[str, FileRecord]:
    store = library.index.store()
    assert store is not None
    return store.files(str(folder))


def names(number: int) -> set[str]:
    return {f"good{i}.md" for i in range(number)}


def test_all_kinds_of_hostile_files_beside_good_ones(folder: Path) -> None:
    good(folder, GOOD)
    hostile = [make(folder) for make in KINDS.values()]
    ken_json("index", folder)
    told = {problem["path"] for problem in ken_json("status", "--problems")}
    for number in range(0, GOOD, 7):
        (hit,) = ken_json("search", "--mode", "words", f"subject{number}")["hits"]
        assert Path(hit["path"]).name == f"good{number}.md"
    for path in hostile:
        why = ken_json("why", path)
        assert why["indexed"] or path.is_dir() or str(path) in told or why["reason"], path
    again = ken_json("index", folder)
    assert (again["added"], again["changed"], again["failed"], again["embedded"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone(library: Library, folder: Path, kind: str) -> None:
    KINDS[kind](good(folder, 3))
    library.add([str(folder)])
    library.sync()
    assert names(3) <= indexed(library, folder)
    assert library.sync().added == 0


def test_a_file_becomes_a_folder_and_a_folder_a_file(library: Library, folder: Path) -> None:
    good(folder, 3)
    (folder / "turns.md").write_text("About herons.\n")
    (folder / "sub.md").mkdir()
    (folder / "sub.md" / "inner.md").write_text("About terns.\n")
    library.add([str(folder)])
    library.sync()
    (folder / "turns.md").unlink()
    (folder / "turns.md").mkdir()
    (folder / "turns.md" / "new.md").write_text("About gulls.\n")
    (folder / "sub.md" / "inner.md").unlink()
    (folder / "sub.md").rmdir()
    (folder / "sub.md").write_text("About storks.\n")
    library.sync()
    assert indexed(library, folder) == {*names(3), "new.md", "sub.md"}


class Failing(ReaderPool):
    """Fails at one file as nobody foresaw, and sees another vanish before it is read."""

    def read(
        self, path: str, chunking: ChunkerSettings | None = None, *, real: str = ""
    ) -> ExtractedDocument:
        if path.endswith("odd.md"):
            raise ZeroDivisionError("odd")
        if path.endswith("vanishing.md"):
            Path(path).unlink()
        return super().read(path, chunking, real=real)


def test_a_reader_that_fails_as_nobody_foresaw(library: Library, folder: Path, tmp_path: Path) -> None:
    good(folder, 3)
    notes(folder, odd__md="odd", vanishing__md="vanishing")
    library.add([str(folder)])
    with library.writer._writing(library.model.fingerprint) as store:
        readers = ReaderPools(1)
        readers.all = Failing(1)
        report = pipeline.Pipeline(store, library.model, Rules(), readers=readers).sync([str(folder)])
        readers.close()
    assert (report.added, report.failed) == (3, 1)
    assert _files(library, folder)[str(folder / "odd.md")].reason == "Reading it failed (ZeroDivisionError)."
    assert str(folder / "vanishing.md") not in _files(library, folder)


def test_moves_that_the_index_refuses_keep_no_other_file_out(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(folder, 4)
    library.add([str(folder)])
    library.sync()
    move_all = Store.move_all

    def refusing(self: Store, moves: Sequence[tuple[str, FileRecord]]) -> None:
        if any(record.path.endswith("refused.md") for _, record in moves):
            raise ValueError("refused")
        move_all(self, moves)

    monkeypatch.setattr(Store, "move_all", refusing)
    (folder / "good0.md").rename(folder / "refused.md")
    (folder / "good1.md").rename(folder / "moved.md")
    notes(folder, new__md="# New\n")
    report = library.sync()
    assert (report.moved, report.added) == (1, 2), "what could not be moved is read anew"
    assert {"moved.md", "refused.md", "new.md", "good2.md", "good3.md"} <= indexed(library, folder)


def test_a_folder_at_which_walking_fails_keeps_its_files_and_the_others_are_compared(
    library: Library, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, other = good(tmp_path / "odd", 2), good(folder, 2)
    library.add([str(odd), str(other)])
    library.sync()
    walk = pipeline.RootSet.walk

    def failing(self: pipeline.RootSet, root: str, rules: Rules) -> Iterator[FoundFile | Skipped]:
        if root == str(odd):
            raise RuntimeError("odd")
        return walk(self, root, rules)

    monkeypatch.setattr(pipeline.RootSet, "walk", failing)
    notes(other, new__md="# New\n")
    report = library.sync()
    assert report.added == 1 and any(str(odd) in notice for notice in report.notices)
    assert indexed(library, odd) == names(2)


def test_what_the_machine_makes_fail_stops_with_its_title(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(folder, 2)
    library.add([str(folder)])

    def full(*_: object) -> None:
        raise IndexFull("The disk is full.", "Free some space.")

    monkeypatch.setattr(Store, "put", full)
    with pytest.raises(IndexFull):
        library.sync()


NAMES = st.binary(min_size=1, max_size=200).filter(lambda name: not {0, 47} & {*name} and name.strip(b"."))
TIMES = st.integers(-(1 << 62), 1 << 62)
FRONT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, changed_ns=TIMES, front=FRONT, body=st.text() | st.binary())
def test_any_name_time_and_front_matter(
    library: Library, tmp_path: Path, name: bytes, changed_ns: int, front: object, body: str | bytes
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as made:
        folder = good(Path(made), 1)
        data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.write_bytes(f"---\ntitle: {front!r}\n---\n".encode("utf-8", "surrogatepass") + data)
        os.utime(path, ns=(changed_ns, changed_ns))
        library.add([str(folder)])
        report = library.sync()
        assert "good0.md" in indexed(library, folder)
        assert not any("could not be compared" in notice for notice in report.notices)
        library.forget(str(folder))
