"""The network in MLX: Gemma 3's blocks with bidirectional attention, a masked mean, two dense layers.

Owns the arithmetic only: from token embeddings to unit vectors. Products that share an input are one, as are
the norms of queries and keys; `stored_names` says of which weights of a checkpoint a parameter consists.
Source: the Gemma 3 report (arXiv:2503.19786) and EmbeddingGemma's (arXiv:2509.20354).
"""

from __future__ import annotations

from functools import partial

import mlx.core as mx
import mlx.nn as nn

from embedder.config import GemmaConfig


class Attention(nn.Module):
    """Grouped-query attention (arXiv:2305.13245) with normalized queries and keys and rotary positions."""

    def __init__(self, config: GemmaConfig, layer: int) -> None:
        super().__init__()
        self._heads, self._kv_heads = config.num_attention_heads, config.num_key_value_heads
        self._head_dim, self._rope_base = config.head_dim, config.rope_base(layer)
        self._scale, self._eps = config.attention_scale, config.rms_norm_eps
        hidden, normalized = config.hidden_size, self._heads + self._kv_heads
        self.qkv_proj = nn.Linear(hidden, (normalized + self._kv_heads) * self._head_dim, bias=False)
        self.o_proj = nn.Linear(self._heads * self._head_dim, hidden, bias=False)
        self.qk_norm = nn.Module()
        self.qk_norm.weight = mx.ones((normalized, self._head_dim))

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        batch, length, _ = x.shape
        heads = self.qkv_proj(x).reshape(batch, length, -1, self._head_dim)
        normalized = self._heads + self._kv_heads
        # Of values, too, so that the norm reads the product as it lies.
        rotated = mx.fast.rms_norm(heads, None, self._eps)[:, :, :normalized] * self.qk_norm.weight
        rotated = self._rotate(rotated.transpose(0, 2, 1, 3))
        queries, keys = rotated[:, : self._heads], rotated[:, self._heads :]
        values = heads[:, :, normalized:].transpose(0, 2, 1, 3)
        attended = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=self._scale, mask=mask)
        return self.o_proj(attended.transpose(0, 2, 1, 3).reshape(batch, length, -1))

    def _rotate(self, x: mx.array) -> mx.array:
        return mx.fast.rope(x, self._head_dim, traditional=False, base=self._rope_base, scale=1.0, offset=0)


class MLP(nn.Module):
    """The gated feed-forward layer: GELU of one product times another (GEGLU, arXiv:2002.05202)."""

    def __init__(self, config: GemmaConfig) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        return self.down_proj(geglu(*mx.split(self.gate_up_proj(x), 2, axis=-1)))


class Block(nn.Module):
    """One layer: attention and MLP, each normalized before and after and added to the residual stream."""

    def __init__(self, config: GemmaConfig, layer: int) -> None:
        super().__init__()
        hidden, eps = config.hidden_size, config.rms_norm_eps
        self.self_attn = Attention(config, layer)
        self.mlp = MLP(config)
        self.input_layernorm = nn.RMSNorm(hidden, eps)
        self.post_attention_layernorm = nn.RMSNorm(hidden, eps)
        self.pre_feedforward_layernorm = nn.RMSNorm(hidden, eps)
        self.post_feedforward_layernorm = nn.RMSNorm(hidden, eps)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        x += self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), mask))
        x += self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))
        return x


class Encoder(nn.Module):
    """Token embeddings to token states; full layers attend to every token, sliding ones to a window."""

    def __init__(self, config: GemmaConfig) -> None:
        super().__init__()
        self._config = config
        self.layers = [Block(config, layer) for layer in range(config.num_hidden_layers)]
        self.norm = nn.RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, x: mx.array, real: mx.array) -> mx.array:
        full, sliding = attention_masks(real, self._config.window)
        x = x * self._config.hidden_size**0.5
        for index, layer in enumerate(self.layers):
            x = layer(x, sliding if self._config.is_sliding(index) else full)
        normalized: mx.array = self.norm(x)
        return normalized


class EmbeddingGemma(nn.Module):
    """Token embeddings (batch, length, hidden) and lengths (batch,) to unit vectors (batch, hidden)."""

    def __init__(self, config: GemmaConfig, dense_size: int) -> None:
        super().__init__()
        self.model = Encoder(config)
        self.dense = [
            nn.Linear(config.hidden_size, dense_size, bias=False),
            nn.Linear(dense_size, config.hidden_size, bias=False),
        ]

    def __call__(self, embeddings: mx.array, lengths: mx.array) -> mx.array:
        real = mx.arange(embeddings.shape[1])[None] < lengths[:, None]
        states = self.model(embeddings, real).astype(mx.float32)
        mean = mx.where(real[..., None], states, 0.0).sum(axis=1) / lengths[:, None]
        vectors = self.dense[1](self.dense[0](mean.astype(embeddings.dtype))).astype(mx.float32)
        return vectors / mx.linalg.norm(vectors, axis=-1, keepdims=True)


def attention_masks(real: mx.array, window: int) -> tuple[mx.array, mx.array]:
    """The tokens each token attends to on full and on sliding layers, (batch, 1, length, length) bool each.

    `real` (batch, length) is False for padding. Every token attends at least to itself: the softmax of a row
    without any key is NaN.
    """
    position = mx.arange(real.shape[1])
    distance = mx.abs(position[:, None] - position[None])
    full = real[:, None, None, :] | (distance == 0)
    return full, full & (distance < window)


@partial(mx.compile, shapeless=True)
def geglu(gate: mx.array, up: mx.array) -> mx.array:
    """GELU of `gate` in its tanh form (arXiv:1606.08415, section 2), times `up`; one kernel, in float32.

    With 1 + tanh(z) = 2 sigmoid(2z), in this order, there are few enough steps for MLX to join all of them.
    """
    x = gate.astype(mx.float32)
    both = x * up.astype(mx.float32)
    product: mx.array = both * mx.sigmoid(x * (x * x * 0.07135481627260025 + 1.5957691216057308))
    return product.astype(gate.dtype)


def stored_names(name: str, config: GemmaConfig) -> list[str]:
    """The weights of a checkpoint of which the rows of a parameter consist, in their order."""
    heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
    for merged, parts in (
        ("qkv_proj", ("q_proj", "k_proj", "v_proj")),
        ("gate_up_proj", ("gate_proj", "up_proj")),
        ("qk_norm", ("q_norm",) * heads + ("k_norm",) * kv_heads),
    ):
        if merged in name:
            return [name.replace(merged, part) for part in parts]
    return [name]
