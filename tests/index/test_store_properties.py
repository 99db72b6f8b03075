"""Any sequence of writes, broken off at any statement, leaves the index equal to a fresh one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.index_content import embed, embed_all, passage, record

from index.errors import IndexBusy
from index.search.searcher import Searcher
from index.store.store import Store
from index.store.vectors import truncate_matryoshka

TEXTS = tuple(
    f"{a} {b} of the {c}" for a in ("red", "blue") for b in ("boat", "kite") for c in ("sea", "sky", "日本語")
)
ROOT = Path(__file__).parents[2]
NAMES = tuple(f"/n/{name}.md" for name in ("a", "b", "c", "d/e", "d/f"))
QUESTIONS = ("red boat", "the sky", "日本", '"blue kite"', "nothing of it")
Contents = dict[str, tuple[int, ...]]

names = st.sampled_from(NAMES)
operations = st.one_of(
    st.tuples(st.just("put"), names, st.lists(st.integers(0, len(TEXTS) - 1), max_size=4).map(tuple)),
    st.tuples(st.just("remove"), names),
    st.tuples(st.just("move"), names, names),
    st.tuples(st.just("embed")),
    st.tuples(st.just("reembed"), st.sampled_from(("a", "b"))),
)


def apply(store: Store, contents: Contents, operation: tuple[object, ...]) -> Contents:
    """Do it to the store; returns what the index should hold afterwards."""
    after = dict(contents)
    match operation:
        case ("put", str(name), tuple(texts)):
            put(store, name, texts)
            after[name] = texts
        case ("remove", str(name)):
            store.remove([name])
            after.pop(name, None)
        case ("move", str(old), str(new)) if old in contents:
            store.move(old, new, record(new))
            after[new] = after.pop(old)
        case ("embed",):
            embed_all(store)
        case ("reembed", str(fingerprint)):
            store.begin_reembedding(fingerprint)
    return after


def put(store: Store, name: str, texts: tuple[int, ...]) -> None:
    store.put([(record(name), [passage(TEXTS[i], line) for line, i in enumerate(texts, start=1)])])


def fresh(path: Path, contents: Contents) -> None:
    with Store(path, fingerprint="a") as store:
        for name, texts in contents.items():
            put(store, name, texts)
        embed_all(store)


def answers(path: Path, *, cached_vectors: bool = False) -> list[set[tuple[str, float, float]]]:
    """Every file with its score and its passages' scores, in whatever order equals come."""
    with Searcher(path, cached_vectors=cached_vectors) as searcher:
        found = [
            searcher.search(text, embed(text) if mode != "words" else None, mode=mode, limit=50).hits
            for text in QUESTIONS
            for mode in ("hybrid", "meaning", "words")
        ]
    return [
        {(hit.path, round(hit.score, 4), round(sum(m.score for m in hit.more), 3)) for hit in hits}
        for hits in found
    ]


@settings(max_examples=20, deadline=None)
@given(st.lists(operations, max_size=15))
def test_any_sequence_equals_a_fresh_index(sequence: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, contents = Path(folder) / "a.db", {}
        with Store(path, fingerprint="a") as store:
            for operation in sequence:
                contents = apply(store, contents, operation)
            embed_all(store)
            assert store.check() == []
            assert store.files().keys() == contents.keys()
        fresh(Path(folder) / "b.db", contents)
        expected = answers(Path(folder) / "b.db")
        assert answers(path) == expected
        assert answers(path, cached_vectors=True) == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(operations, max_size=6), operations, st.integers(0, 40))
def test_a_crash_at_any_statement_loses_nothing_committed(
    before: list[tuple[object, ...]], last: tuple[object, ...], statement: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, copy, contents = Path(folder) / "a.db", Path(folder) / "copy.db", {}
        with Store(path, fingerprint="a") as store:
            for operation in before:
                contents = apply(store, contents, operation)
            embed_all(store)
            crash_at(store, statement, lambda: copy_files(path, copy))
            after = apply(store, contents, last)
        if not copy.exists():
            contents = after
            copy_files(path, copy)
        with Store(copy) as store:
            assert store.check() == []
            assert store.files().keys() in (contents.keys(), after.keys())
            if store.files().keys() == after.keys() != contents.keys():
                contents = after
            waiting = store.counts().pending
            embed_all(store)
        assert waiting <= len(TEXTS)
        fresh(Path(folder) / "b.db", contents)
        fresh(Path(folder) / "c.db", after)
        assert answers(copy) in (answers(Path(folder) / "b.db"), answers(Path(folder) / "c.db"))


def crash_at(store: Store, statement: int, leave: Callable[[], None]) -> None:
    """At the n-th statement from now, keep what a crash would leave on the disk."""
    count = 0

    def trace(*_: object) -> bool:
        nonlocal count
        if count == statement:
            leave()
        count += 1
        return True

    store._connection.exec_trace = trace


def copy_files(path: Path, copy: Path) -> None:
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            shutil.copy(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))


@given(seed=st.integers(0, 1000), k=st.sampled_from((1, 5, 20)))
@settings(max_examples=8, deadline=None)
def test_the_nearest_are_those_numpy_finds(seed: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(400, 768)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    query = generator.normal(size=768).astype(np.float32)
    query /= np.linalg.norm(query)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        with Store(path, fingerprint="a") as store:
            store.put([(record(f"/{i}.md"), [passage(f"text {i}")]) for i in range(400)])
            waiting = {one.text: one.id for one in store.pending(400)}
            store.put_vectors([waiting[f"text {i}"] for i in range(400)], rows)
        exact = truncate_matryoshka(rows) @ truncate_matryoshka(query[None])[0]
        expected = [f"/{i}.md" for i in np.argsort(-exact)[:k]]
        for cached_vectors in (False, True):
            with Searcher(path, cached_vectors=cached_vectors) as searcher:
                found = [
                    name for name, _ in searcher.ranking("x", query, mode="meaning", limit=k, dimension=256)
                ]
            assert found == expected


def test_a_writer_that_never_lets_go_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    with Store(path, fingerprint="a") as first, Store(path) as second:
        second._connection.set_busy_timeout(50)
        first._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexBusy):
            second.put([(record("/a.md"), [passage("a")])])
        first._connection.execute("ROLLBACK")
        second.put([(record("/a.md"), [passage("a")])])


WRITER = """
import sys
from pathlib import Path
from support.index_content import embed_all, passage, record
from index.store.store import Store
with Store(Path(sys.argv[1]), fingerprint="a") as store:
    for i in range(40):
        store.put([(record(f"/{sys.argv[2]}/{i}.md"), [passage(f"{sys.argv[2]} {i}"), passage("shared")])])
        store.remove([f"/{sys.argv[2]}/{i - 3}.md"] if i % 5 == 0 else [])
        embed_all(store)
"""


def test_two_processes_write_one_index(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    places = os.pathsep.join(str(folder) for folder in (ROOT, ROOT / "tests"))
    writers = [
        subprocess.Popen([*command, name], env={**os.environ, "PYTHONPATH": places}) for name in ("x", "y")
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    left = {f"/{name}/{i}.md": (f"{name} {i}", "shared") for name in ("x", "y") for i in range(40)
            if i % 5 != 2 or i > 35}  # fmt: skip
    with Store(path) as store:
        assert store.files().keys() == left.keys()
        assert (store.counts().pending, store.check()) == (0, [])
