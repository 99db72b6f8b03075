"""The network in MLX: Gemma 3's blocks with bidirectional attention, a masked mean, two dense layers.

Owns the arithmetic only: from token embeddings to unit vectors. The names of the
parameters are those of the checkpoint (`model.layers.0.self_attn.q_proj.weight`).
Source: the Gemma 3 report (arXiv:2503.19786) and EmbeddingGemma's (arXiv:2509.20354).
"""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn

from embedder.config import GemmaConfig


class RMSNorm(nn.Module):
    """Root mean square norm, scaled by one plus the stored weight."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = mx.zeros((size,))
        self._eps = eps

    def __call__(self, x: mx.array) -> mx.array:
        return mx.fast.rms_norm(x, 1.0 + self.weight, self._eps)


class Attention(nn.Module):
    """Grouped-query attention (arXiv:2305.13245) with normalized queries and keys and rotary positions."""

    def __init__(self, config: GemmaConfig, layer: int) -> None:
        super().__init__()
        self._heads, self._kv_heads = config.num_attention_heads, config.num_key_value_heads
        self._head_dim, self._rope_base = config.head_dim, config.rope_base(layer)
        self._scale = config.attention_scale
        hidden = config.hidden_size
        self.q_proj = nn.Linear(hidden, self._heads * self._head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, self._kv_heads * self._head_dim, bias=False)
        self.v_proj = nn.Linear(hidden, self._kv_heads * self._head_dim, bias=False)
        self.o_proj = nn.Linear(self._heads * self._head_dim, hidden, bias=False)
        self.q_norm = RMSNorm(self._head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(self._head_dim, config.rms_norm_eps)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        batch, length, _ = x.shape
        queries = self._split(self.q_proj(x), self._heads)
        keys = self._split(self.k_proj(x), self._kv_heads)
        values = self._split(self.v_proj(x), self._kv_heads)
        queries, keys = self._rotate(self.q_norm(queries)), self._rotate(self.k_norm(keys))
        attended = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=self._scale, mask=mask)
        return self.o_proj(attended.transpose(0, 2, 1, 3).reshape(batch, length, -1))

    def _split(self, x: mx.array, heads: int) -> mx.array:
        return x.reshape(*x.shape[:2], heads, self._head_dim).transpose(0, 2, 1, 3)

    def _rotate(self, x: mx.array) -> mx.array:
        return mx.fast.rope(x, self._head_dim, traditional=False, base=self._rope_base, scale=1.0, offset=0)


class MLP(nn.Module):
    """The gated feed-forward layer: GELU of one product times another (GEGLU, arXiv:2002.05202)."""

    def __init__(self, config: GemmaConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def __call__(self, x: mx.array) -> mx.array:
        return self.down_proj(gelu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: attention and MLP, each normalized before and after and added to the residual stream."""

    def __init__(self, config: GemmaConfig, layer: int) -> None:
        super().__init__()
        hidden, eps = config.hidden_size, config.rms_norm_eps
        self.self_attn = Attention(config, layer)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(hidden, eps)
        self.post_attention_layernorm = RMSNorm(hidden, eps)
        self.pre_feedforward_layernorm = RMSNorm(hidden, eps)
        self.post_feedforward_layernorm = RMSNorm(hidden, eps)

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        x = x + self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), mask))
        return x + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))


class Encoder(nn.Module):
    """Token embeddings to token states; full layers attend to every token, sliding ones to a window."""

    def __init__(self, config: GemmaConfig) -> None:
        super().__init__()
        self._config = config
        self.layers = [Block(config, layer) for layer in range(config.num_hidden_layers)]
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def __call__(self, x: mx.array, real: mx.array) -> mx.array:
        full, sliding = attention_masks(real, self._config.window)
        x = x * self._config.hidden_size**0.5
        for index, layer in enumerate(self.layers):
            x = layer(x, sliding if self._config.is_sliding(index) else full)
        return self.norm(x)


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


def gelu(x: mx.array) -> mx.array:
    """GELU in its tanh form (arXiv:1606.08415, section 2)."""
    return 0.5 * x * (1.0 + mx.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))
