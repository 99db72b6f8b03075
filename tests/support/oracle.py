"""The network once more in plain NumPy float32, written from the papers: what both engines are held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.checkpoint import Checkpoint

Array = NDArray[np.float32]


def vector(checkpoint: Checkpoint, ids: Sequence[int]) -> Array:
    """The unit vector of one text, computed alone, without padding or masks for it; once a run."""
    key = checkpoint.fingerprint, tuple(ids)
    if key not in _computed:
        _computed[key] = _vector(checkpoint, ids)
    return _computed[key]


_computed: dict[tuple[str, tuple[int, ...]], Array] = {}


def _vector(checkpoint: Checkpoint, ids: Sequence[int]) -> Array:
    config = checkpoint.config
    x = checkpoint.embedding_rows(np.array(ids)) * np.float32(config.hidden_size**0.5)
    for layer in range(config.num_hidden_layers):
        part = f"model.layers.{layer}."
        attended = _attention(
            checkpoint, part + "self_attn.", _norm(checkpoint, x, part + "input_layernorm"), layer
        )
        x = x + _norm(checkpoint, attended, part + "post_attention_layernorm")
        inner = _norm(checkpoint, x, part + "pre_feedforward_layernorm")
        gate = inner @ checkpoint.float32(part + "mlp.gate_proj.weight").T
        up = inner @ checkpoint.float32(part + "mlp.up_proj.weight").T
        gelu = 0.5 * gate * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
        down = (gelu * up) @ checkpoint.float32(part + "mlp.down_proj.weight").T
        x = x + _norm(checkpoint, down, part + "post_feedforward_layernorm")
    mean = _norm(checkpoint, x, "model.norm").mean(axis=0)
    out = checkpoint.float32("dense.1.weight") @ (checkpoint.float32("dense.0.weight") @ mean)
    return np.asarray(out / np.linalg.norm(out), dtype=np.float32)


def _norm(checkpoint: Checkpoint, x: Array, name: str) -> Array:
    root = np.sqrt((x**2).mean(axis=-1, keepdims=True) + checkpoint.config.rms_norm_eps)
    return np.asarray(x / root * (1 + checkpoint.float32(name + ".weight")), dtype=np.float32)


def _attention(checkpoint: Checkpoint, part: str, x: Array, layer: int) -> Array:
    config = checkpoint.config
    heads, size, length = config.num_attention_heads, config.head_dim, len(x)
    shared = heads // config.num_key_value_heads
    queries = (x @ checkpoint.float32(part + "q_proj.weight").T).reshape(length, heads, size)
    keys = (x @ checkpoint.float32(part + "k_proj.weight").T).reshape(length, -1, size)
    values = (x @ checkpoint.float32(part + "v_proj.weight").T).reshape(length, -1, size)
    base = config.rope_base(layer)
    queries = _rotate(_norm(checkpoint, queries, part + "q_norm"), base)
    keys = _rotate(_norm(checkpoint, keys, part + "k_norm"), base)
    keys, values = np.repeat(keys, shared, axis=1), np.repeat(values, shared, axis=1)
    scores = np.einsum("qhd,khd->hqk", queries, keys) * config.attention_scale
    if config.is_sliding(layer):
        distance = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
        scores = np.where(distance < config.sliding_window // 2 + 1, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    mixed = np.einsum("hqk,khd->qhd", weights, values).reshape(length, heads * size)
    return np.asarray(mixed @ checkpoint.float32(part + "o_proj.weight").T, dtype=np.float32)


def _rotate(x: Array, base: float) -> Array:
    """Rotary positions (arXiv:2104.09864), halves rotated against each other."""
    half = x.shape[-1] // 2
    angles = np.arange(len(x))[:, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(
        np.float32
    )
