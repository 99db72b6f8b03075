"""MLX: Apple silicon and CUDA, and a slow reference on any processor.

Owns the conversion of a checkpoint to an MLX network, and running a batch. MLX has one stream for each
thread: an engine is built, used and closed by one thread, and returns only NumPy arrays.
"""

from __future__ import annotations

from importlib import metadata

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from embedder.checkpoints.checkpoint import EMBEDDING, Checkpoint
from embedder.checkpoints.quantization import QuantizedWeight
from embedder.engines.base import Engine, Ids, Vectors
from embedder.engines.batching import pad
from embedder.errors import PrecisionUnavailable
from embedder.gemma import EmbeddingGemma

_BITS = {"8bit": 8, "4bit": 4}
_GROUP_SIZE = 64
"""Numbers that share a scale where float weights are quantized at loading: MLX's default."""

_GPU_TOKENS, _CPU_TOKENS = 16_384, 1024
"""Tokens of a batch: enough to use a GPU fully; on a processor more are not faster."""

_GPU_CACHE_MB = 1024
"""Megabytes of freed GPU memory that MLX keeps for the next batch, unless `memory_mb` is given."""

_PAD_MULTIPLE = 16
"""Tokens to whose multiple a length is rounded up, so that MLX compiles fewer shapes."""


def has_gpu() -> bool:
    """Whether MLX computes on a GPU here (Metal or CUDA)."""
    return bool(mx.default_device().type == mx.DeviceType.gpu)


class MLXEngine(Engine):
    """One checkpoint as an MLX network."""

    name = "mlx"

    def __init__(self, checkpoint: Checkpoint, precision: str, *, memory_mb: int | None = None) -> None:
        self._checkpoint = checkpoint
        self.precision = resolve(checkpoint, precision)
        self.version = f"mlx-{metadata.version('mlx')}"
        gpu = has_gpu()
        self.batch_tokens = _GPU_TOKENS if gpu else _CPU_TOKENS
        self._dtype = mx.float32 if self.precision == "f32" or not gpu else mx.bfloat16
        if gpu:
            mx.set_cache_limit((memory_mb or _GPU_CACHE_MB) << 20)
        self._network = _network(checkpoint, self.precision, self._dtype)

    def run(self, ids: Ids) -> Vectors:
        tokens, lengths = pad(ids, multiple=_PAD_MULTIPLE)
        embeddings = mx.array(self._checkpoint.embedding_rows(tokens)).astype(self._dtype)
        vectors = self._network(embeddings, mx.array(lengths))
        return np.array(vectors, dtype=np.float32)

    def close(self) -> None:
        del self._network
        mx.clear_cache()


def resolve(checkpoint: Checkpoint, precision: str) -> str:
    """The precision to run at; `auto` is the stored one of quantized weights, bfloat16 for floats."""
    stored = checkpoint.quantized_precision
    if precision == "auto":
        return stored or "bf16"
    if precision == "int8":
        raise PrecisionUnavailable("MLX has no int8 arithmetic.", "Ask for 8bit, or for the engine openvino.")
    if precision in _BITS and stored not in (None, precision):
        raise PrecisionUnavailable(
            f"The checkpoint is quantized to {stored} and cannot be run as {precision}.",
            "Ask for auto, or give the float checkpoint.",
        )
    return precision


def _network(checkpoint: Checkpoint, precision: str, dtype: mx.Dtype) -> EmbeddingGemma:
    """The network with the checkpoint's weights; F16 scales, biases and norms are converted to `dtype`."""
    names = [name for name in checkpoint.names if not name.startswith(EMBEDDING)]
    network = EmbeddingGemma(checkpoint.config, checkpoint.shapes["dense.0.weight"][0])
    quantized: dict[str, QuantizedWeight] = {}
    if precision in _BITS:
        quantized = {name: weight for name in names if (weight := checkpoint.quantized(name))}
    if quantized:
        group, bits = checkpoint.quantization or (_GROUP_SIZE, _BITS[precision])
        nn.quantize(network, group, bits, class_predicate=lambda path, _: f"{path}.weight" in quantized)
    network.load_weights(
        [pair for name in names for pair in _parameters(checkpoint, name, quantized.get(name), dtype)]
    )
    if precision in _BITS and not quantized:
        nn.quantize(network, _GROUP_SIZE, _BITS[precision])
    mx.eval(network.parameters())
    return network


def _parameters(
    checkpoint: Checkpoint, name: str, quantized: QuantizedWeight | None, dtype: mx.Dtype
) -> list[tuple[str, mx.array]]:
    """One weight as MLX's layers hold it: one array, or codes, scales and biases."""
    if quantized is None:
        return [(name, mx.array(checkpoint.float32(name)).astype(dtype))]
    layer = name.removesuffix("weight")
    return [
        (name, mx.array(quantized.codes)),
        (f"{layer}scales", mx.array(quantized.scales).astype(dtype)),
        (f"{layer}biases", mx.array(quantized.biases).astype(dtype)),
    ]
