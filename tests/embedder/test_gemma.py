"""The network in MLX: its steps, its memory, and its path for GPUs, which a processor can run too."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from support.oracle import vector
from support.tiny_model import CONFIG, DENSE_SIZE, make_tiny_checkpoint

from embedder.checkpoints.checkpoint import Checkpoint, open_checkpoint
from embedder.checkpoints.convert import convert
from embedder.config import GemmaConfig
from embedder.engines import mlx as engines_mlx
from embedder.engines.batching import plan_batches
from embedder.engines.mlx import MLXEngine
from embedder.gemma import EmbeddingGemma, attention_masks, geglu

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="MLX compiles for the processor with g++"
)


@pytest.fixture
def checkpoint(home: Path, tmp_path: Path) -> Checkpoint:
    return open_checkpoint(make_tiny_checkpoint(tmp_path / "tiny"))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on a GPU, on the processor."""
    monkeypatch.setattr(engines_mlx, "has_gpu", lambda: True)


def texts(*lengths: int) -> list[list[int]]:
    rng = np.random.default_rng(7)
    return [[2, *rng.integers(4, 1000, size=n - 2).tolist(), 1] for n in lengths]


def primitives(layers: int, folder: Path) -> Counter[str]:
    """The steps of a network of that many layers, by name."""
    kinds = ["sliding_attention"] * layers
    config = GemmaConfig.from_dict({**CONFIG, "num_hidden_layers": layers, "layer_types": kinds})
    network = EmbeddingGemma(config, DENSE_SIZE)
    network.set_dtype(mx.bfloat16)
    x = mx.zeros((2, 64, config.hidden_size), dtype=mx.bfloat16)
    mx.eval(network.parameters(), x)
    mx.export_to_dot(str(folder / "graph.dot"), network(x, mx.array([64, 60])))
    return Counter(re.findall(r'label ?= ?"([A-Za-z]+)', (folder / "graph.dot").read_text()))


def test_a_layer_takes_few_steps(tmp_path: Path) -> None:
    """As the processor does it, which takes norms, rotation and attention apart: a GPU has about twenty."""
    one, two = primitives(1, tmp_path), primitives(2, tmp_path)
    layer = two - one
    assert layer["Matmul"] == 4 + 2, "four products, and two inside attention"
    assert len([name for name in layer if name.startswith("Compiled")]) == 1, "GELU and its product"
    assert not layer["Tanh"] and not layer["Sigmoid"]
    assert layer.total() <= 145, layer


def test_gelu_is_the_one_of_the_paper() -> None:
    x = np.linspace(-12, 12, 4001, dtype=np.float32)
    expected = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(np.array(geglu(mx.array(x), mx.ones(x.shape))), expected, atol=2e-6)


def test_padding_is_seen_by_itself_alone() -> None:
    full, sliding = attention_masks(mx.array([[True, True, True, False]]), 2)
    assert np.array(full)[0, 0].tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert np.array(sliding)[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]]


@needs_compiler
@pytest.mark.parametrize("precision", ["bf16", "8bit"])
def test_the_path_for_gpus_stays_close_to_the_oracle(
    precision: str, checkpoint: Checkpoint, gpu: None, tmp_path: Path
) -> None:
    packed = checkpoint
    if precision == "8bit":
        packed = open_checkpoint(convert(checkpoint.folder, tmp_path / "packed", precision))
    engine = MLXEngine(packed, precision)
    kinds = {array.dtype for _, array in tree_flatten(engine._network.parameters())}
    assert kinds == {mx.bfloat16} | ({mx.uint32} if precision == "8bit" else set())
    for ids in texts(5, 18, 40):
        assert float(engine.run([ids])[0] @ vector(packed, ids)) > 0.99
    engine.close()


def test_weights_in_bfloat16_are_kept_and_a_damaged_copy_is_made_again(
    checkpoint: Checkpoint, gpu: None, home: Path
) -> None:
    def weights() -> dict[str, list[float]]:
        engine = MLXEngine(checkpoint, "bf16")
        found = {
            name: np.array(array.astype(mx.float32)).ravel().tolist()
            for name, array in tree_flatten(engine._network.parameters())
        }
        engine.close()
        return found

    first = weights()
    (kept,) = (home / "models" / ".compiled").iterdir()
    before = kept.stat().st_ino
    assert weights() == first and kept.stat().st_ino == before
    with kept.open("r+b") as file:
        file.seek(-5000, 2)
        file.write(b"\xff" * 100)
    assert weights() == first and kept.stat().st_ino != before
    norms = checkpoint.float32("model.norm.weight")
    np.testing.assert_allclose(first["model.norm.weight"], 1 + norms, rtol=2**-8)


@pytest.mark.parametrize("precision", ["bf16", "4bit"])
def test_loading_leaves_nothing_in_the_cache(precision: str, checkpoint: Checkpoint, gpu: None) -> None:
    mx.clear_cache()
    engine = MLXEngine(checkpoint, precision)
    assert mx.get_cache_memory() == 0
    engine.close()


def test_batches_of_a_gpu_are_of_the_size_that_is_meant(checkpoint: Checkpoint, gpu: None) -> None:
    engine = MLXEngine(checkpoint, "f32")
    lengths = np.random.default_rng(3).gamma(4, 80, size=256).astype(int) + 20
    mean = {
        padding: sum(lengths) / len(plan_batches(lengths.tolist(), engine.batch_tokens, padding))
        for padding in (0.1, engine.most_padding)
    }
    assert mean[engine.most_padding] > 1.8 * mean[0.1]
    engine.close()
