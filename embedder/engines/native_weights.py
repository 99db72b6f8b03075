"""A checkpoint's weights in the layout of the native kernel, in one file that is mapped.

Owns the content of that file and the arrangement of weights in tiles
(`embedder/engines/native_kernel/block.h`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.array_file import Array, Arrays, mapped_arrays
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.checkpoints.quantization import quantize_rows_int8, round_to_bfloat16
from embedder.checkpoints.safetensors_file import Layout
from embedder.config import GemmaConfig

PRODUCTS = ("qkv", "output", "gate_up", "down")
NORMS = (
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
    "self_attn.q_norm",
    "self_attn.k_norm",
)

_VERSION = "3"
"""Version of the layout: files of another version are not read."""

_TILE_COLUMNS, _TILE_BYTES = 16, 64
"""A tile: columns of a product, and bytes of the depth of each column."""


def native_weights(checkpoint: Checkpoint, precision: str) -> dict[str, Array]:
    """Every array of the network by name, mapped from a file that is written where there is none.

    `precision` is `int8` or `bf16`. Where no file can be written, each start computes the arrays, which takes
    three seconds.
    """
    identity = f"{checkpoint.fingerprint}\0{precision}\0{_VERSION}"
    return mapped_arrays(
        identity, _layout(checkpoint.config, precision), lambda: _arrays(checkpoint, precision)
    )


def _layout(config: GemmaConfig, precision: str) -> Layout:
    """Stored type and shape of every array, in the order of `_arrays`."""
    hidden, mlp, size = config.hidden_size, config.intermediate_size, config.head_dim
    heads = config.num_attention_heads * size
    shapes = {
        "qkv": (heads + 2 * config.num_key_value_heads * size, hidden),
        "output": (hidden, heads),
        "gate_up": (2 * mlp, hidden),
        "down": (hidden, mlp),
    }
    layout: Layout = {}
    for layer in range(config.num_hidden_layers):
        for product, shape in shapes.items():
            layout[f"{layer}.{product}"] = ("U8" if precision == "int8" else "BF16", shape)
            if precision == "int8":
                layout[f"{layer}.{product}.scale"] = ("F32", shape[:1])
                layout[f"{layer}.{product}.column_offset"] = ("U32", shape[:1])
        for norm in NORMS:
            layout[f"{layer}.{norm}"] = ("F32", (size if "self_attn" in norm else hidden,))
    rotary = (config.max_position_embeddings, size)
    tail = {"norm": (hidden,), "head": (hidden, hidden), "full": rotary, "sliding": rotary}
    return layout | {name: ("F32", shape) for name, shape in tail.items()}


def _arrays(checkpoint: Checkpoint, precision: str) -> Arrays:
    """Every array, one at a time, computed from the checkpoint."""
    config = checkpoint.config
    for layer in range(config.num_hidden_layers):
        part = f"model.layers.{layer}."
        for product in PRODUCTS:
            weight = _product(checkpoint, part, product)
            if precision == "int8":
                codes, scale = quantize_rows_int8(_hadamard(weight))
                yield f"{layer}.{product}", _tiles(codes.view(np.uint8))
                yield f"{layer}.{product}.scale", scale
                yield f"{layer}.{product}.column_offset", _column_offset(codes).view(np.uint32)
            else:
                yield f"{layer}.{product}", _tiles(round_to_bfloat16(weight))
        for norm in NORMS:
            factor = np.float32(config.attention_scale if norm == "self_attn.q_norm" else 1)
            yield f"{layer}.{norm}", (1 + checkpoint.float32(f"{part}{norm}.weight")) * factor
    yield "norm", 1 + checkpoint.float32("model.norm.weight")
    # there is no activation function between the two dense layers: they are one product
    first, second = (checkpoint.float32(f"dense.{i}.weight").astype(np.float64) for i in range(2))
    yield "head", np.ascontiguousarray((second @ first).T, dtype=np.float32)
    yield "full", _rotary(config, config.rope_theta)
    yield "sliding", _rotary(config, config.rope_local_base_freq)


def _product(checkpoint: Checkpoint, part: str, product: str) -> NDArray[np.float32]:
    """The weights of one product (columns, depth), in float32; weights that share an input are
    concatenated."""
    if product == "qkv":
        return np.concatenate([checkpoint.float32(f"{part}self_attn.{x}_proj.weight") for x in "qkv"])
    if product == "gate_up":  # one tile of gate, one of up, and so on: a block of the kernel holds both
        both = [checkpoint.float32(f"{part}mlp.{x}_proj.weight") for x in ("gate", "up")]
        tiles = [w.reshape(-1, _TILE_COLUMNS, w.shape[1]) for w in both]
        return np.stack(tiles, axis=1).reshape(-1, both[0].shape[1])
    return checkpoint.float32(
        part + ("self_attn.o_proj" if product == "output" else "mlp.down_proj") + ".weight"
    )


def _hadamard(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights for transformed activations: each row by the inverse of `hadamard` in `rows.h`.

    Each 128 numbers are eight vectors of sixteen; the transform is over the eight, and over neighbouring
    pairs.
    """
    two = np.array([[1, 1], [1, -1]], dtype=np.float32)
    eight = np.kron(np.kron(two, two), two)
    parts = weight.reshape(len(weight), -1, 8, 8, 2)
    transformed = np.einsum("rgilk,ij,km->rgjlm", parts, eight / 8, two / 2, optimize=True)
    return np.ascontiguousarray(transformed).reshape(weight.shape)


def _column_offset(codes: NDArray[np.int8]) -> NDArray[np.int32]:
    """The initial value of the sum of each column, (columns,).

    The kernel stores activations plus 128, unsigned: each sum is 128 times the sum of the column's codes
    too large.
    """
    return np.asarray(-128 * codes.sum(axis=1, dtype=np.int32), dtype=np.int32)


def _tiles(weight: Array) -> Array:
    """A weight (columns, depth) in tiles of 16 columns by 64 bytes, four bytes of each column in turn.

    The shape is unchanged. `block.h` describes the layout.
    """
    columns, depth = weight.shape
    step, group = _TILE_BYTES // weight.itemsize, 4 // weight.itemsize
    tiles = weight.reshape(columns // _TILE_COLUMNS, _TILE_COLUMNS, depth // step, step // group, group)
    return np.ascontiguousarray(tiles.transpose(0, 2, 3, 1, 4)).reshape(columns, depth)


def _rotary(config: GemmaConfig, base: float) -> NDArray[np.float32]:
    """Cosines, then sines, of every position (arXiv:2104.09864): (positions, head dimension)."""
    frequencies = base ** -(np.arange(0, config.head_dim, 2) / config.head_dim)
    angles = np.arange(config.max_position_embeddings)[:, None] * frequencies
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
