"""Filters take any number of values: SQLite's limits on expressions and bindings are met nowhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.index_content import passage, record

from index.search.searcher import Searcher
from index.store.store import Store
from index.types import Filter

FILES = 1_000


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    path = tmp_path_factory.mktemp("many") / "index.db"
    with Store(path, fingerprint="a") as store:
        store.put([(record(f"/n/f{i}/{i}.md"), [passage(f"heron {i}")]) for i in range(FILES)])
    with Searcher(path) as opened:
        yield opened


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
