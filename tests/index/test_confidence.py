"""Whether anything is close: what raises the answer's confidence and what lowers it."""

from __future__ import annotations

import numpy as np

from index.search.abstention import MOST, confidence
from index.search.ranking import Ranked
from index.store.fts_query import ParsedQuery, QueryClause


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
