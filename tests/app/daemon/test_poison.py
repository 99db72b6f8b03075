"""A text at which the model's process dies, hangs or fails costs nothing but its own passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support import dying_model
from support.tiny_home import notes
from support.tiny_model import PRECISION
from support.waiting import until

from app.config import Config, ModelConfig
from app.daemon.parts import daemon_parts
from app.library import Library
from app.model import Model
from app.model_process import process
from app.model_process.process import TimeLimits
from embedder.errors import EngineUnavailable


@pytest.fixture
def library(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    dying_model.use(monkeypatch)
    monkeypatch.setattr(process, "LIMITS", TimeLimits(query=2.0, batch=2.0))
    with daemon_parts(Config(model=ModelConfig(precision=PRECISION, threads=1))) as parts:
        parts.start()
        yield parts.library


def section(words: str) -> str:
    """A section of several passages."""
    return "## A bird\n\n" + f"Much is said about {words} here. " * 20 + "\n\n"


def folder_with(tmp_path: Path, poison: str) -> Path:
    poisoned = f"{section('herons')}This {poison}.\n\n{section('terns')}"
    fine = {f"fine{i}__md": section(f"subject{i}") for i in range(12)}
    return notes(tmp_path / "notes", poisoned__md=poisoned, **fine)


@pytest.mark.parametrize(
    "poison", [dying_model.FAILS, dying_model.FEWER, dying_model.NAN, *dying_model.PROCESS]
)
def test_one_passage_is_left_out_and_told(library: Library, tmp_path: Path, poison: str) -> None:
    folder = folder_with(tmp_path, poison)
    library.add([str(folder)])
    library.sync()
    status = library.status()
    assert status.pending == 0 and not status.notices
    (problem,) = library.problems()
    assert Path(problem.path).name == "poisoned.md" and problem.state == "failed"
    assert "makes the model fail" in problem.reason and "tried again" in problem.reason
    found = {hit.path for hit in library.search("herons", mode="meaning", limit=20).hits}
    assert len(found) == 13
    kept = library.search("terns", mode="words").hits
    assert [Path(hit.path).name for hit in kept] == ["poisoned.md"]
    passages = status.passages
    assert library.sync().embedded == 0 and library.status().passages == passages, "it is not tried again"

    (folder / "poisoned.md").write_text(f"{section('herons')}This is harmless.\n\n{section('terns')}")
    until(lambda: not library.problems() and library.status().pending == 0, what="the file's return")
    assert library.search("harmless", mode="words").hits


@pytest.mark.parametrize("poison", [dying_model.FAILS, dying_model.CRASHES, dying_model.NAN])
def test_a_search_answers_beside_it_and_does_not_try_it_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poison: str
) -> None:
    monkeypatch.setattr("app.answers.embed_pending.SECONDS", 3600.0)
    monkeypatch.setattr("app.sync.embed_stage.EmbedStage.fill", lambda stage: None)  # all stays pending
    tried: list[str] = []
    embed = Model.embed_priority

    def note(model: Model, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        tried.extend(text for text in texts if poison in text)
        return embed(model, texts, titles)

    monkeypatch.setattr(Model, "embed_priority", note)
    library.add([str(folder_with(tmp_path, poison))])
    until(lambda: library.status().files == 13)
    query = f"herons {poison.split()[-1]}"  # a word of the passage, not the words that the model fails at
    until(lambda: library.search(query, limit=20).hits and tried)
    for _ in range(3):
        assert library.search(query, limit=20).hits
    assert len(tried) == 1
    compared = [hit for hit in library.search("subject3 said", limit=20).hits if hit.similarity is not None]
    assert compared and not any(poison in hit.text for hit in compared)


def test_a_model_that_fails_at_everything_blames_no_text(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_with(tmp_path, "is harmless")
    monkeypatch.setattr(process, "START", "raise SystemExit(1)")
    library.add([str(folder)])
    with pytest.raises(EngineUnavailable):
        library.sync()
    assert not library.problems()
