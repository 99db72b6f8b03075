"""The search of the vectors in the file, by several threads, against NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.index_content import embed_all, passage, record

from index.search import file_vectors
from index.search.file_vectors import FileVectors
from index.search.ranking import CANDIDATES
from index.search.vector_cache import VectorCache
from index.store import vectors
from index.store.database import SnapshotPool
from index.store.store import Store

COUNT = 4 * vectors.CHUNK_ROWS + 9
RANDOM = np.random.default_rng(2)
QUERY = vectors.truncate_matryoshka(RANDOM.standard_normal((1, vectors.FULL_DIMENSION), np.float32))[0]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(file_vectors, "_ALONE", 0)
    monkeypatch.setattr(file_vectors, "_THREADS", 3)
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record(f"/n/{i}.md"), [passage(f"text number {i}")]) for i in range(COUNT)])
        embed_all(store)
        store.remove([f"/n/{i}.md" for i in range(0, COUNT, 7)])
        yield store


def exact(pool: SnapshotPool, k: int, allowed: vectors.Ids | None = None) -> list[int]:
    with pool.snapshot() as db:
        ids, heads = map(np.concatenate, zip(*vectors.iterate_chunks(db, 1), strict=True))
    scores = heads @ QUERY
    if allowed is not None:
        ids, scores = ids[np.isin(ids, allowed)], scores[np.isin(ids, allowed)]
    return ids[np.argsort(-scores, kind="stable")][:k].tolist()


@pytest.mark.parametrize("few", [0, vectors.FEW])
def test_all_and_some_of_the_texts(store: Store, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(vectors, "FEW", few)
    with SnapshotPool(store.path) as pool, pool.snapshot() as db:
        near = FileVectors(pool)
        for k in (1, 30, COUNT):
            assert near.nearest(db, 1, QUERY, k)[0].tolist() == exact(pool, k)
        some = np.flatnonzero(RANDOM.random(COUNT) < 0.3)
        ids, cosines = near.nearest(db, 1, QUERY, 30, some)
        assert ids.tolist() == exact(pool, 30, some)
        assert (np.diff(cosines) <= 0).all()
        assert not len(near.nearest(db, 1, QUERY, 30, np.empty(0, np.int64))[0])


def test_the_answer_is_of_the_state_that_the_caller_sees(store: Store) -> None:
    with SnapshotPool(store.path) as pool, pool.snapshot() as db:
        before = exact(pool, 50)
        db.execute("SELECT count(*) FROM texts").fetchall()
        store.remove([f"/n/{i}.md" for i in range(COUNT // 2)])
        assert exact(pool, 50) != before
        assert FileVectors(pool).nearest(db, 1, QUERY, 50)[0].tolist() == before


def test_a_search_that_was_begun_gives_the_same_answer(store: Store) -> None:
    cache = VectorCache()
    with SnapshotPool(store.path) as pool, pool.snapshot() as db:
        for near in (FileVectors(pool), cache):
            expected, cosines = near.nearest(db, 1, QUERY, 40)
            begun = near.begin(db, 1, QUERY, 40)
            ids, scores = begun()
            assert ids.tolist() == expected.tolist() and scores.tolist() == cosines.tolist()
    cache.close()


def test_the_copy_in_memory_grows_with_the_index(store: Store) -> None:
    cache = VectorCache()
    with SnapshotPool(store.path) as pool:
        for turn in range(3):
            with pool.snapshot() as db:
                near = cache.nearest(db, 1, QUERY, 40)[0].tolist()
            assert set(near).issuperset(exact(pool, 10))
            store.put([(record(f"/{turn}/{i}.md"), [passage(f"{turn}: {i}")]) for i in range(COUNT)])
            embed_all(store)
        assert max(exact(pool, 10)) > COUNT
    cache.close()


def test_a_search_of_an_older_state_leaves_the_cache_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloads = []
    read = vectors.iterate_chunks
    monkeypatch.setattr(vectors, "iterate_chunks", lambda *those: reloads.append(those) or read(*those))
    cache = VectorCache()
    with SnapshotPool(store.path) as pool, pool.snapshot() as older:
        before = FileVectors(pool).nearest(older, 1, QUERY, 30)[0].tolist()
        for way in (cache.nearest, lambda *asked: cache.begin(*asked)()):
            store.remove([f"/n/{i}.md" for i in range(COUNT // 2)])
            with pool.snapshot() as newer:
                there = set(np.concatenate([ids for ids, _ in read(newer, 1)]).tolist())
                assert not there.issuperset(before)
                assert there.issuperset(way(newer, 1, QUERY, 30)[0].tolist())
                assert way(older, 1, QUERY, 30)[0].tolist() == before
                assert there.issuperset(way(newer, 1, QUERY, 30)[0].tolist())
    assert len(reloads) == 1  # for the first search
    cache.close()


def test_a_thread_that_cannot_read_leaves_it_to_the_caller(store: Store) -> None:
    with SnapshotPool(store.path) as pool, pool.snapshot() as db:
        other = SnapshotPool(store.path)
        other.close()
        assert FileVectors(other).nearest(db, 1, QUERY, 50)[0].tolist() == exact(pool, 50)


def test_the_nearest_of_close_neighbours_are_found_in_memory(tmp_path: Path) -> None:
    """Real texts lie in clusters, in which int8 codes could mistake one neighbour for another."""
    subjects = RANDOM.standard_normal((10, vectors.FULL_DIMENSION), np.float32)
    rows = np.repeat(subjects, 200, axis=0) + RANDOM.normal(0, 0.3, (2_000, vectors.FULL_DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put([(record(f"/n/{i}.md"), [passage(f"text number {i}")]) for i in range(len(rows))])
        while waiting := store.pending(1_000):
            ids = [one.id for one in waiting]
            store.put_vectors(ids, rows[np.array(ids) - 1])
    cache = VectorCache()
    queries = vectors.truncate_matryoshka(rows[::200] + subjects)
    found = 0
    with SnapshotPool(tmp_path / "index.db") as pool, pool.snapshot() as db:
        for query in queries:
            exact, _ = FileVectors(pool).nearest(db, 1, query, 10)
            found += len(set(exact.tolist()) & set(cache.nearest(db, 1, query, CANDIDATES)[0].tolist()))
    cache.close()
    assert found >= 0.99 * 10 * len(queries)
