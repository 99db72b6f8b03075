"""MLX: Apple silicon and CUDA, and the reference on any processor.

Owns how a checkpoint's weights become an MLX network and how a batch runs through it. Streams of MLX belong
to threads: an engine is built, used and closed by one thread, and only NumPy arrays leave it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from numpy.typing import NDArray

from embedder.batching import padded
from embedder.checkpoints.checkpoint import EMBEDDING, Checkpoint
from embedder.engines.choose import Engine
from embedder.errors import PrecisionUnavailable
from embedder.gemma import EmbeddingGemma

_BITS = {"8bit": 8, "4bit": 4}
_GROUP_SIZE = 64
_GPU_TOKENS, _CPU_TOKENS = 16_384, 1024


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
            mx.set_cache_limit((memory_mb or 1024) << 20)
        self._network = _network(checkpoint, self.precision, self._dtype)

    def run(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        tokens, lengths = padded(ids, multiple=16)
        embeddings = mx.array(self._checkpoint.embedding_rows(tokens)).astype(self._dtype)
        vectors = self._network(embeddings, mx.array(lengths))
        return np.array(vectors, dtype=np.float32)

    def close(self) -> None:
        del self._network
        mx.clear_cache()


def resolve(checkpoint: Checkpoint, precision: str) -> str:
    """The precision to run at: packed weights as they are packed, others in bfloat16 unless asked."""
    packed = f"{checkpoint.quantization[1]}bit" if checkpoint.quantization else None
    if precision == "auto":
        return packed or "bf16"
    if precision == "int8":
        raise PrecisionUnavailable("MLX has no int8 arithmetic.", "Ask for 8bit, or for the engine openvino.")
    if precision in _BITS and packed not in (None, precision):
        raise PrecisionUnavailable(
            f"The checkpoint is packed to {packed} and cannot be run as {precision}.",
            "Ask for auto, or give the unquantised checkpoint.",
        )
    return precision


def _network(checkpoint: Checkpoint, precision: str, dtype: mx.Dtype) -> EmbeddingGemma:
    """The network with the checkpoint's weights; F16 scales and norms are widened, never computed in F16."""
    names = [name for name in checkpoint.names if not name.startswith(EMBEDDING)]
    network = EmbeddingGemma(checkpoint.config, checkpoint.shapes["dense.0.weight"][0])
    packed = {name: parts for name in names if precision in _BITS and (parts := checkpoint.packed(name))}
    if packed:
        group, bits = checkpoint.quantization or (_GROUP_SIZE, _BITS[precision])
        nn.quantize(network, group, bits, class_predicate=lambda path, _: f"{path}.weight" in packed)
    weights: list[tuple[str, mx.array]] = []
    for name in names:
        if name not in packed:
            weights.append((name, mx.array(checkpoint.float32(name)).astype(dtype)))
            continue
        codes, scales, biases = packed[name]
        layer = name.removesuffix("weight")
        weights += [(name, mx.array(codes)), (f"{layer}scales", mx.array(scales).astype(dtype))]
        weights.append((f"{layer}biases", mx.array(biases).astype(dtype)))
    network.load_weights(weights)
    if precision in _BITS and not packed:
        nn.quantize(network, _GROUP_SIZE, _BITS[precision])
    mx.eval(network.parameters())
    return network
