"""Compiled code that compares vectors is compared with NumPy first, and replaced by it where they differ."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.index_content import embed, embed_all, passage, record

from index.search import scan_kernel, scans
from index.search.searcher import Searcher
from index.store import vectors
from index.store.store import Store

QUESTIONS = 12
needs_kernel = pytest.mark.skipif(not scan_kernel.instructions(), reason="the scan was not built")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "index" / "index.db"
    with Store(path, fingerprint="a") as store:
        store.put([(record(f"/n/{i}.md"), [passage(f"text number {i}")]) for i in range(300)])
        embed_all(store)
    return path


def answers(path: Path, *, cached_vectors: bool) -> tuple[list[list[tuple[str, float]]], list[str]]:
    with Searcher(path, cached_vectors=cached_vectors) as searcher:
        found = [
            searcher.search("x", embed(f"text number {i}"), mode="meaning", limit=5).hits
            for i in range(QUESTIONS)
        ]
        return [
            [(hit.path, round(hit.similarity or 0, 4)) for hit in hits] for hits in found
        ], searcher.faults


def fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("no such instruction")


def test_here_they_agree(path: Path) -> None:
    with Searcher(path, cached_vectors=True) as searcher:
        assert searcher.faults == []


def odd_rows_halved(products: Any) -> Any:
    def wrong(query: Any) -> Any:
        right = products(query)
        return lambda codes: np.where(np.arange(len(codes)) % 2, right(codes) // 2, right(codes))

    return wrong


def drops_the_best(best: Any) -> Any:
    def wrong(*arguments: Any, **options: Any) -> Any:
        ids, scores = best(*arguments, **options)
        return ids[1:], scores[1:]

    return wrong


def halves_odd_scores(best: Any) -> Any:
    """As a broken set of instructions makes them."""

    def wrong(*arguments: Any, **options: Any) -> Any:
        ids, scores = best(*arguments, **options)
        return ids, np.where(ids % 2, scores / 2, scores)

    return wrong


@needs_kernel
@pytest.mark.parametrize(
    "broken", [drops_the_best(scan_kernel.best_rows), halves_odd_scores(scan_kernel.best_rows), fails]
)
def test_a_scan_that_is_wrong_or_fails_is_not_used(
    path: Path, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    expected, none = answers(path, cached_vectors=True)
    assert not none
    monkeypatch.setattr(scan_kernel, "best_rows", broken)
    found, faults = answers(path, cached_vectors=True)
    assert found == expected
    assert len(faults) == 1 and "ken's own scan" in faults[0]


@pytest.mark.skipif(importlib.util.find_spec("numkong") is None, reason="numkong is for macOS")
def test_numkong_takes_the_place_of_a_scan_that_was_not_built(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, _ = answers(path, cached_vectors=True)
    monkeypatch.setattr(scan_kernel, "instructions", lambda: ())
    assert answers(path, cached_vectors=True) == (expected, [])
    assert scans.agrees(scans.BlockScan(scans.numkong_products))
    assert not scans.agrees(scans.BlockScan(odd_rows_halved(scans.numkong_products)))


def test_numpy_answers_where_nothing_is_compiled(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = answers(path, cached_vectors=True)
    monkeypatch.setattr(scan_kernel, "instructions", lambda: ())
    monkeypatch.setitem(sys.modules, "numkong", None)
    assert answers(path, cached_vectors=True) == (expected, [])


def test_numpy_is_exact_where_sums_are_largest() -> None:
    largest = np.full((3, vectors.SEARCH_DIMENSION), -127, np.int8)
    assert scans.numpy_products(largest[:1])(largest).tolist() == [256 * 127 * 127] * 3
