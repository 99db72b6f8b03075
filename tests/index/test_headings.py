"""A heading or a definition that is typed is the first hit, also nearly typed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.index_content import embed, embed_all, passage, record

from index.search.searcher import Searcher
from index.store.database import fetch_all, open_reader
from index.store.store import Store
from index.types import Filter, Place

FIXTURE = Path(__file__).parents[1] / "fixtures" / "index-0.1.0.db.gz"


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "index.db"
    with Store(path, fingerprint="a") as store:
        uses = [passage(f"free_berths free_berths of harbour {i}") for i in range(8)]
        source = [passage("def free_berths(): ...", heading=("Harbour", "free_berths"))]
        inside = passage("Mooring\nbuoys\nLong lines hold.", heading=("Mooring",))
        places = (Place(0, 1, True, None, ("Mooring",)), Place(8, 2, True, None, ("Mooring", "Long lines")))
        store.put(
            [
                (replace(record("/n/uses.py"), kind="code"), uses),
                (replace(record("/n/harbour.py"), kind="code"), source),
                (record("/n/notes.md"), [inside._replace(places=places)]),
                (record("/n/other.md"), [passage("Long lines of waiting boats, long lines of cars")]),
                (record("/n/signals.md"), [passage("Flags and lamps")]),
            ]
        )
        embed_all(store)
    yield path


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("free_berths", "harbour.py"),
        ("free berths", "harbour.py"),
        ("FreeBerths", "harbour.py"),
        ("freeberths", "harbour.py"),
        ("fre_berths", "harbour.py"),
        ("frebe_rths", "harbour.py"),
        ("mooring", "notes.md"),
        ("long lines", "notes.md"),
        ("Long lnies", "notes.md"),
        ("singals.md", "signals.md"),
    ],
)
def test_it_is_first_however_it_is_joined_and_with_a_letter_wrong(path: Path, query: str, name: str) -> None:
    with Searcher(path) as searcher:
        for vector in (None, embed("elsewhere")):
            found = searcher.search(query, vector)
            assert Path(found.hits[0].path).name == name
            exact = query.replace("_", "").replace(" ", "").casefold() in (
                "freeberths",
                "mooring",
                "longlines",
            )
            assert found.is_close or not exact


def test_a_beginning_finds_it_while_it_is_typed(path: Path) -> None:
    with Searcher(path) as searcher:
        for query, name in (("free_be", "harbour.py"), ("long li", "notes.md"), ("signal", "signals.md")):
            assert Path(searcher.search(query, None, typing=True).hits[0].path).name == name


def test_it_is_found_only_where_the_filter_lets_it_pass_and_while_it_is_there(path: Path) -> None:
    with Searcher(path) as searcher:
        only = Filter(globs=("/n/uses.py",))
        hits = searcher.search("free_berths", None, filter=only).hits
        assert [Path(hit.path).name for hit in hits] == ["uses.py"]
    with Store(path) as store:
        store.put([(replace(record("/n/harbour.py"), kind="code"), [passage("nothing here")])])
        store.remove(["/n/notes.md"])
        assert store.check() == []
    assert fetch_all(open_reader(path), "SELECT key FROM headings") == []


def test_headings_of_an_older_index_are_known_without_reading_its_files_again(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    with Store(path):
        """Opening brings the tables up to date."""
    db = open_reader(path)
    headings = {heading for (heading,) in fetch_all(db, "SELECT heading FROM passages") if heading}
    keys = {key for (key,) in fetch_all(db, "SELECT key FROM headings")}
    assert headings
    assert {"".join(filter(str.isalnum, one.split("\x1f")[-1].casefold())) for one in headings} == keys
