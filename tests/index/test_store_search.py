"""The store and the searcher together: what is put is found, by words at once and by meaning later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.index_content import embed, embed_all, passage, record

from index.search import fusion
from index.search.searcher import Searcher
from index.store.database import SnapshotPool
from index.store.fts_query import DocumentFrequencies, parse_query
from index.store.store import Store
from index.types import Filter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "index.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, fingerprint="a") as store:
        yield store


def test_words_are_found_before_vectors_are_there(store: Store, path: Path) -> None:
    assert (
        store.put([(record("/n/a.md"), [passage("the sourdough starter"), passage("a bicycle chain", 3)])])
        == 2
    )
    with Searcher(path) as searcher:
        results = searcher.search("bicycles", None)
    assert [(hit.path, hit.line, hit.text) for hit in results.hits] == [("/n/a.md", 3, "a bicycle chain")]
    hit = results.hits[0]
    assert [hit.snippet[a:b] for a, b in hit.matched] == ["bicycle"]


def test_meaning_finds_the_nearest(store: Store, path: Path) -> None:
    store.put([(record(f"/n/{i}.md"), [passage(f"text number {i}")]) for i in range(50)])
    embed_all(store)
    assert store.counts().pending == 0
    with Searcher(path) as searcher:
        results = searcher.search("anything", embed("text number 7"), mode="meaning")
    assert results.hits[0].path == "/n/7.md"
    assert results.hits[0].similarity == pytest.approx(1, abs=2e-3)


def test_words_count_less_where_the_index_knows_few_of_the_query(store: Store, path: Path) -> None:
    """As in a query in another language, of which the index knows a number alone."""
    texts = {"The breakwater of the old town.": 0.6, "A bill of 1612 marks for rope.": 0.5}
    store.put([(record(f"/{i}.md"), [passage(text)]) for i, text in enumerate([*texts, "Tea.", "Oars."])])
    made = np.zeros((4, 768), np.float32)
    for i, one in enumerate(waiting := store.pending(10)):
        made[i, 0] = texts.get(one.text, 0)
        made[i, 1 + i] = np.sqrt(1 - made[i, 0] ** 2)
    store.put_vectors([one.id for one in waiting], made)
    with Searcher(path) as searcher:

        def first(query: str) -> str:
            return searcher.ranking(query, np.eye(768, dtype=np.float32)[0])[0][0]

        assert first("1612") == first("rope 1612 bill") == "/1.md"
        assert first("wann wurde sie gebaut 1612") == "/0.md"


def test_code_is_ordered_by_the_vector_for_code_and_does_not_push_prose_out(store: Store, path: Path) -> None:
    names = ["/n/one.md", "/n/two.md", "/n/one.py", "/n/two.py"]
    kinds = {".md": "markdown", ".py": "code"}
    store.put([(replace(record(name), kind=kinds[Path(name).suffix]), [passage(name)]) for name in names])
    rows = np.eye(768, dtype=np.float32)
    # Cosines with the vector for prose; that for code is nearer to all code, most of all to two.py.
    cosines = {"one.md": (0.8, 0), "two.md": (0.6, 0), "one.py": (0.5, 0.6), "two.py": (0.4, 0.9)}
    waiting = store.pending(10)
    made = rows[2 : 2 + len(waiting)].copy()
    made[:, :2] = [cosines[Path(one.text).name] for one in waiting]
    made[range(len(waiting)), range(2, 2 + len(waiting))] = np.sqrt(1 - (made[:, :2] ** 2).sum(axis=1))
    store.put_vectors([one.id for one in waiting], made)
    with Searcher(path) as searcher:

        def found(vector: NDArray[np.float32]) -> list[tuple[str, float]]:
            hits = searcher.search("x", vector, mode="meaning").hits
            return [(Path(hit.path).name, round(hit.similarity or 0, 2)) for hit in hits]

        assert found(rows[0]) == [("one.md", 0.8), ("two.md", 0.6), ("one.py", 0.5), ("two.py", 0.4)]
        # 0.6 and 0.9 less their mean, plus that of 0.5 and 0.4.
        assert found(rows[:2]) == [("one.md", 0.8), ("two.md", 0.6), ("two.py", 0.6), ("one.py", 0.3)]


def test_equal_texts_wait_once_and_survive_their_first_file(store: Store) -> None:
    store.put([(record("/a.md"), [passage("same")]), (record("/b.md"), [passage("same")])])
    assert len(store.pending(10)) == 1
    embed_all(store)
    store.remove(["/a.md"])
    assert store.put([(record("/c.md"), [passage("same")])]) == 0


def test_a_number_used_again_does_not_keep_the_old_vector(store: Store, path: Path) -> None:
    store.put([(record("/a.md"), [passage("old")])])
    embed_all(store)
    store.put([(record("/a.md"), [passage("new")])])
    with Searcher(path) as searcher:
        assert searcher.search("x", embed("old"), mode="meaning").hits == ()
        embed_all(store)
        assert searcher.search("x", embed("new"), mode="meaning").hits[0].text == "new"


def test_a_narrow_filter_still_returns_its_k(store: Store, path: Path) -> None:
    store.put([(record(f"/n/{i}.md"), [passage(f"note {i}")]) for i in range(600)])
    store.put([(record(f"/far/{i}.md"), [passage(f"other {i}")]) for i in range(5)])
    embed_all(store)
    with Searcher(path) as searcher:
        found = searcher.search("note", embed("note 3"), filter=Filter(folders=("/far",)), limit=5)
    assert {hit.path for hit in found.hits} == {f"/far/{i}.md" for i in range(5)}


def test_move_keeps_vectors_and_finds_the_new_name(store: Store, path: Path) -> None:
    store.put([(record("/a.md"), [passage("moving text")])])
    embed_all(store)
    store.move("/a.md", "/b/c.md", record("/b/c.md"))
    assert store.counts().pending == 0
    with Searcher(path) as searcher:
        assert searcher.search("moving", embed("moving text")).hits[0].path == "/b/c.md"


def test_reembedding_serves_the_old_until_the_new_is_whole(store: Store, path: Path) -> None:
    store.put([(record(f"/{i}.md"), [passage(f"note {i}")]) for i in range(20)])
    embed_all(store)
    store.begin_reembedding("b")
    waiting = store.pending(100)
    assert len(waiting) == 20
    store.put_vectors([one.id for one in waiting[:10]], np.stack([-embed(one.text) for one in waiting[:10]]))
    with Searcher(path) as searcher:
        assert searcher.search("x", embed("note 3"), mode="meaning").hits[0].path == "/3.md"
        assert store.fingerprint == "a"
        store.put_vectors(
            [one.id for one in waiting[10:]], np.stack([-embed(one.text) for one in waiting[10:]])
        )
        assert store.fingerprint == "b"
        assert searcher.search("x", -embed("note 3"), mode="meaning").hits[0].path == "/3.md"


def test_paths_that_are_not_utf8_come_back_as_they_were(store: Store) -> None:
    odd = "/n/caf\udce9.md"
    store.put([(record(odd), [passage("bad \udce9 byte")])])
    assert list(store.files()) == [odd]
    assert store.forget("/n") == 1
    assert store.files() == {}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("私は昨日東京都に住んでいる友人に会った", "東京"),
        ("我今天去图书馆借了一本书", "图书馆"),
        ("ฉันรักแมวสีดำมากที่สุด", "แมว"),
        ("오늘 도서관에서 책을 빌렸다", "도서관"),
        ("हिन्दी में लिखा हुआ", "हिन्दी"),
    ],
)
def test_words_inside_longer_runs_are_found(store: Store, path: Path, text: str, query: str) -> None:
    store.put([(record("/a.md"), [passage(text)]), (record("/b.md"), [passage("something else")])])
    with Searcher(path) as searcher:
        assert [hit.path for hit in searcher.search(query, None).hits] == ["/a.md"]


@pytest.mark.parametrize(
    "query", ['"', "a AND (", "NEAR(", "x*", "col:val", "^a", "-", "'; DROP TABLE", "\0", "{a}", "()"]
)
def test_any_text_is_a_safe_query(store: Store, path: Path, query: str) -> None:
    store.put([(record("/a.md"), [passage("a x col val near drop table")])])
    with Searcher(path) as searcher:
        searcher.search(query, None)
        searcher.search(query, embed("q"), typing=True)


def test_the_word_being_typed_is_found_past_its_stem(store: Store, path: Path) -> None:
    store.put([(record("/a.md"), [passage("a network connection dropped")])])
    with Searcher(path) as searcher:
        for typed in ("con", "conne", "connecti", "connection"):
            assert searcher.search(typed, None, typing=True).hits, typed


def test_the_file_is_private(store: Store, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_resident_copy_follows_the_file(store: Store, path: Path) -> None:
    store.put([(record(f"/n/{i}.md"), [passage(f"text number {i}")]) for i in range(300)])
    with Searcher(path, cached_vectors=True) as warm, Searcher(path) as cold:
        for step in range(4):
            embed_all(store)
            query = embed(f"question {step}")
            ours, theirs = (one.search("x", query, mode="meaning").hits for one in (warm, cold))
            assert [hit.path for hit in ours] == [hit.path for hit in theirs]
            narrow = Filter(globs=("/n/1*",))
            ours, theirs = (
                one.search("x", query, mode="meaning", filter=narrow).hits for one in (warm, cold)
            )
            assert [hit.path for hit in ours] == [hit.path for hit in theirs]
            store.remove([hit.path for hit in ours])
            store.put([(record(f"/n/1{step}{i}.md"), [passage(f"step {step} {i}")]) for i in range(50)])


def test_a_file_is_found_by_its_name(store: Store, path: Path) -> None:
    store.put(
        [
            (record(f"/home/u/{name}.md"), [passage(f"body {i}")])
            for i, name in enumerate(("tax-2023", "a", "b"))
        ]
    )
    with Searcher(path) as searcher:
        assert searcher.search("tax 2023", None).hits[0].path == "/home/u/tax-2023.md"
        assert searcher.search("home", None).hits == ()


def test_a_quoted_phrase_must_occur(store: Store, path: Path) -> None:
    store.put(
        [(record("/a.md"), [passage("the red car stops")]), (record("/b.md"), [passage("car red the")])]
    )
    embed_all(store)
    with Searcher(path) as searcher:
        for vector in (None, embed("car red the")):
            assert [hit.path for hit in searcher.search('"red car" stops', vector).hits] == ["/a.md"]


def test_a_ranking_ignores_a_phrase_that_occurs_nowhere_as_a_search_does(store: Store, path: Path) -> None:
    store.put([(record("/a.md"), [passage("the red car stops")]), (record("/b.md"), [passage("a boat")])])
    with Searcher(path) as searcher:
        assert [name for name, _ in searcher.ranking('"blue car" stops', None)] == ["/a.md"]
        assert [name for name, _ in searcher.ranking('"a boat" stops', None)] == ["/b.md"]


def test_a_passage_whose_vector_is_still_to_come_is_found_by_its_words() -> None:
    cosines = np.array([0.5, 0.45, 0.4, np.nan], np.float32)
    words = np.array([np.nan, np.nan, np.nan, 0.9], np.float32)
    assert int(np.argmax(fusion.fuse(cosines, words))) == 3
    assert np.isfinite(fusion.fuse(np.full(2, np.nan, np.float32), words[:2])).all()


FILTERS = (
    Filter(folders=("/even",)),
    Filter(globs=("*7.md",)),
    Filter(heading="rare"),
    Filter(folders=("/odd",), heading="usual"),
    Filter(kinds=("nothing",)),
)


@pytest.mark.parametrize("narrowed", FILTERS)
@pytest.mark.parametrize("cached_vectors", [False, True])
def test_a_filter_finds_the_same_however_many_files_it_lets_through(
    store: Store, path: Path, narrowed: Filter, cached_vectors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(600):
        heading = ("rare",) if i % 150 == 7 else ("usual",)
        folder = "odd" if i % 2 else "even"
        store.put([(record(f"/{folder}/{i}.md"), [passage(f"note {i % 9} word {i}", 1, heading)])])
    embed_all(store)

    def found() -> list[list[str]]:
        with Searcher(path, cached_vectors=cached_vectors) as searcher:
            return [
                [hit.path for hit in searcher.search("note 7 word", vector, mode=mode, filter=narrowed).hits]
                for vector, mode in ((embed("q"), "meaning"), (embed("q"), "hybrid"), (None, "words"))
            ]

    few = found()
    monkeypatch.setattr("index.search.filters.FEW_FILES", 0)
    monkeypatch.setattr("index.search.filters.FEW_SHARE", 1_000)
    assert found() == few
    assert all(len(paths) == len(few[0]) for paths in few[:2])


def test_a_common_word_is_found_where_only_old_texts_hold_it(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.search.lexical.WORK_ROWS", 20)
    store.put([(record(f"/old/{i}.md"), [passage(f"boat {i}")]) for i in range(40)])
    store.put([(record(f"/new/{i}.md"), [passage(f"kite {i}")]) for i in range(400)])
    with Searcher(path) as searcher:
        assert len(searcher.search("boat", None, limit=20).hits) == 20


def test_a_typed_prefix_is_counted_as_it_is_looked_for(store: Store, path: Path) -> None:
    store.put([(record("/a.md"), [passage("also")]), (record("/b.md"), [passage("all")])])
    with SnapshotPool(path) as pool, pool.snapshot() as db:
        (clause,) = parse_query(db, "als", DocumentFrequencies(), typing=True).clauses
        matched = db.execute("SELECT count(*) FROM words WHERE words MATCH ?", (clause.match,)).fetchone()
    assert matched == (clause.passage_count,) == (2,)


def test_a_word_too_common_to_be_counted_is_counted_in_a_sample(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.fts_query.EXACT_COUNT", 20)
    monkeypatch.setattr("index.store.fts_query.STRETCH_PASSAGES", 10)
    texts = [f"note {i} {'boat' if i % 4 == 0 else 'kite'} {'rare' if i < 10 else ''}" for i in range(400)]
    store.put([(record(f"/{i}.md"), [passage(text)]) for i, text in enumerate(texts)])
    with SnapshotPool(path) as pool, pool.snapshot() as db:
        clauses = parse_query(db, "note boat kite rare", DocumentFrequencies()).clauses
    counted = {clause.terms[0]: clause.passage_count for clause in clauses}
    assert counted["note"] == 400
    assert counted["boat"] == pytest.approx(100, rel=0.4)
    assert counted["kite"] == pytest.approx(300, rel=0.4)
    assert counted["rare"] == 10


def test_words_that_nearly_every_text_holds_find_the_newest(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.search.lexical.MOST_COUNTED", 50)
    store.put([(record(f"/n/{i}.md"), [passage(f"the boat {i}")]) for i in range(100)])
    with Searcher(path) as searcher:
        found = searcher.search("the boat", None, limit=5)
        narrow = searcher.search("the boat", None, limit=5, filter=Filter(globs=("/n/1?.md",)))
        phrase = searcher.search('"the boat 7"', None, limit=5)
        nothing = searcher.search("submarine", None)
    assert found.is_close
    assert {hit.path for hit in found.hits} <= {f"/n/{i}.md" for i in range(90, 100)}
    assert len(found.hits) == len(narrow.hits) == 5
    assert all(hit.path.startswith("/n/1") for hit in narrow.hits)
    assert [hit.path for hit in phrase.hits] == ["/n/7.md"]
    assert nothing.hits == ()
