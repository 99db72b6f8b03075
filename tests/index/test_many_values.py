"""Filters take any number of values: SQLite's limits on expressions and bindings are met nowhere."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.index_content import passage, record

from app.query import parse
from index.search.filter_sql import where_clause
from index.search.many_values import GlobCandidates, NamedFolders, Suffixes
from index.search.searcher import Searcher
from index.store.database import fetch_all, open_reader
from index.store.store import Store
from index.store.word_forms import casefolded
from index.types import Filter

FILES = 1_000


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "index.db"
    with Store(path, fingerprint="a") as store:
        store.put([(record(f"/n/f{i}/{i}.md"), [passage(f"heron {i}")]) for i in range(FILES)])
    return path


@pytest.fixture(scope="module")
def searcher(index: Path) -> Iterator[Searcher]:
    with Searcher(index) as opened:
        yield opened


@contextlib.contextmanager
def counted(db: apsw.Connection) -> Iterator[Counter[str]]:
    """Counts the steps of SQLite's machine and the calls in Python."""
    count: Counter[str] = Counter()

    def step() -> bool:
        count["steps"] += 1
        return False

    db.set_progress_handler(step, 1)
    sys.setprofile(lambda frame, event, argument: count.update([event]))
    try:
        yield count
    finally:
        sys.setprofile(None)


ABSENT = tuple(f"/absent/{i}" for i in range(50_000))
MANY: dict[str, Filter] = {
    "files": Filter(files=(*ABSENT, "/n/f7/7.md")),
    "folders by path": Filter(folders=(*ABSENT[:1_000], "/n/f7")),
    "folders by name": Filter(folders=(*(f"absent{i}" for i in range(1_000)), "f7")),
    "globs": Filter(globs=(*(f"*.x{i}" for i in range(5_000)), "*/f7/*.md")),
    "kinds": Filter(kinds=(*(f"kind{i}" for i in range(33_000)), "markdown"), files=("/n/f7/7.md",)),
    "suffixes": Filter(suffixes=(*(f".x{i}" for i in range(500)), "/7.md")),
    "languages": Filter(languages=(*(f"language{i}" for i in range(33_000)), ""), files=("/n/f7/7.md",)),
}


@pytest.mark.parametrize("what", MANY)
def test_a_filter_of_many_values_finds_what_one_of_few_does(searcher: Searcher, what: str) -> None:
    hits = searcher.search("heron", None, mode="words", filter=MANY[what]).hits
    assert [hit.path for hit in hits] == ["/n/f7/7.md"]


@pytest.mark.parametrize(
    ("key", "few"),
    [("folders", "f7"), ("folders", "n/f7"), ("suffixes", "/7.md"), ("globs", "*/7.md"), ("globs", "f7/**")],
)
def test_a_file_costs_no_more_with_thousands_of_values(key: str, few: str, index: Path) -> None:
    """In SQLite's steps and Python's calls, where comparing each file with each value takes seconds."""

    def work(number: int) -> int:
        values = (*(f"{few[0]}x{i}{few[1:]}" for i in range(number)), few)
        where, bindings = where_clause(Filter(**{key: values}))  # type: ignore[arg-type]
        with contextlib.closing(open_reader(index)) as db, counted(db) as count:
            found = fetch_all(db, f"SELECT path FROM files WHERE {where}", bindings)
        assert found == [(b"/n/f7/7.md",)]
        return count.total()

    assert work(5_000) < 2 * work(10)


@pytest.mark.parametrize(
    "typed",
    [
        "-in:absent{}",
        "-glob:*.x{}",
        pytest.param("-tag:absent{}", marks=pytest.mark.slow),
        "-heading:absent{}",
    ],
)
def test_thousands_of_exclusions_exclude_nothing_else(typed: str, searcher: Searcher) -> None:
    query = parse("heron in:f7 " + " ".join(typed.format(i) for i in range(3_000)))
    hits = searcher.search(query.text, None, mode="words", filter=query.filter).hits
    assert [hit.path for hit in hits] == ["/n/f7/7.md"]
    excluded = parse("heron in:f7 -in:f7 " + " ".join(typed.format(i) for i in range(10)))
    assert not searcher.search(excluded.text, None, mode="words", filter=excluded.filter).hits


def test_a_folder_of_any_letters_is_found_beside_a_path_of_any_bytes(tmp_path: Path) -> None:
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        paths = ["/n/Büro/a.md", "/n/b\udcffd/b.md"]
        store.put([(record(path), [passage(f"heron {path}")]) for path in paths])
    with Searcher(tmp_path / "index.db") as searcher:
        for name, found in (("bu\u0308ro", paths[:1]), ("b\udcffd", paths[1:]), ("büro,n", paths)):
            filter_ = parse(f"in:{name}").filter
            hits = searcher.search("heron", None, mode="words", filter=filter_).hits
            assert sorted(hit.path for hit in hits) == found, name


PARTS = ("a", "B", "é", "e\u0301", "\udcff", "x.md", "y.MD", "[b]")


@given(
    folders=st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3), min_size=1, max_size=3),
    path=st.lists(st.sampled_from(PARTS), min_size=1, max_size=5),
)
def test_a_table_of_names_says_what_comparing_says(folders: list[list[str]], path: list[str]) -> None:
    names, whole = ["/".join(one) for one in folders], "/" + "/".join(path)
    expected = any(f"/{casefolded(name)}/" in casefolded(whole) for name in names)
    assert NamedFolders(names)(os.fsencode(whole)) == expected
    ends = [name.lower() for name in names]
    assert Suffixes(ends)(os.fsencode(whole)) == whole.lower().endswith(tuple(ends))


PIECES = st.sampled_from(("/", "*", "?", "a", "[ab]", ".md", "]", "/d/"))


@given(
    patterns=st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), max_size=3),
    path=st.lists(PIECES, min_size=1, max_size=6).map("".join),
)
def test_no_pattern_that_matches_is_left_out(patterns: list[str], path: str) -> None:
    db = apsw.Connection(":memory:")
    matching = [p for p in patterns if db.execute("SELECT ? GLOB ?", (path, p)).get]
    assert set(matching) <= set(json.loads(GlobCandidates(patterns)(path.encode())))
