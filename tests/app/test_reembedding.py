"""While another model's vectors are made, questions are embedded by the model whose vectors answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_home import notes
from support.tiny_model import PRECISION, make_tiny_checkpoint

from app.config import Config, ModelConfig
from app.connect import local_library
from app.library import Library
from index.store.store import Store


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    models = tmp_path / "models"
    make_tiny_checkpoint(models / "old", seed=1)
    make_tiny_checkpoint(models / "new", seed=2)
    monkeypatch.setenv("KEN_MODELS", str(models))
    home.mkdir(exist_ok=True)
    return notes(tmp_path / "notes", a__md="# Pears\n\nPruned in winter.\n", b__md="# Bread\n\nFlour.\n")


def library(model: str) -> Library:
    return local_library(Config(model=ModelConfig(name=model, precision=PRECISION, threads=1)))


def similarities(asked: Library) -> dict[str, float | None]:
    answer = asked.search("when are pears pruned", mode="meaning")
    assert not answer.notice or "not finished" in answer.notice
    return {hit.path: round(hit.similarity or 0, 3) for hit in answer.hits}


def test_the_model_whose_vectors_serve_embeds_the_question(folder: Path) -> None:
    with library("old") as old:
        old.add([str(folder)])
        old.sync()
        before = similarities(old)
    with library("new") as new:
        assert similarities(new) == before, "the settings name another model, and nothing is embedded yet"
        with Store(new.index.path, fingerprint=new.model.fingerprint) as store:
            assert store.counts().pending == 2
        assert similarities(new) == before, "re-embedding has begun"
        new.sync()
        after = similarities(new)
        assert after.keys() == before.keys() and after != before
    with library("old") as old:
        assert similarities(old) == after, "the old model answers with the new one's vectors too"


def test_without_the_model_that_made_the_vectors_words_answer(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with library("old") as old:
        old.add([str(folder)])
        old.sync()
    (tmp_path / "models" / "old").rename(tmp_path / "gone")
    with library("new") as new:
        answer = new.search("pruned")
        assert answer.mode == "words" and "words only" in answer.notice
        assert [Path(hit.path).name for hit in answer.hits] == ["a.md"]
        new.sync()
        assert new.search("pruned").mode == "hybrid"
