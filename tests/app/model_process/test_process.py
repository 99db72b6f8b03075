"""The model in a process of its own: the same vectors, its errors, its death, its silence."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import dying_model
from support.waiting import until

import embedder
from app.config import Config, ModelConfig
from app.model_process.child import ModelChild
from app.model_process.pair import ModelProcesses
from app.model_process.process import ModelProcess, TimeLimits
from embedder.errors import (
    EmbedderError,
    EngineUnavailable,
    InputInvalid,
    ModelNotFound,
    ModelUnresponsive,
    VectorsWrong,
)

SHORT = TimeLimits(load_silence=5.0, query_load=20.0, query=1.0, batch=1.0, restart=(0.0, 1000.0))
"""Limits at which a test need not wait long. A second process after two failures would be after 1,000 s."""


@pytest.fixture
def model(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelProcess]:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    process = ModelProcess(ModelConfig())
    yield process
    process.close()


@pytest.fixture
def impatient(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelProcess]:
    """The same with short limits, around a model that goes wrong at certain texts."""
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    dying_model.use(monkeypatch)
    process = ModelProcess(ModelConfig(), limits=SHORT)
    yield process
    process.close()


def child_of(model: ModelProcess) -> ModelChild:
    assert model._child is not None
    return model._child


def test_it_answers_as_the_model_in_this_process_would(model: ModelProcess) -> None:
    with embedder.load() as here:
        expected = here.embed_query("a river")
        np.testing.assert_allclose(model.embed_query("a river"), expected, atol=1e-5)


def test_it_starts_when_asked_ends_when_released_and_starts_again(model: ModelProcess) -> None:
    assert not model.loaded
    before = model.embed_documents(["x"], ["title"])
    assert model.loaded
    model.release()
    assert not model.loaded
    np.testing.assert_array_equal(model.embed_documents(["x"], ["title"]), before)


def test_what_a_search_waits_for_does_not_wait_behind_a_backlog(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    both = ModelProcesses(Config(), lambda: True)
    try:
        found = both.embed_priority(["x"], ["title"])
        assert (both._first.loaded, both._second.loaded) == (True, False)
        np.testing.assert_allclose(both.embed_documents(["x"], ["title"]), found, atol=1e-6)
        assert both._second.loaded
    finally:
        both.close()


def test_errors_arrive_as_what_they_are(model: ModelProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputInvalid):
        child_of_loaded(model).request(1, "embed_documents", ["x"], dim=3).result()
    model.release()
    monkeypatch.setenv("KEN_MODELS", "/nowhere")
    with pytest.raises(ModelNotFound) as raised:
        model.embed_query("x")
    assert raised.value.fix


def test_its_death_fails_what_it_had_and_nothing_after(model: ModelProcess) -> None:
    model.embed_query("x")
    child = child_of(model)
    os.kill(child.process.pid, signal.SIGSTOP)
    asked = child.request(1, "embed_query", "x")
    os.kill(child.process.pid, signal.SIGKILL)
    with pytest.raises(EmbedderError):
        asked.result(timeout=10)
    until(lambda: not model.loaded)
    assert model.embed_query("x").shape == (2, 768)


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="sessions are not scheduled here")
def test_much_work_steps_back_behind_other_sessions_too(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    process = ModelProcess(ModelConfig(), nice=7)
    try:
        process.embed_query("x")
        pid = child_of(process).process.pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.nice(0) + 7)
        assert Path(f"/proc/{pid}/autogroup").read_text().endswith("nice 7\n")
    finally:
        process.close()


@pytest.mark.parametrize("text", dying_model.PROCESS)
def test_a_process_that_goes_wrong_fails_one_question_and_is_replaced(
    impatient: ModelProcess, text: str
) -> None:
    first = child_of_loaded(impatient)
    with pytest.raises(ModelUnresponsive) as raised:
        impatient.embed_query(text)
    assert "started again" in raised.value.fix and "started again" in impatient.notice
    until(lambda: first.process.poll() is not None, what="the end of the old one")
    assert impatient.embed_query("x").shape == (2, 768)
    assert not impatient.notice


@pytest.mark.parametrize("text", [dying_model.FEWER, dying_model.NAN])
def test_vectors_that_are_none_are_an_error(impatient: ModelProcess, text: str) -> None:
    with pytest.raises((ModelUnresponsive, VectorsWrong)):
        impatient.embed_documents(["fine", text])
    assert impatient.embed_documents(["fine", "too"]).shape == (2, 768)


def test_all_who_wait_for_a_process_that_hangs_are_told(impatient: ModelProcess) -> None:
    """Also those whose request does not fit into the channel any more, and those behind them."""
    os.kill(child_of_loaded(impatient).process.pid, signal.SIGSTOP)
    errors: list[EmbedderError] = []

    def ask(number: int) -> None:
        try:
            if number % 2:
                impatient.embed_query("x")
            else:
                impatient.embed_documents(["river " * 200_000])
        except EmbedderError as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    impatient._speed = 1e9
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors and all(isinstance(error, ModelUnresponsive) for error in errors)
    assert impatient._failures <= 1, "one process that hangs is one failure"
    assert impatient.embed_query("x").shape == (2, 768)


@pytest.mark.parametrize(
    "start",
    [
        "import time; time.sleep(1000)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    ],
)
def test_a_process_that_hangs_while_loading_is_given_up(
    impatient: ModelProcess, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setattr("app.model_process.process.START", start)
    with pytest.raises(ModelUnresponsive, match="load"):
        impatient.embed_query("x")


def test_a_question_waits_for_a_slow_start_only_so_long_and_leaves_it_running(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The process shows that it is loading for as long as the file is there."""
    monkeypatch.setenv("KEN_MODELS", str(tiny_models))
    gate = tmp_path / "loading"
    gate.touch()
    monkeypatch.setattr("app.model_process.process.START", SLOW_START.format(gate=str(gate)))
    process = ModelProcess(ModelConfig(), limits=TimeLimits(load_silence=5.0, query_load=2.0))
    try:
        with pytest.raises(ModelUnresponsive, match="still being loaded"):
            process.embed_query("x")
        child = child_of(process)
        assert child.alive and not process.notice
        gate.unlink()
        assert process.embed_query("x").shape == (2, 768)
        assert child_of(process) is child
    finally:
        process.close()


SLOW_START = """
import time
from pathlib import Path
from app import model
from app.model_process import serve
load = model.load_here
def wait(config):
    while Path({gate!r}).exists():
        time.sleep(0.01)
    return load(config)
model.load_here = wait
serve.main()
"""


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_process_that_always_dies_is_not_started_for_every_question(
    impatient: ModelProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    monkeypatch.setattr("app.model_process.process.START", f"open({str(starts)!r}, 'a').write('.')")
    for _ in range(20):
        with pytest.raises(EngineUnavailable):
            impatient.embed_query("x")
    assert starts.read_text() == "..", "one more try, then a pause"
    with pytest.raises(EngineUnavailable, match="ended while loading") as raised:
        impatient.embed_documents(["x"])
    assert "again in" in raised.value.fix


def test_a_process_that_cannot_be_killed_is_left_behind(
    impatient: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As inside a driver's system call: the kernel keeps the signal until that ends."""
    monkeypatch.setattr("app.model_process.child.REAP_SECONDS", 0.1)
    child = child_of_loaded(impatient)
    monkeypatch.setattr(child.process, "kill", lambda: None)
    with pytest.raises(ModelUnresponsive):
        impatient.embed_query(dying_model.HANGS)
    assert impatient.embed_query("x").shape == (2, 768)
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()


def test_closing_does_not_wait_for_a_model_that_is_loading(
    tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.model_process.process.START", "import time; time.sleep(1000)")
    process = ModelProcess(ModelConfig())
    failed: list[Exception] = []

    def ask() -> None:
        try:
            process.embed_query("x")
        except EmbedderError as error:
            failed.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: process.loaded)
    process.close()
    thread.join(timeout=10)
    assert len(failed) == 1


def child_of_loaded(model: ModelProcess) -> ModelChild:
    model.embed_query("x")
    return child_of(model)
