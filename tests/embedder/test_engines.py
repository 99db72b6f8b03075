"""MLX against the NumPy oracle on a tiny real network, and the real model against its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.oracle import vector
from support.tiny_model import make_tiny_checkpoint

import embedder
from embedder.checkpoints.checkpoint import Checkpoint, open_checkpoint
from embedder.engines.mlx import MLXEngine
from embedder.errors import PrecisionUnavailable

LENGTHS = (2, 3, 16, 17, 18, 33, 34, 90)
"""Around the tiny model's window of 17, and far past it."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(make_tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


def texts(*lengths: int) -> list[list[int]]:
    rng = np.random.default_rng(7)
    return [[2, *rng.integers(4, 1000, size=n - 2).tolist(), 1] for n in lengths]


def test_float32_equals_the_oracle_on_either_side_of_the_window(checkpoint: Checkpoint) -> None:
    engine = MLXEngine(checkpoint, "f32")
    for ids in texts(*LENGTHS):
        np.testing.assert_allclose(engine.run([ids])[0], vector(checkpoint, ids), atol=2e-5)
    engine.close()


def test_a_text_alone_and_in_a_padded_batch_agree(checkpoint: Checkpoint) -> None:
    engine = MLXEngine(checkpoint, "f32")
    ids = texts(*LENGTHS)
    alone = np.concatenate([engine.run([text]) for text in ids])
    np.testing.assert_allclose(engine.run(ids), alone, atol=1e-4)
    engine.close()


def test_narrow_arithmetic_stays_close(checkpoint: Checkpoint) -> None:
    engine = MLXEngine(checkpoint, "bf16")
    for ids in texts(5, 40):
        assert float(engine.run([ids])[0] @ vector(checkpoint, ids)) > 0.99
    engine.close()


@pytest.mark.parametrize("packing", ["8bit", "4bit"])
def test_packed_weights_run_as_they_are(packing: str, checkpoint: Checkpoint, tmp_path: Path) -> None:
    from embedder.checkpoints.convert import convert

    packed = open_checkpoint(convert(checkpoint.folder, tmp_path / "packed", packing))
    engine = MLXEngine(packed, "auto")
    assert engine.precision == packing
    ids = texts(30)[0]
    assert float(engine.run([ids])[0] @ vector(packed, ids)) > 0.995
    engine.close()


def test_arithmetic_that_it_lacks_is_told(checkpoint: Checkpoint) -> None:
    with pytest.raises(PrecisionUnavailable, match="int8"):
        MLXEngine(checkpoint, "int8")


@pytest.mark.model
def test_the_model_cards_similarities(real_models: Path) -> None:
    with embedder.load(precision="bf16") as model:
        question = model.embed_queries(["Which planet is known as the Red Planet?"])
        documents = model.embed_documents(
            [
                "Venus is often called Earth's twin because of its similar size and proximity.",
                "Mars, known for its reddish appearance, is often referred to as the Red Planet.",
                "Jupiter, the largest planet in our solar system, has a prominent red spot.",
                "Saturn, famous for its rings, is sometimes mistaken for the Red Planet.",
            ]
        )
        expected = [[0.3011, 0.6359, 0.4930, 0.4889]]
        np.testing.assert_allclose(model.similarity(question, documents), expected, atol=2e-3)
