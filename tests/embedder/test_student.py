"""The student: vectors of documents from the model's vectors of single tokens, mapped by a trained head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.tiny_model import PRECISION, make_tiny_checkpoint

import embedder
from embedder.checkpoints.checkpoint import cached_checkpoint
from embedder.embedder import Embedder
from embedder.errors import ModelInvalid
from embedder.student import FILE, RAREST, Head, load_student, read_head, unpack_head

SIZE = 768
TEXTS = ["the boat turned near the harbour", "a dog slept", ""]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny checkpoint with a student that gives the third sum, of the title and the front."""
    monkeypatch.setenv("KEN_MODELS", str(tmp_path / "models"))
    folder = make_tiny_checkpoint(tmp_path / "model")
    save(folder)
    return folder


def save(folder: Path, length: float = 1.0, checkpoint: str = "") -> Head:
    known = cached_checkpoint(folder)
    weights = np.linspace(0.05, RAREST, known.config.vocab_size, dtype=np.float32)
    head = Head(
        checkpoint or known.fingerprint,
        weights,
        np.full(SIZE, 0.01, np.float32),
        length * np.vstack([np.zeros((2 * SIZE, SIZE), np.float32), np.eye(SIZE, dtype=np.float32)]),
        np.zeros(SIZE, np.float32),
    )
    head.save(folder / FILE)
    return read_head(folder / FILE)


class Asked:
    """A model, and the tokens that it was asked for."""

    def __init__(self, model: Embedder) -> None:
        self.model, self.tokens = model, list[int]()

    def __call__(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        self.tokens += tokens
        return self.model.embed_tokens(tokens)


def test_sums_are_those_of_the_vectors_of_the_tokens(folder: Path) -> None:
    head = read_head(folder / FILE)
    texts = [" ".join(["the boat turned near the harbour"] * 9), *TEXTS]
    titles = ["Weather", None, None, None]
    with embedder.load(folder, precision=PRECISION, threads=1) as model:
        student = load_student(folder, model.embed_tokens)
        assert student is not None
        found = student.sums(texts, titles)
        np.testing.assert_allclose(student.embed(texts, titles), found[:, 2 * SIZE :], atol=0.01)
        for text, title, row in zip(texts, titles, found.reshape(-1, 3, SIZE), strict=True):
            front, body = model.tokenize([title or "none", text])
            known = {token: model.embed_tokens([token])[0] - head.mean for token in {*front, *body}}
            counts = Counter([*front, *body])
            weights = head.weights
            expected = [
                sum(count * known[token] for token, count in counts.items()),
                sum((1 + np.log(n)) * weights[token] ** 1.5 * known[token] for token, n in counts.items()),
                sum(weights[token] * known[token] for token in [*front, *body[:24]]),
            ]
            for one, other in zip(row, expected, strict=True):
                assert float(one @ other / np.linalg.norm(other)) == pytest.approx(1, abs=2e-3)


def test_the_model_is_asked_once_for_each_token_also_by_another_process(folder: Path) -> None:
    with embedder.load(folder, precision=PRECISION, threads=1) as model:
        first, again = Asked(model), Asked(model)
        one = load_student(folder, first)
        assert one is not None
        before = one.embed(TEXTS)
        assert first.tokens
        assert len(set(first.tokens)) == len(first.tokens)
        one.embed(TEXTS[::-1])
        assert len(set(first.tokens)) == len(first.tokens)
        other = load_student(folder, again)  # as another process reads what the first has written
        assert other is not None
        np.testing.assert_array_equal(other.embed(TEXTS), before)
        assert not again.tokens


def test_where_nothing_can_be_written_the_model_is_asked_by_each_process(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    with embedder.load(folder, precision=PRECISION, threads=1) as model:
        tokenized = load_student(folder, model.embed_tokens)
        assert tokenized is not None
        expected = tokenized.embed(TEXTS)
        monkeypatch.setattr("embedder.student.models_folder", lambda: tmp_path / "file")
        asked = Asked(model)
        student = load_student(folder, asked)
        assert student is not None
        np.testing.assert_array_equal(student.embed(TEXTS), expected)
        assert asked.tokens


def test_expectations_are_as_long_as_the_head_makes_them_and_never_over_one(folder: Path) -> None:
    with embedder.load(folder, precision=PRECISION, threads=1) as model:
        lengths = []
        fingerprints = set()
        for length in (0.5, 3.0):
            save(folder, length)
            student = load_student(folder, model.embed_tokens)
            assert student is not None
            lengths.append(float(np.linalg.norm(student.embed(TEXTS)[0])))
            fingerprints.add(student.fingerprint)
    assert lengths == pytest.approx([0.5, 1.0], abs=1e-3)
    assert len(fingerprints) == 2, "vectors of different heads are not the same"


def test_a_model_without_a_student_has_none(folder: Path) -> None:
    (folder / FILE).unlink()
    assert load_student(folder, lambda tokens: np.zeros((len(tokens), SIZE), np.float32)) is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_student_is_told(folder: Path, content: bytes) -> None:
    (folder / FILE).write_bytes(content)
    with pytest.raises(ModelInvalid, match="holds no student"):
        load_student(folder, lambda tokens: np.zeros((len(tokens), SIZE), np.float32))


def test_the_student_of_another_checkpoint_is_told(folder: Path) -> None:
    save(folder, checkpoint="another")
    with pytest.raises(ModelInvalid, match="another checkpoint"):
        load_student(folder, lambda tokens: np.zeros((len(tokens), SIZE), np.float32))


def test_the_student_of_another_vocabulary_is_told(folder: Path) -> None:
    head = read_head(folder / FILE)
    replace(head, weights=head.weights[:-1]).save(folder / FILE)
    with pytest.raises(ModelInvalid, match="vocabulary"):
        load_student(folder, lambda tokens: np.zeros((len(tokens), SIZE), np.float32))


def test_a_student_is_adapted_to_the_vectors_of_documents_if_held_out_ones_agree_better(folder: Path) -> None:
    texts = [
        f"the {what} {verb} near the harbour" for what in "abcdefgh" for verb in ("slept", "turned", "rose")
    ]
    titles = [None] * len(texts)
    with embedder.load(folder, precision=PRECISION, threads=1) as model:
        student = load_student(folder, model.embed_tokens)
        assert student is not None
        true = model.embed_documents(texts)
        adapted = student.adapted(texts, titles, true)
        assert adapted is not None
        new = ["the zebra slept near the harbour", "the x turned near the harbour"]
        expected = model.embed_documents(new)
        before, after = (np.sum((one.embed(new) - expected) ** 2) for one in (student, adapted))
        assert after < 0.7 * before
        assert adapted.head.base == student.fingerprint != adapted.fingerprint
        assert adapted.head.passages == len(texts)
        kept = unpack_head(adapted.head.packed(), "it")
        assert kept.fingerprint == adapted.fingerprint, "it is the same when it is read again"


@pytest.mark.model
def test_the_shipped_student_gives_expectations_of_true_vectors(real_models: Path) -> None:
    """Each is nearest to the true vector of its own text."""
    texts = [
        "The heart pumps blood through the arteries to all parts of the body, and veins bring it back.",
        "def mean(values):\n    return sum(values) / len(values)",
        "Der Fluss entspringt in den Alpen und mündet nach 800 Kilometern ins Meer.",
        "光合作用是植物利用阳光把二氧化碳和水变成糖和氧气的过程。",
    ]
    folder = real_models / "embeddinggemma-300m"
    with embedder.load(folder) as model:
        student = load_student(folder, model.embed_tokens)
        assert student is not None
        found, true = student.embed(texts), model.embed_documents(texts)
    products = found @ true.T
    assert (products.argmax(axis=1) == np.arange(len(texts))).all()
    lengths = np.linalg.norm(found, axis=1)
    assert ((lengths > 0.4) & (lengths < 0.95)).all()
