"""MLX: Apple silicon and CUDA, and a slow reference on any processor.

Owns the conversion of a checkpoint to an MLX network, and running a batch. MLX has one stream for each
thread: an engine is built, used and closed by one thread, and returns only NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import cast

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from numpy.typing import NDArray

from embedder.checkpoints.array_file import mapped_arrays
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.checkpoints.quantization import QuantizedWeight, round_to_bfloat16
from embedder.engines.base import Engine, Ids, Vectors
from embedder.engines.batching import pad
from embedder.errors import PrecisionUnavailable
from embedder.gemma import EmbeddingGemma, stored_names

_BITS = {"8bit": 8, "4bit": 4}
_GROUP_SIZE = 64
"""Numbers that share a scale where float weights are quantized at loading: MLX's default."""

_GPU_TOKENS, _CPU_TOKENS = 16_384, 1024
"""Tokens of a batch: enough to use a GPU fully; on a processor more are not faster."""

_GPU_CACHE_MB = 256
"""Megabytes of freed GPU memory that MLX keeps for the next batch, unless `memory_mb` is given: enough for
batches of 4,000 tokens."""

_GPU_PADDING = 0.25
"""As `Engine.most_padding`: on a GPU small batches cost more than padding."""

_LAYOUT_VERSION = "1"
"""Version of the file of weights in bfloat16: files of another version are not read."""

_PAD_MULTIPLE = 16
"""Tokens to whose multiple a length is rounded up, so that MLX compiles fewer shapes."""


def has_gpu() -> bool:
    """Whether MLX computes on a GPU here (Metal or CUDA)."""
    return bool(mx.default_device().type == mx.DeviceType.gpu)


class MLXEngine(Engine):
    """One checkpoint as an MLX network."""

    name = "mlx"
    keeps_thread = True
    """MLX frees what it compiled for a thread as the thread ends, and needs Python for that: a process that
    ends at the same time is aborted."""

    def __init__(self, checkpoint: Checkpoint, precision: str, *, memory_mb: int | None = None) -> None:
        self._checkpoint = checkpoint
        self.precision = resolve(checkpoint, precision)
        self.version = f"mlx-{metadata.version('mlx')}-{_LAYOUT_VERSION}"
        gpu = has_gpu()
        self.batch_tokens = _GPU_TOKENS if gpu else _CPU_TOKENS
        self._dtype = mx.float32 if self.precision == "f32" or not gpu else mx.bfloat16
        if gpu:
            self.most_padding = _GPU_PADDING
            mx.set_cache_limit((memory_mb or _GPU_CACHE_MB) << 20)
        self._network = _network(checkpoint, self.precision, self._dtype)

    def run(self, ids: Ids) -> Vectors:
        tokens, lengths = pad(ids, multiple=_PAD_MULTIPLE)
        distinct, places = np.unique(tokens, return_inverse=True)
        rows = mx.array(self._checkpoint.embedding_rows(distinct)).astype(self._dtype)
        embeddings = mx.take(rows, mx.array(places.reshape(tokens.shape)), axis=0)
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
        raise PrecisionUnavailable("MLX has no int8 arithmetic.", "Ask for 8bit, or for the engine native.")
    if precision in _BITS and stored not in (None, precision):
        raise PrecisionUnavailable(
            f"The checkpoint is quantized to {stored} and cannot be run as {precision}.",
            "Ask for auto, or give the float checkpoint.",
        )
    return precision


def _network(checkpoint: Checkpoint, precision: str, dtype: mx.Dtype) -> EmbeddingGemma:
    """The network with the checkpoint's weights; F16 scales, biases and norms are converted to `dtype`."""
    network = EmbeddingGemma(checkpoint.config, checkpoint.shapes["dense.0.weight"][0])
    shapes = {name: array.shape for name, array in _flat(network)}
    quantized: dict[str, QuantizedWeight] = {}
    if precision in _BITS:
        quantized = {name: weight for name in shapes if (weight := _quantized_weight(checkpoint, name))}
    if quantized:
        group, bits = checkpoint.quantization or (_GROUP_SIZE, _BITS[precision])
        nn.quantize(network, group, bits, class_predicate=lambda path, _: f"{path}.weight" in quantized)
    if precision == "bf16" and dtype == mx.bfloat16 and checkpoint.precision == "f32":
        network.load_weights(list(_kept_bfloat16(checkpoint, shapes)))
    else:
        parts = (_parameters(checkpoint, name, quantized.get(name), dtype) for name in shapes)
        network.load_weights([pair for part in parts for pair in part])
    if precision in _BITS and not quantized:
        nn.quantize(network, _GROUP_SIZE, _BITS[precision])
    mx.eval(network.parameters())
    mx.clear_cache()  # of the wider numbers that the weights were converted from
    return network


def _flat(network: nn.Module) -> list[tuple[str, mx.array]]:
    """The parameters by their names."""
    return cast("list[tuple[str, mx.array]]", tree_flatten(network.parameters()))


def _kept_bfloat16(
    checkpoint: Checkpoint, shapes: dict[str, tuple[int, ...]]
) -> Iterator[tuple[str, mx.array]]:
    """Each parameter in bfloat16, from a file that is a third of a float checkpoint to read."""
    arrays = mapped_arrays(
        f"mlx\0{checkpoint.fingerprint}\0bf16\0{_LAYOUT_VERSION}",
        {name: ("BF16", shape) for name, shape in shapes.items()},
        lambda: ((name, round_to_bfloat16(_floats(checkpoint, name))) for name in shapes),
    )
    for name in shapes:
        yield name, mx.array(arrays[name]).view(mx.bfloat16)


def _parameters(
    checkpoint: Checkpoint, name: str, quantized: QuantizedWeight | None, dtype: mx.Dtype
) -> list[tuple[str, mx.array]]:
    """One weight as MLX's layers hold it: one array, or codes, scales and biases."""
    if quantized is None:
        weight = mx.array(_floats(checkpoint, name)).astype(dtype)
        mx.eval(weight)  # so that only one is in memory in float32
        return [(name, weight)]
    layer = name.removesuffix("weight")
    return [
        (name, mx.array(quantized.codes)),
        (f"{layer}scales", mx.array(quantized.scales).astype(dtype)),
        (f"{layer}biases", mx.array(quantized.biases).astype(dtype)),
    ]


def _floats(checkpoint: Checkpoint, name: str) -> NDArray[np.float32]:
    """The rows of one parameter of the network; that of a norm is one plus what is stored."""
    parts = [checkpoint.float32(stored) for stored in stored_names(name, checkpoint.config)]
    rows = parts[0] if len(parts) == 1 else np.concatenate([np.atleast_2d(part) for part in parts])
    return np.float32(1) + rows if "norm" in name else rows


def _quantized_weight(checkpoint: Checkpoint, name: str) -> QuantizedWeight | None:
    """Codes, scales and biases of one parameter; None where any part of it is stored as floats."""
    parts = [checkpoint.quantized(stored) for stored in stored_names(name, checkpoint.config)]
    if None in parts:
        return None
    return QuantizedWeight(*(np.concatenate(same) for same in zip(*parts, strict=True)))
