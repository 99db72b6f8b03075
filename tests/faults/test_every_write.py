"""A fault at each single operation of the write path: the index is as it was before or as it is after.

A few operations by default, each with KEN_FAULTS=all.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import pytest
from support.faulty_vfs import BROKEN, FULL, FaultyVfs
from support.index_content import embed, embed_all, passage, record
from support.same_index import contents

from index.errors import IndexingError
from index.search.searcher import Searcher
from index.store.store import Store

ALL = os.environ.get("KEN_FAULTS") == "all"
POINTS = 40
"""Writes and syncs that fail by default, spread over all there are; of the rest, which are few, each does."""

Step = Callable[[Store], object]


def note(name: str, words: str, passages: int = 2) -> tuple[Any, list[Any]]:
    return record(f"/n/{name}.md"), [passage(f"{words} {i}", i + 1) for i in range(passages)]


def put(*notes: tuple[Any, list[Any]]) -> Step:
    return lambda store: store.put(notes)


STEPS: tuple[Step, ...] = (
    lambda store: store.use_versions("a", "chunker"),
    lambda store: store.add_root("/n"),
    put(*(note(f"first{i}", f"about subject {i}", 5) for i in range(30))),
    embed_all,
    put(note("first0", "something else"), note("first1", "about subject 1", 5)),
    embed_all,
    lambda store: store.move("/n/first2.md", "/n/moved.md", record("/n/moved.md")),
    lambda store: store.remove([f"/n/first{i}.md" for i in range(3, 20)]),
    put(*(note(f"later{i}", f"much later {i}", 4) for i in range(20))),
    embed_all,
    lambda store: store.set_root_state("/n", "missing", "away"),
    lambda store: store.use_versions("b", "chunker"),
    embed_all,
    lambda store: store.forget("/n/later1.md"),
)
"""Each is one transaction or several of which each may be all that happens."""


@pytest.fixture
def disk() -> Iterator[FaultyVfs]:
    disk = FaultyVfs()
    yield disk
    gc.collect()
    disk.unregister()


def run(index: Path, began: int = 0) -> Iterator[int]:
    """Do the steps from number `began` on, and give the number of each that is done."""
    store = Store(index)
    try:
        for number, step in enumerate(STEPS[began:], began):
            step(store)
            yield number
    finally:
        # SQLite says nothing of what fails while it closes; only the stand-in's exception comes through.
        with suppress(apsw.Error):
            store.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """What the index holds before the first step, after the first, and so on."""
    index = tmp_path_factory.mktemp("whole") / "index.db"
    with Store(index):
        found = [contents(index)]
    return found + [contents(index) for _ in run(index)]


def points(disk: FaultyVfs, folder: Path) -> Iterator[tuple[int, str]]:
    """Which operation fails, and what it is."""
    with disk.fails(0, None):
        list(run(folder / "counted" / "index.db"))
    operations = disk.operations
    assert len(operations) > 200
    for point, what in enumerate(operations, 1):
        if ALL or what not in ("write", "sync") or point % (len(operations) // POINTS) == 0:
            yield point, f"{what}, operation {point} of {len(operations)}"


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("error", [FULL, BROKEN])
def test_an_index_is_as_before_or_as_after_whatever_fails(
    disk: FaultyVfs, expected: list[object], tmp_path: Path, error: type[apsw.Error], lasting: bool
) -> None:
    for point, where in points(disk, tmp_path):
        index = tmp_path / str(point) / "index.db"
        done = 0
        with disk.fails(point, error, lasting=lasting):
            try:
                for number in run(index):
                    done = number + 1
            except IndexingError as raised:
                assert raised.title and raised.what and raised.fix
            else:
                assert done == len(STEPS)
            assert disk.failed
        _goes_on(index, expected, done, where)


def _goes_on(index: Path, expected: list[object], done: int, where: str) -> None:
    """The index equals what it was before or after the step that failed, and at the end what it should."""
    with Store(index) as store:
        assert store.check() == [], where
    assert contents(index) in expected[done : done + 2], where
    list(run(index, done))
    assert contents(index) == expected[-1], where
    with Store(index) as store:
        assert store.check() == [], where


@pytest.mark.parametrize("error", [FULL, BROKEN])
def test_a_connection_that_stays_open_goes_on(
    disk: FaultyVfs, expected: list[object], tmp_path: Path, error: type[apsw.Error]
) -> None:
    """As the daemon's does: the step that failed is done again, and nothing is opened anew."""
    for point, where in points(disk, tmp_path):
        index = tmp_path / str(point) / "index.db"
        Store(index).close()
        store = Store(index)
        with disk.fails(point, error):
            for step in STEPS:
                try:
                    step(store)
                except IndexingError:
                    step(store)
            with suppress(apsw.Error):
                store.close()
        assert contents(index) == expected[-1], where
        with Store(index) as store:
            assert store.check() == []


@pytest.mark.parametrize("cached_vectors", [False, True])
def test_a_question_after_a_read_that_failed_is_answered_as_before(
    disk: FaultyVfs, tmp_path: Path, cached_vectors: bool
) -> None:
    index = tmp_path / "index.db"
    list(run(index))

    def ask(searcher: Searcher) -> list[str]:
        found = searcher.search("later", embed("much later 7 1"), limit=5).hits
        return [hit.path for hit in found]

    with disk.fails(0, None, reads=True), Searcher(index, cached_vectors=cached_vectors) as searcher:
        expected = ask(searcher)
    reads = len(disk.operations)
    assert expected and reads > 5
    for point in range(1, reads + 1, 1 if ALL else max(1, reads // 10)):
        with disk.fails(point, BROKEN, reads=True):
            try:
                searcher = Searcher(index, cached_vectors=cached_vectors)
            except IndexingError:
                continue
            with searcher:
                try:
                    found = ask(searcher)
                except IndexingError as error:
                    assert error.title and error.fix
                    found = ask(searcher)
                assert found == expected, f"read {point} of {reads}"
