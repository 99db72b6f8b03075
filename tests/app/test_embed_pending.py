"""How long a search embeds what it has found, and what a model that fails costs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.answers.embed_pending import ROUND_CHARACTERS, PendingEmbedder
from embedder.errors import ModelUnresponsive
from index.store.embedding_queue import EmbeddingJob


class Timed:
    """A model that takes `seconds` for a round, by a clock that only it moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.rounds: list[list[str]] = []
        self.fails = False
        self._now, self._seconds = 0.0, seconds
        monkeypatch.setattr("app.answers.embed_pending.time.monotonic", lambda: self._now)

    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        self.rounds.append(list(texts))
        self._now += self._seconds
        if self.fails:
            raise ModelUnresponsive("The process has ended.")
        return np.full((len(texts), 768), len(self.rounds), np.float32)


def jobs(*lengths: int) -> list[EmbeddingJob]:
    return [EmbeddingJob(number, "", "x" * length, length) for number, length in enumerate(lengths)]


def embedder_of(model: Timed) -> PendingEmbedder:
    whole: Any = model
    return PendingEmbedder(whole, set())


@pytest.mark.parametrize(("seconds", "count"), [(0.001, 32), (0.03, 8), (0.15, 4), (0.3, 2), (3.0, 2)])
def test_a_round_that_would_end_late_is_not_begun_sooner_where_much_is_embedded(
    monkeypatch: pytest.MonkeyPatch, seconds: float, count: int
) -> None:
    model = Timed(monkeypatch, seconds)
    found = embedder_of(model)(jobs(*[ROUND_CHARACTERS // 2] * 32))
    assert [row.shape for row in found.values()] == [(768,)] * count and [*found] == [*range(count)]
    assert [len(texts) for texts in model.rounds] == [2] * (count // 2)


def test_a_text_longer_than_a_round_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Timed(monkeypatch, 0.01)
    embedder_of(model)(jobs(2 * ROUND_CHARACTERS, 1, 1, 2 * ROUND_CHARACTERS))
    assert [len(texts) for texts in model.rounds] == [1, 2, 1]


def test_what_is_known_is_not_embedded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Timed(monkeypatch, 0.01)
    embed = embedder_of(model)
    first = embed(jobs(1, 1))
    again = embed(jobs(1, 1, 1))
    assert [len(texts) for texts in model.rounds] == [2, 1]
    np.testing.assert_array_equal([again[0], again[1]], [first[0], first[1]])


def test_a_model_that_fails_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Timed(monkeypatch, 0.01)
    embed = embedder_of(model)
    assert len(embed(jobs(1, 1))) == 2
    model.fails = True
    assert len(embed(jobs(1, 1, 1))) == 2 and len(embed(jobs(1, 1, 1, 1))) == 2
    assert len(model.rounds) == 2
