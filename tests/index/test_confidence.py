"""Whether anything is close: what raises the answer's confidence and what lowers it."""

from __future__ import annotations

from collections.abc import Iterator
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


def words_of(*clauses: tuple[str, float, int]) -> ParsedQuery:
    """A query of words with their weights and the passages that hold them."""
    found = tuple(QueryClause(f'"{word}"', (word,), rows, weight) for word, weight, rows in clauses)
    return ParsedQuery(" ".join(word for word, _, _ in clauses), found, 1_000)


TIDE = words_of(("tide", 2.0, 3))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("index") / "index.db", fingerprint="a") as made:
        made.put([(record("/a.md"), [passage("The tide turns."), passage("Ropes and knots.")])])
        yield made


def sure(
    store: Store, *cosines: float, query: ParsedQuery = TIDE, passages: int = 5_000, code: bool = False
) -> float:
    """The confidence where "The tide turns." and "Ropes and knots." have these cosines."""
    ids = np.array(store.text_ids([passage("The tide turns."), passage("Ropes and knots.")]))
    parts = np.array(cosines, np.float32)
    none = np.full(len(parts), np.nan, np.float32)
    ranked = Ranked(ids[: len(parts)], parts, parts, none, is_code=np.full(len(parts), code))
    with store.reading() as db:
        return confidence(db, ranked, query, passages)


def test_a_passage_that_holds_the_words_may_be_further(store: Store) -> None:
    assert sure(store, 0.2) > 0.5 > sure(store, 0.2, query=words_of(("boat", 2.0, 3)))
    assert sure(store, 0.46, query=words_of(("boat", 2.0, 3))) > 0.5


def test_a_word_that_no_passage_holds_is_lacked(store: Store) -> None:
    assert sure(store, 0.3) > 0.5 > sure(store, 0.3, query=words_of(("tide", 2.0, 3), ("quokka", 3.0, 0)))


def test_the_words_of_one_passage_are_no_evidence_for_another(store: Store) -> None:
    assert sure(store, 0.05, 0.4) < 0.5 < sure(store, 0.4, 0.05)


def test_code_must_be_closer_than_prose(store: Store) -> None:
    boat = words_of(("boat", 2.0, 3))
    assert sure(store, 0.47, query=boat, code=True) < 0.5 < sure(store, 0.47, query=boat)


def test_of_few_passages_the_nearest_may_be_further(store: Store) -> None:
    boat = words_of(("boat", 2.0, 3))
    assert sure(store, 0.4, query=boat, passages=200) > 0.5 > sure(store, 0.4, query=boat)
    assert sure(store, 0.4, query=boat, passages=100 * MOST) == sure(store, 0.4, query=boat, passages=MOST)


def test_a_prefix_is_held_by_a_longer_word(store: Store) -> None:
    begun = ParsedQuery("ti", (QueryClause('"ti"*', ("ti",), 3, 2.0, prefix=True),), 1_000)
    assert sure(store, 0.2, query=begun) == sure(store, 0.2)


def test_an_empty_index_is_close_to_nothing(store: Store) -> None:
    none = np.empty(0, np.float32)
    with store.reading() as db:
        assert confidence(db, Ranked(np.empty(0, np.int64), none, none, none), TIDE, 0) == 0


def test_nothing_is_not_said_above_an_identifier_that_was_typed(tmp_path: Path) -> None:
    with Store(tmp_path / "index.db", fingerprint="a") as store:
        store.put(
            [(record("/a.md"), [passage("Set cached_length to nine and wait until the lamp is green.")])]
        )
        store.put([(record(f"/{i}.md"), [passage(f"A cached list of length {i}.")]) for i in range(60)])
        while waiting := store.pending(99):
            rows = np.zeros((len(waiting), 768), np.float32)
            rows[:, 1] = 1
            store.put_vectors([one.id for one in waiting], rows)
        apart = np.zeros(768, np.float32)
        apart[0] = 1
        with Searcher(store.path) as searcher:
            found = searcher.search("cached_length", apart)
            assert not searcher.search("where is the tide told of", apart).is_close
    assert found.is_close
    assert found.hits[0].path == "/a.md"


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
