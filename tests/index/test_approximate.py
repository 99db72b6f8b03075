"""Approximate vectors: found by them until the model's come, in whatever order all else happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.index_content import embed, embed_all, passage, record

from index.errors import IndexingError
from index.search import fusion
from index.search.candidates import EMBEDDED
from index.search.searcher import Searcher
from index.store import approximate, export_import, generations, vectors
from index.store.embedding_queue import EmbeddingJob
from index.store.salvage import salvage
from index.store.store import Store
from index.types import Hit, Mode, Results

LENGTH = 0.7


def expectation(text: str) -> NDArray[np.float32]:
    """An expectation of the text's vector: near it, and shorter."""
    near = embed(text) + 0.5 * embed(f"noise of {text}")
    return np.asarray(LENGTH * near / np.linalg.norm(near), np.float32)


def approximate_all(store: Store) -> list[EmbeddingJob]:
    jobs = approximate.waiting(store, 500)
    if jobs:
        approximate.put(store, jobs, np.stack([expectation(job.text) for job in jobs]))
    return jobs


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record(f"/n/{i}.md"), [passage(f"note {i}")]) for i in range(6)])
        yield store


def nearest(store: Store, text: str, *, cached: bool = False) -> Hit:
    with Searcher(store.path, cached_vectors=cached) as searcher:
        return searcher.search(text, embed(text), mode="meaning").hits[0]


@pytest.mark.parametrize("cached", [False, True])
def test_a_pending_text_is_found_until_its_vector_comes(store: Store, cached: bool) -> None:
    approximate.use_student(store, "student")
    assert len(approximate_all(store)) == 6 and not approximate.waiting(store, 9)
    assert store.counts().pending == 6 and approximate.are_complete(store)
    before = nearest(store, "note 3", cached=cached)
    assert before.path == "/n/3.md" and before.approximate
    assert before.similarity == pytest.approx(float(expectation("note 3") @ embed("note 3")), abs=0.01)
    (job,) = [job for job in store.pending(9) if job.text == "note 3"]
    store.put_vectors([job.id], embed("note 3")[None])
    after = nearest(store, "note 3", cached=cached)
    assert not after.approximate and after.similarity == pytest.approx(1, abs=0.01)
    assert nearest(store, "note 4", cached=cached).approximate
    embed_all(store)
    assert not approximate.exist(store) and store.counts().pending == 0 and store.check() == []


def test_candidates_are_found_by_the_expectation_of_what_is_stored_of_a_vector(store: Store) -> None:
    """At 256 dimensions the head of a true vector is divided by its norm, which is nearly always the same."""
    head = 0.6 * vectors.HEAD_NORM * np.eye(1, 256, dtype=np.float32)
    rows = np.concatenate([head, np.full((1, 512), 0.01, np.float32)], axis=1)
    (job, *_) = approximate.waiting(store, 1)
    approximate.put(store, [job], rows)
    with store.reading() as db:
        query = rows / np.linalg.norm(rows)
        _, short = vectors.cosines(db, generations.serving(db), query, [job.id], 256)
        _, full = vectors.cosines(db, generations.serving(db), query, [job.id])
    assert short[0, 0] == pytest.approx(0.6, abs=0.001)
    assert full[0, 0] == pytest.approx(float(np.linalg.norm(rows)), abs=0.001)


def test_newest_files_first_in_windows(store: Store) -> None:
    with store.writing() as db:
        db.execute("UPDATE todo SET mtime_ns = text % 3")
    first = approximate.waiting(store, 2)
    approximate.put(store, first, np.stack([expectation(job.text) for job in first]))
    assert [job.id % 3 for job in first + approximate.waiting(store, 9)] == [2, 2, 1, 1, 0, 0]


@pytest.mark.parametrize("other", ["another student", ""])
def test_vectors_of_another_student_are_erased(store: Store, other: str) -> None:
    approximate.use_student(store, "student")
    approximate_all(store)
    approximate.use_student(store, "student")
    assert approximate.are_complete(store)
    (job, *_) = store.pending(1)
    store.put_vectors([job.id], embed(job.text)[None])
    approximate.use_student(store, other)
    assert not approximate.exist(store) and len(approximate.waiting(store, 9)) == 5
    with Searcher(store.path) as searcher:
        found = searcher.search(job.text, embed(job.text), mode="meaning").hits
    assert [hit.text for hit in found] == [job.text], "the model's vector stays"


def test_texts_that_went_or_have_their_vector_are_left_alone(store: Store) -> None:
    jobs = approximate.waiting(store, 9)
    gone, done = jobs[0], jobs[1]
    (path,) = (path for path in store.files() if path.endswith(f"{gone.text.split()[1]}.md"))
    store.remove([path])
    store.put([(record("/n/new.md"), [passage("new note")])])
    store.put_vectors([done.id], embed(done.text)[None])
    approximate.put(store, jobs, np.stack([expectation(job.text) for job in jobs]))
    assert [job.text for job in approximate.waiting(store, 9)] == ["new note"]
    assert not nearest(store, done.text).approximate


def test_while_another_model_s_vectors_are_made_there_is_no_new_one_and_none_is_taken_for_true(
    store: Store,
) -> None:
    approximate.use_student(store, "student")
    known, *_ = store.pending(1)
    store.put_vectors([known.id], embed(known.text)[None])
    approximate_all(store)
    store.use_versions("b", "")
    store.put([(record("/n/new.md"), [passage("new note")])])
    approximate.use_student(store, "student of b")
    assert not approximate_all(store), "the serving vectors are those of the former model"
    assert nearest(store, known.text).text == known.text and nearest(store, "note 1").approximate
    jobs = store.pending(9)
    assert len(jobs) == 7
    some = [job for job in jobs if job.text in ("note 1", known.text)]
    store.put_vectors([job.id for job in some], np.stack([embed(job.text) for job in some]))
    assert nearest(store, "note 1").text != "note 1", "its mark went, and the vector with it"
    assert approximate.with_vectors(store, 9)[0] == [], "a student learns nothing from the former model"
    store.use_versions("a", "")
    assert {job.text for job in store.pending(9)} == {job.text for job in jobs} - {known.text}
    store.use_versions("b", "")
    embed_all(store)
    assert store.fingerprint == "b" and not approximate.exist(store) and store.check() == []


def test_a_copy_of_the_index_takes_none_for_true(store: Store, tmp_path: Path) -> None:
    known, *_ = store.pending(1)
    store.put_vectors([known.id], embed(known.text)[None])
    approximate_all(store)
    export_import.export(store.path, tmp_path / "export")
    with Store(tmp_path / "imported.db", fingerprint="a") as imported:
        export_import.import_(imported, tmp_path / "export")
        assert imported.counts().pending == 5 and not approximate.exist(imported)
    for suffix in ("", "-wal"):
        shutil.copy(f"{store.path}{suffix}", tmp_path / f"saved.db{suffix}")
    salvage(tmp_path / "saved.db")
    with Store(tmp_path / "saved.db", fingerprint="a") as saved:
        assert saved.counts().pending == 5 and not approximate.exist(saved)


def test_what_is_no_expectation_of_a_vector_is_refused(store: Store) -> None:
    jobs = approximate.waiting(store, 9)
    for rows in (np.ones((6, 768)), np.full((6, 768), np.nan), np.zeros((5, 768)), np.zeros((6, 256))):
        with pytest.raises(IndexingError):
            approximate.put(store, jobs, rows.astype(np.float32))
    assert not approximate.exist(store)


def test_an_expected_cosine_is_raised(store: Store) -> None:
    approximate_all(store)
    (job,) = [job for job in store.pending(9) if job.text == "note 3"]
    with Searcher(store.path) as searcher:
        before = searcher.search("note 3", embed("note 3"), explain=True).hits[0]
        store.put_vectors([job.id], expectation("note 3")[None] / LENGTH)
        after = searcher.search("note 3", embed("note 3"), explain=True).hits[0]
    assert before.path == after.path == "/n/3.md"
    raised, usual = (
        hit.explain["score"] * fusion.GREATEST - hit.explain["similarity"] for hit in (before, after)
    )
    assert raised == pytest.approx(fusion.NEARER + usual, rel=0.02)


def test_words_order_what_is_approximate_and_set_nothing_above_what_is_embedded(store: Store) -> None:
    texts = ["valve of the boiler", "valve near the flue", *(f"valve number {i}" for i in range(8))]
    store.put([(record(f"/v/{i}.md"), [passage(text)]) for i, text in enumerate(texts)])
    jobs = {job.text: job for job in store.pending(99)}
    query = embed("what is asked")

    def at(cosine: float, text: str) -> NDArray[np.float32]:
        across = embed(text) - (embed(text) @ query) * query
        return cosine * query + 0.4 * across / np.linalg.norm(across)

    rows = {text: at(0.3, text) for text in texts} | {texts[2]: at(0.55, texts[2])}
    store.put_vectors([jobs[texts[1]].id], (at(0.5, texts[1]) / np.linalg.norm(at(0.5, texts[1])))[None])
    waiting = [job for job in jobs.values() if job.text in rows and job.text != texts[1]]
    approximate.put(store, waiting, np.stack([rows[job.text] for job in waiting]))
    with Searcher(store.path) as searcher:
        one = [hit.text for hit in searcher.search("valve", query).hits]
        both = [hit.text for hit in searcher.search("valve boiler", query).hits]
    assert one[:2] == [texts[1], texts[2]], "the one that is embedded is nearer, and all have the word"
    assert both[:3] == [texts[1], texts[0], texts[2]], "of the others, one has both words, one is nearer"


def test_vectors_of_a_student_that_was_adapted_answer_until_they_are_made_again(store: Store) -> None:
    approximate.use_student(store, "shipped")
    approximate_all(store)
    assert approximate.own_student(store) == b""
    (job,) = [job for job in store.pending(9) if job.text == "note 3"]
    store.put_vectors([job.id], embed("note 3")[None])
    jobs, rows = approximate.with_vectors(store, 9)
    assert [job.text for job in jobs] == ["note 3"] and approximate.count_true(store) == 1
    np.testing.assert_allclose(rows[0], embed("note 3"), atol=0.01)
    approximate.adapt_student(store, "adapted", b"its head")
    assert approximate.own_student(store) == b"its head"
    assert nearest(store, "note 4").approximate
    assert not nearest(store, "note 3").approximate
    store.put([(record("/n/new.md"), [passage("a new note")])])
    waiting = approximate.waiting(store, 9)
    assert len(waiting) == 6 and waiting[0].text == "a new note", "what has none at all comes first"
    approximate_all(store)
    assert not approximate.waiting(store, 9)
    approximate.use_student(store, "adapted")
    assert approximate.exist(store)


def search_embedding(store: Store, count: int, mode: Mode = "hybrid") -> tuple[list[str], Results]:
    """A search for note 3 that embeds the first `count` of the texts that it is to embed; and these texts."""
    given: list[str] = []

    def embed_first(jobs: Sequence[EmbeddingJob]) -> dict[int, NDArray[np.float32]]:
        given.extend(job.text for job in jobs)
        return {job.id: embed(job.text) for job in jobs[:count]}

    with Searcher(store.path) as searcher:
        return given, searcher.search(
            "note 3", embed("note 3"), mode=mode, limit=100, embed_pending=embed_first
        )


@pytest.mark.parametrize("mode", ["hybrid", "meaning"])
def test_a_search_embeds_the_best_of_what_it_finds_and_ranks_it_again(store: Store, mode: Mode) -> None:
    store.put([(record(f"/n/{i}.md"), [passage(f"note {i}")]) for i in range(6, 40)])
    jobs = approximate.waiting(store, 500)
    rows = {job.text: expectation(job.text) for job in jobs}
    taken = {"note 3": "note 4", "note 4": "note 3"}  # the student takes each rather for the other
    rows |= {one: 0.5 * embed(other) + 0.25 * embed(one) for one, other in taken.items()}
    approximate.put(store, jobs, np.stack([rows[job.text] for job in jobs]))
    assert nearest(store, "note 3").text == "note 4"
    given, found = search_embedding(store, 2 * EMBEDDED, mode)
    assert len(given) == EMBEDDED and {"note 3", "note 4"} <= {*given}
    assert found.hits[0].text == "note 3" and found.hits[0].similarity == pytest.approx(1, abs=0.01)
    assert {hit.text for hit in found.hits if not hit.approximate} == {*given}
    waiting = {job.id: job.text for job in store.pending(500)}
    assert [waiting[text] for text in found.pending] == [hit.text for hit in found.hits], "all still wait"


def test_what_is_not_embedded_in_time_stays_as_it_is(store: Store) -> None:
    approximate_all(store)
    given, found = search_embedding(store, 2)
    assert {hit.text for hit in found.hits if not hit.approximate} == {*given[:2]}
    _, none = search_embedding(store, 0)
    assert len(none.hits) == 6 and all(hit.approximate for hit in none.hits)
    assert len(none.pending) == 6


def test_only_what_is_pending_is_embedded_also_what_words_alone_find(store: Store) -> None:
    (known,) = [job for job in store.pending(9) if job.text == "note 2"]
    store.put_vectors([known.id], embed(known.text)[None])
    given, found = search_embedding(store, 9)
    assert len(given) == 5 and known.text not in given
    assert all(hit.similarity is not None for hit in found.hits) and known.id not in found.pending
    embed_all(store)
    given, found = search_embedding(store, 9)
    assert not given and not found.pending
