"""Whether anything is close: what raises the answer's confidence and what lowers it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.index_content import passage, record

from index.search.abstention import MOST, confidence
from index.search.ranking import Ranked
from index.search.searcher import Searcher
from index.store.fts_query import ParsedQuery, QueryClause
from index.store.store import Store


def sure(cosine: float, passages: int, *, words: float = 0.0, rows: int = 3) -> float:
    parts = (np.array([part], np.float32) for part in (cosine, cosine, words))
    question = ParsedQuery("tide", (QueryClause('"tide"', ("tide",), rows, 2.0),), passages)
    return confidence(Ranked(np.array([1]), *parts), question, passages)


def test_the_more_strangers_there_are_the_closer_an_answer_must_be() -> None:
    assert sure(0.45, 200) > 0.5 > sure(0.45, 4_000)


def test_an_index_past_a_size_counts_as_no_larger() -> None:
    assert sure(0.48, MOST) < sure(0.48, MOST // 2)
    assert sure(0.48, 100 * MOST) == sure(0.48, MOST)


def test_words_count_as_far_as_the_index_knows_them() -> None:
    assert sure(0.3, 1_000, words=0.9) > 0.5 > sure(0.3, 1_000)
    assert sure(0.3, 1_000, words=0.9, rows=0) == sure(0.3, 1_000)


def test_an_empty_index_is_close_to_nothing() -> None:
    none = np.empty(0, np.float32)
    assert confidence(Ranked(np.empty(0, np.int64), none, none, none), ParsedQuery("tide", (), 0), 0) == 0


def test_what_is_like_a_file_is_as_sure_as_it_is_alike(tmp_path: Path) -> None:
    def unit(cosine: float) -> NDArray[np.float32]:
        row = np.zeros(768, np.float32)
        row[0], row[1] = cosine, (1 - cosine**2) ** 0.5
        return row

    for cosine, expected in ((0.95, 1.0), (0.65, 0.5), (0.45, 0.0)):
        with Store(tmp_path / f"{cosine}.db", fingerprint="a") as store:
            store.put([(record(f"/{name}.md"), [passage(name)]) for name in ("knots", "ropes")])
            waiting = {one.text: one.id for one in store.pending(9)}
            store.put_vectors([waiting["knots"], waiting["ropes"]], np.stack([unit(1.0), unit(cosine)]))
            with Searcher(store.path) as searcher:
                found = searcher.similar("/knots.md")
        assert [hit.path for hit in found.hits] == ["/ropes.md"]
        assert found.confidence == pytest.approx(expected, abs=0.02)
