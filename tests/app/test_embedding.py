"""Batches of texts: a vector reaches only the text it was made of."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import wait
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.tiny_home import with_tiny_model
from support.tiny_model import PRECISION

from app.config import ModelConfig
from app.model import Model
from app.sync.embed_stage import EmbedStage
from index.store.store import Store
from index.types import FileRecord, Passage

pytestmark = pytest.mark.fast


def put(store: Store, path: str, *words: str) -> None:
    store.put([(FileRecord(path, 1, 1, 1), [Passage(w, 0, len(w), 1, "t", tokens=2) for w in words])])


def test_a_text_that_takes_the_number_of_one_being_embedded_does_not_get_its_vector(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tiny_model(monkeypatch, home)
    model = Model(ModelConfig(precision=PRECISION, threads=1))
    with Store(tmp_path / "index.db", fingerprint=model.fingerprint) as store:
        put(store, "/a", "pears in winter")
        embedding = EmbedStage(store, model)
        embedding.fill()
        wait(embedding.running)
        (before,) = store.pending(9)
        put(store, "/a")
        put(store, "/b", "bread and flour")
        (after,) = store.pending(9)
        assert after.id == before.id and after.text != before.text
        embedding.finished()
        assert store.pending(9) == [after]
        embedding.more()
        embedding.fill()
        wait(embedding.running)
        assert embedding.finished()[0] == 1 and not store.pending(9)
        embedding.close()
    model.close()


def test_batches_are_short_while_queries_wait_for_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With MLX one process computes both, so that a query waits for the batch before it."""
    with_tiny_model(monkeypatch, home)
    model = Model(ModelConfig(precision=PRECISION, threads=1))
    model.__dict__["engine"] = "mlx"
    with Store(tmp_path / "index.db", fingerprint=model.fingerprint) as store:
        stage = EmbedStage(store, model)

        def settled() -> int:
            """Tokens of a batch after some, computed at 40,000 tokens a second."""
            for _ in range(6):
                stage._adapt_batch_size(stage._tokens, stage._tokens / 40_000)
            return stage._tokens

        assert settled() == 10_000
        model.embed_query("where are the herons")
        assert settled() == 3_200
        monkeypatch.setattr("app.model.ASKED_SECONDS", 0.0)
        assert settled() == 10_000
        stage.close()
    model.close()


def test_a_batch_is_prepared_while_another_is_computed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both reach the model at once: neither waits outside of it."""
    with_tiny_model(monkeypatch, home)
    model = Model(ModelConfig(precision=PRECISION, threads=1))
    both = threading.Barrier(2, timeout=30)
    embed = model.embed_documents

    def computed(texts: Sequence[str], titles: Sequence[str | None] | None = None) -> NDArray[np.float32]:
        both.wait()
        return embed(texts, titles)

    monkeypatch.setattr(model, "embed_documents", computed)
    with Store(tmp_path / "index.db", fingerprint=model.fingerprint) as store:
        put(store, "/a", "pears in winter", "bread and flour")
        stage = EmbedStage(store, model)
        stage._tokens = 2
        stage.fill()
        running = stage.running
        assert len(running) == 2
        wait(running)
        assert stage.finished()[0] == 2 and not store.pending(9)
        stage.close()
    model.close()


def test_a_failing_text_is_looked_for_while_no_other_batch_is_computed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends the model's process at one batch ends it for the other too: no text of that is blamed."""
    with_tiny_model(monkeypatch, home)
    model = Model(ModelConfig(precision=PRECISION, threads=1))
    embed, first = model.embed_documents, threading.Barrier(2, timeout=30)
    computing: list[str] = []

    def computed(texts: Sequence[str], titles: Sequence[str | None] | None = None) -> NDArray[np.float32]:
        computing.append(texts[0])
        if len(computing) <= 2:
            first.wait()
            raise OSError("the process that both share has ended")
        alone = len(computing)
        if any("poison" in text for text in texts):
            raise OSError("it has ended again")
        vectors = embed(texts, titles)
        assert len(computing) == alone, "another batch was computed meanwhile"
        return vectors

    monkeypatch.setattr(model, "embed_documents", computed)
    with Store(tmp_path / "index.db", fingerprint=model.fingerprint) as store:
        put(store, "/a", "a poison for rats", "bread and flour", "pears in winter", "herons at the shore")
        stage = EmbedStage(store, model)
        stage._tokens = 4
        stage.fill()
        assert len(stage.running) == 2
        wait(stage.running)
        assert stage.finished()[0] == 3 and not store.pending(9)
        (problem,) = store.problems()
        assert "makes the model fail" in problem.reason
        stage.close()
    model.close()
