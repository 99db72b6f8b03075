"""An index file of release 0.1.0 opens, is brought up to date once, answers, and can be written.

The fixture holds four documents and one problem under /srv/ken-fixture/notes, with vectors of the tiny
model. It is never made again: a release has to open what an earlier release wrote.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.search.searcher import Searcher
from index.store.database import fetch_all, needs_migration, open_reader
from index.store.migrations import MIGRATIONS
from index.store.salvage import salvage
from index.store.store import Store
from index.types import UNKNOWN_CTIME, Filter

FIXTURE = Path(__file__).parents[1] / "fixtures" / "index-0.1.0.db.gz"
ROOT = "/srv/ken-fixture/notes"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.db"
    path.write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    return path


def names(searcher: Searcher, query: str, **more: object) -> list[str]:
    return [Path(hit.path).name for hit in searcher.search(query, None, mode="words", **more).hits]  # type: ignore[arg-type]


def test_what_was_indexed_is_still_there_and_agrees(index: Path) -> None:
    with Store(index) as store:
        assert [folder.path for folder in store.roots()] == [ROOT]
        files = store.files()
        assert sorted(Path(path).name for path in files) == [
            "empty.txt", "garden.md", "guide.pdf", "harbour.md", "tides.py",
        ]  # fmt: skip
        assert store.counts().passages == 7
        assert store.counts().pending == 0
        assert store.check() == []
    assert not needs_migration(index)
    assert int(open_reader(index).pragma("user_version")) == len(MIGRATIONS)


def test_source_files_alone_are_read_again_for_functions_as_one_passage(
    index: Path,
) -> None:
    with Store(index) as store:
        store.put([(replace(one, ctime_ns=7), []) for one in store.files().values()])
        with store.writing() as db:
            dict(MIGRATIONS)["functions as one passage"](db)
        again = {Path(path).name for path, record in store.files().items() if record.ctime_ns != 7}
        assert again == {"tides.py"}


def test_words_and_filters_answer(index: Path) -> None:
    with Store(index):
        """Opening brings the tables up to date."""
    with Searcher(index) as searcher:
        assert names(searcher, "south wall") == ["garden.md"]
        assert names(searcher, "harbour", filter=Filter(kinds=("pdf",))) == ["guide.pdf"]
        assert names(searcher, "moor quay", filter=Filter(folders=(ROOT,)))[0] in ("harbour.md", "guide.pdf")


def test_meaning_answers_from_the_vectors_that_are_stored(index: Path) -> None:
    with Searcher(index) as searcher:
        for hit in searcher.similar(f"{ROOT}/harbour.md", None, limit=3, filter=Filter()).hits:
            assert hit.similarity is not None
            assert -1.001 <= hit.similarity <= 1.001
            assert np.isfinite(hit.score)


def test_it_can_be_written(index: Path) -> None:
    with Store(index) as store:
        assert store.forget(f"{ROOT}/garden.md") == 1
        assert store.check() == []
    with Searcher(index) as searcher:
        assert names(searcher, "south wall") == []
        assert fetch_all(open_reader(index), "SELECT count(*) FROM files") == [(4,)]


def test_what_it_holds_is_saved_where_it_is_damaged_before_it_was_brought_up_to_date(index: Path) -> None:
    assert salvage(index).files == 5
    with Store(index) as store:
        assert all(record.ctime_ns == UNKNOWN_CTIME for record in store.files().values())
        assert store.counts().passages == 7
