"""What a caller sees: shapes, tasks, dimensions, odd texts, order, threads and closing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.tiny_model import PRECISION, make_tiny_checkpoint

import embedder
from embedder import self_test
from embedder.engines.base import Engine
from embedder.engines.batching import plan_batches
from embedder.errors import EmbedderClosed, InputInvalid, ModelNotFound, VectorsWrong
from embedder.model_thread import ModelThread, Priority
from embedder.prompts import TASKS

pytestmark = pytest.mark.fast


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def model(folder: Path, home: Path) -> Iterator[embedder.Embedder]:
    with embedder.load(folder, precision=PRECISION) as loaded:
        yield loaded


def test_vectors_are_float32_of_unit_length_in_every_dimension(model: embedder.Embedder) -> None:
    for dim in (768, 512, 256, 128):
        vectors = model.embed_documents(["one", "two three"], dim=dim)
        assert vectors.dtype == np.float32
        assert vectors.shape == (2, dim)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    whole = model.embed_queries(["one"])[0]
    np.testing.assert_allclose(
        model.embed_queries(["one"], dim=128)[0], whole[:128] / np.linalg.norm(whole[:128]), atol=1e-6
    )
    assert model.embed_documents([]).shape == (0, 768)


def test_a_query_has_a_vector_for_prose_and_one_for_code(model: embedder.Embedder) -> None:
    prose, code = (model.embed_queries(["tea"], task=task)[0] for task in ("search result", "code retrieval"))
    both = model.embed_query("tea")
    assert both.dtype == np.float32
    np.testing.assert_allclose(both[0], prose, atol=1e-5)
    mixed = prose + 1.5 * code
    np.testing.assert_allclose(both[1], mixed / np.linalg.norm(mixed), atol=1e-5)


def test_a_document_for_which_a_search_waits_goes_before_others(
    model: embedder.Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Priority] = []
    submit = model._thread.submit

    def note(ids: Sequence[Sequence[int]], priority: Priority) -> Future[NDArray[np.float32]]:
        asked.append(priority)
        return submit(ids, priority)

    monkeypatch.setattr(model._thread, "submit", note)
    titles = ["Drinks", None]
    urgent, usual = (embed(["tea", "ink"], titles) for embed in (model.embed_priority, model.embed_documents))
    np.testing.assert_array_equal(urgent, usual)
    assert asked == sorted(asked) and {*asked} == {Priority.QUERY, Priority.DOCUMENT}


def test_every_task_and_title_has_its_own_prompt(model: embedder.Embedder) -> None:
    vectors = [model.embed(["tea"], task=task).vectors[0] for task in TASKS]
    vectors.append(model.embed_documents(["tea"], ["Drinks"])[0])
    assert len({vector.tobytes() for vector in vectors}) == len(TASKS) + 1
    np.testing.assert_array_equal(model.embed_documents(["tea"], [None]), model.embed_documents(["tea"]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "\0\x1b[31m\x07",
        "\ud800 lone \udfff",
        "a" * 10_000_000,
        "हिन्दी ไทย 한국어 🦆👩‍👩‍👧",
        "\u202e\ufeff",
    ],
    ids=["empty", "blank", "control", "surrogates", "huge", "scripts", "marks"],
)
def test_any_text_has_a_finite_vector(model: embedder.Embedder, text: str) -> None:
    embedded = model.embed([text], task="document")
    assert np.isfinite(embedded.vectors).all()
    assert embedded.truncated == (len(text) > 1_000_000,)


def test_a_long_text_is_cut_at_the_context_length_and_says_so(model: embedder.Embedder) -> None:
    embedded = model.embed(["word " * 5000, "word"], task="document")
    assert embedded.truncated == (True, False)
    longer = model.embed_documents(["word " * 6000])
    np.testing.assert_allclose(longer, embedded.vectors[:1], atol=1e-5)


def test_order_is_kept_and_company_changes_nothing(model: embedder.Embedder) -> None:
    texts = [f"note {n} " * (1 + n * 7 % 23) for n in range(300)]
    together = model.embed_documents(texts)
    for place in (0, 17, 255, 256, 299):
        np.testing.assert_allclose(together[place], model.embed_documents([texts[place]])[0], atol=1e-4)


def test_wrong_input_is_refused_in_words(model: embedder.Embedder) -> None:
    for call in (
        lambda: model.embed_queries(["a"], task="poetry"),
        lambda: model.embed_queries(["a"], dim=100),
        lambda: model.embed_documents(["a"], titles=["b", "c"]),
        lambda: model.embed("a", task="document"),
        lambda: model.embed_documents([7]),  # type: ignore[list-item]
        lambda: model.embed(["a"], task="clustering", titles=["b"]),
    ):
        with pytest.raises(InputInvalid) as caught:
            call()
        assert caught.value.what
        assert caught.value.fix


def test_many_threads_share_one_model(model: embedder.Embedder) -> None:
    texts = [f"thread {n}" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(lambda text: model.embed_queries([text])[0], texts))
    np.testing.assert_allclose(np.stack(vectors), model.embed_queries(texts), atol=1e-4)


def test_a_closed_model_says_so(folder: Path) -> None:
    model = embedder.load(folder, precision=PRECISION)
    model.close()
    model.close()
    with pytest.raises(EmbedderClosed):
        model.embed_queries(["late"])


def test_a_missing_model_says_what_to_do(home: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        embedder.load()
    assert "ken model fetch" in caught.value.fix


class Held(Engine):
    """An engine whose batches end when they are let go; notes the order in which they came."""

    name, precision, version, batch_tokens = "held", "f32", "0", 64

    def __init__(self, answer: float = 1.0) -> None:
        self.order: list[int] = []
        self.started, self.let_go = threading.Event(), threading.Event()
        self.answer = answer

    def run(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        self.order.append(ids[0][0])
        self.started.set()
        assert self.let_go.wait(10)
        return np.full((len(ids), 4), self.answer, dtype=np.float32)

    def close(self) -> None:
        self.order.append(-1)


def test_queries_go_before_documents_that_wait() -> None:
    engine = Held()
    thread = ModelThread(lambda: engine)
    running = thread.submit([[1]], Priority.DOCUMENT)
    assert engine.started.wait(10)
    waiting = [
        thread.submit([[2]], Priority.DOCUMENT),
        thread.submit([[3]], Priority.DOCUMENT),
        thread.submit([[9]], Priority.QUERY),
    ]
    engine.let_go.set()
    for future in (running, *waiting):
        future.result(10)
    thread.close()
    assert engine.order == [1, 9, 2, 3, -1]


def test_closing_ends_the_running_batch_and_fails_those_that_wait() -> None:
    engine = Held()
    thread = ModelThread(lambda: engine)
    running = thread.submit([[1]], Priority.DOCUMENT)
    assert engine.started.wait(10)
    waiting = thread.submit([[2]], Priority.DOCUMENT)
    closing = threading.Thread(target=thread.close)
    closing.start()
    with pytest.raises(EmbedderClosed):
        waiting.result(10)
    engine.let_go.set()
    assert running.result(10).shape == (1, 4)
    closing.join(10)
    with pytest.raises(EmbedderClosed):
        thread.submit([[3]], Priority.QUERY)


def test_a_vector_that_is_not_finite_never_leaves() -> None:
    engine = Held(answer=float("nan"))
    engine.let_go.set()
    thread = ModelThread(lambda: engine)
    with pytest.raises(VectorsWrong):
        thread.submit([[1]], Priority.QUERY).result(10)
    thread.close()


def test_the_self_test_refuses_wrong_vectors_and_is_paid_once(home: Path) -> None:
    right = self_test.references()
    name = next(iter(right))
    vectors = dict(enumerate(right[name]))
    calls = 0

    def sound(ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        nonlocal calls
        calls += 1
        return np.stack([vectors[text[0]] for text in ids])

    ids = [[place] for place in range(len(self_test.TEXTS))]
    with pytest.raises(VectorsWrong, match="reference"):
        self_test.check(lambda batch: -sound(batch), ids, name, "engine 1", "f32")
    with pytest.raises(VectorsWrong, match="alone"):
        self_test.check(lambda b: sound(b) if len(b) == 1 else sound(b)[::-1], ids, name, "engine 1", "f32")
    self_test.check(sound, ids, name, "engine 1", "f32")
    before = calls
    self_test.check(sound, ids, name, "engine 1", "f32")
    assert calls == before
    self_test.check(sound, ids, name, "engine 2", "f32")
    assert calls > before


@given(st.lists(st.integers(2, 2048), max_size=200), st.integers(64, 4096))
def test_batches_hold_every_text_once_within_budget_and_slack(lengths: list[int], budget: int) -> None:
    batches = plan_batches(lengths, budget)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[place] for place in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget
        assert min(lengths[place] for place in batch) >= 0.9 * longest


ENDS = """
import sys, threading, embedder
with embedder.load(sys.argv[1], engine="mlx", precision="f32") as closed:
    closed.embed_queries(["one"])
busy = embedder.load(sys.argv[1], engine="mlx", precision="f32")
started = threading.Event()
def work():
    started.set()
    busy.embed_documents(["a text " * 200] * 400)
threading.excepthook = lambda told: None
threading.Thread(target=work, daemon=True).start()
started.wait()
"""


@pytest.mark.slow
def test_a_process_ends_in_order_while_its_model_computes(tmp_path: Path, home: Path) -> None:
    """MLX frees what belongs to a thread as the thread ends, which aborted processes that ended just then."""
    folder = make_tiny_checkpoint(tmp_path / "one", num_hidden_layers=1, layer_types=["sliding_attention"])
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", ENDS, str(folder)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
