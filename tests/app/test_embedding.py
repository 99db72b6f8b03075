"""Batches of texts: a vector reaches only the text it was made of."""

from __future__ import annotations

from concurrent.futures import wait
from pathlib import Path

import pytest
from support.tiny_home import with_tiny_model

from app.config import ModelConfig
from app.model import Model
from app.sync.embed_stage import EmbedStage
from index.store.store import Store
from index.types import FileRecord, Passage


def put(store: Store, path: str, *words: str) -> None:
    store.put([(FileRecord(path, 1, 1, 1), [Passage(w, 0, len(w), 1, "t", tokens=2) for w in words])])


def test_a_text_that_takes_the_number_of_one_being_embedded_does_not_get_its_vector(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tiny_model(monkeypatch, home)
    model = Model(ModelConfig(precision="f32", threads=1))
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
