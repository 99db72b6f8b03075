"""The model in a process of its own: the same vectors, its errors, its death."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.waiting import until

import embedder
from app.config import ModelConfig
from app.daemon.model_process import ModelProcess
from embedder.errors import EmbedderError, InputInvalid, ModelNotFound


@pytest.fixture
def model(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelProcess]:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    process = ModelProcess(ModelConfig())
    yield process
    process.close()


def test_it_answers_as_the_model_in_this_process_would(model: ModelProcess) -> None:
    with embedder.load() as here:
        expected = here.embed_queries(["a river"])
        np.testing.assert_allclose(model.embed_queries(["a river"]), expected, atol=1e-5)
        assert model.fingerprint == here.fingerprint
        assert model.count_tokens(["a b", ""]) == here.count_tokens(["a b", ""])


def test_it_starts_when_asked_ends_when_released_and_starts_again(model: ModelProcess) -> None:
    assert not model.loaded
    before = model.embed_documents(["x"], ["title"])
    assert model.loaded
    model.release()
    assert not model.loaded
    np.testing.assert_array_equal(model.embed_documents(["x"], ["title"]), before)


def test_errors_arrive_as_what_they_are(model: ModelProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputInvalid):
        model.embed_queries(["x"], dim=3)
    model.release()
    monkeypatch.setenv("KEN_MODELS", "/nowhere")
    with pytest.raises(ModelNotFound) as raised:
        model.embed_queries(["x"])
    assert raised.value.fix


def test_its_death_fails_what_it_had_and_nothing_after(model: ModelProcess) -> None:
    model.embed_queries(["x"])
    child = model._child
    assert child is not None
    os.kill(child.process.pid, signal.SIGSTOP)
    asked = child.ask("embed_queries", ["x"])
    os.kill(child.process.pid, signal.SIGKILL)
    with pytest.raises(EmbedderError):
        asked.result(timeout=10)
    until(lambda: not model.loaded)
    assert model.embed_queries(["x"]).shape == (1, 768)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions are not scheduled here")
def test_much_work_steps_back_behind_other_sessions_too(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    process = ModelProcess(ModelConfig(), nice=7)
    try:
        process.embed_queries(["x"])
        assert process._child is not None
        pid = process._child.process.pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.nice(0) + 7)
        assert Path(f"/proc/{pid}/autogroup").read_text().endswith("nice 7\n")
    finally:
        process.close()
