"""The network as an OpenVINO graph, built from a checkpoint's weights.

Owns the operations; knows nothing of threads, streams or batches. The graph has neither the embedding lookup
nor the dense head, since they are no work for each token. Norms, rotary positions and attention have the
forms that the CPU plugin fuses (RMS, RoPE, softmax between two products).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.checkpoint import Checkpoint
from embedder.checkpoints.quantization import quantize_rows_int8, round_to_bfloat16
from embedder.engines.openvino_quiet import op, ov

GRAPH_VERSION = "1"
"""Version of the graph: compiled copies of other versions are not used."""

_MASKED = -1e30
"""Added to the score of a masked key; finite, so that a row without keys gives no NaN."""


def build_graph(checkpoint: Checkpoint, weights: str) -> ov.Model:
    """Hidden states (batch, length, hidden) and lengths (batch,) to masked means (batch, hidden), float32.

    `weights` is how the products' weights are stored: `f32`, `bf16`, or `int8` with a scale for each row.
    """
    return _Graph(checkpoint, weights).model()


class _Graph:
    def __init__(self, checkpoint: Checkpoint, weights: str) -> None:
        self.checkpoint, self.config, self.weights = checkpoint, checkpoint.config, weights

    def model(self) -> ov.Model:
        hidden = op.parameter([-1, -1, self.config.hidden_size], np.float32, name="hidden")
        lengths = op.parameter([-1], np.int32, name="lengths")
        length = op.gather(op.shape_of(hidden), _ints(1), _ints(0))
        real = op.less(op.unsqueeze(self._positions(length), _ints(0)), op.unsqueeze(lengths, _ints(1)))
        masks = self._masks(length, real)
        rotary = {
            base: self._rotary(base, length)
            for base in {self.config.rope_theta, self.config.rope_local_base_freq}
        }
        x = op.multiply(hidden, _floats(self.config.hidden_size**0.5))
        for layer in range(self.config.num_hidden_layers):
            part = f"model.layers.{layer}."
            mask = masks[self.config.is_sliding(layer)]
            attended = self._attention(
                part, self._norm(x, part + "input_layernorm"), mask, rotary[self.config.rope_base(layer)]
            )
            x = op.add(x, self._norm(attended, part + "post_attention_layernorm"))
            gated = self._mlp(part, self._norm(x, part + "pre_feedforward_layernorm"))
            x = op.add(x, self._norm(gated, part + "post_feedforward_layernorm"))
        return ov.Model(
            [_mean(self._norm(x, "model.norm"), real, lengths)], [hidden, lengths], "embeddinggemma"
        )

    def _positions(self, length: Any) -> Any:
        positions = op.constant(np.arange(self.config.max_position_embeddings, dtype=np.int32))
        return _first(positions, length, axis=0)

    def _masks(self, length: Any, real: Any) -> tuple[Any, Any]:
        """Attention masks to add to the scores, of full and of sliding layers."""
        position = self._positions(length)
        distance = op.abs(op.subtract(op.unsqueeze(position, _ints(1)), op.unsqueeze(position, _ints(0))))
        near = op.less(distance, op.constant(np.int32(self.config.window)))
        padding = op.unsqueeze(op.select(real, _floats(0.0), _floats(_MASKED)), _ints([1, 2]))
        return padding, op.add(padding, op.select(near, _floats(0.0), _floats(_MASKED)))

    def _rotary(self, base: float, length: Any) -> tuple[Any, Any]:
        """Cosines and sines, (1, 1, length, head_dim)."""
        half = base ** (-np.arange(0, self.config.head_dim, 2) / self.config.head_dim)
        angles = np.arange(self.config.max_position_embeddings)[:, None] * np.tile(half, 2)[None]
        tables = (np.cos(angles), np.sin(angles))
        cos, sin = (_first(_floats(table[None, None]), length, axis=2) for table in tables)
        return cos, sin

    def _norm(self, x: Any, name: str) -> Any:
        mean = op.reduce_mean(op.power(x, _floats(2.0)), _ints([-1]), True)
        root = op.sqrt(op.add(mean, _floats(self.config.rms_norm_eps)))
        scale = 1.0 + self.checkpoint.float32(name + ".weight")
        return op.multiply(op.multiply(x, op.divide(_floats(1.0), root)), _floats(scale))

    def _linear(self, x: Any, *names: str) -> Any:
        """One product for weights that share an input."""
        weight = np.concatenate([self.checkpoint.float32(name + ".weight") for name in names])
        return op.matmul(x, _stored(weight, self.weights), False, True)

    def _attention(self, part: str, x: Any, mask: Any, rotary: tuple[Any, Any]) -> Any:
        part += "self_attn."
        heads, kv_heads, size = (
            self.config.num_attention_heads,
            self.config.num_key_value_heads,
            self.config.head_dim,
        )
        joined = self._linear(x, part + "q_proj", part + "k_proj", part + "v_proj")
        split = op.variadic_split(joined, _ints(2), _ints([heads * size, kv_heads * size, kv_heads * size]))
        queries, keys, values = (
            op.transpose(op.reshape(split.output(i), _ints([0, 0, n, size]), True), _ints([0, 2, 1, 3]))
            for i, n in enumerate((heads, kv_heads, kv_heads))
        )
        queries = self._rotate(self._norm(queries, part + "q_norm"), rotary)
        keys = self._rotate(self._norm(keys, part + "k_norm"), rotary)
        scores = op.multiply(op.matmul(queries, keys, False, True), _floats(self.config.attention_scale))
        attended = op.matmul(op.softmax(op.add(scores, mask), 3), values, False, False)
        joined = op.reshape(op.transpose(attended, _ints([0, 2, 1, 3])), _ints([0, 0, heads * size]), True)
        return self._linear(joined, part + "o_proj")

    def _rotate(self, x: Any, rotary: tuple[Any, Any]) -> Any:
        half = self.config.head_dim // 2
        split = op.variadic_split(x, _ints(3), _ints([half, half]))
        rotated = op.concat([op.multiply(split.output(1), _floats(-1.0)), split.output(0)], -1)
        return op.add(op.multiply(x, rotary[0]), op.multiply(rotated, rotary[1]))

    def _mlp(self, part: str, x: Any) -> Any:
        size = self.config.intermediate_size
        joined = self._linear(x, part + "mlp.gate_proj", part + "mlp.up_proj")
        split = op.variadic_split(joined, _ints(2), _ints([size, size]))
        return self._linear(
            op.multiply(op.gelu(split.output(0), "tanh"), split.output(1)), part + "mlp.down_proj"
        )


def _mean(states: Any, real: Any, lengths: Any) -> Any:
    kept = op.select(op.unsqueeze(real, _ints(2)), states, _floats(0.0))
    count = op.unsqueeze(op.convert(lengths, np.float32), _ints(1))
    return op.divide(op.reduce_sum(kept, _ints([1]), False), count)


def _first(table: Any, length: Any, axis: int) -> Any:
    return op.slice(table, _ints([0]), op.unsqueeze(length, _ints(0)), _ints([1]), _ints([axis]))


def _stored(weight: NDArray[np.float32], form: str) -> Any:
    """A weight as a constant stored in `form` (f32, bf16 or int8), converted to float32."""
    if form == "f32":
        return op.constant(weight)
    if form == "bf16":
        rounded = round_to_bfloat16(weight)
        tensor = ov.Tensor(rounded, ov.Shape(list(rounded.shape)), ov.Type.bf16)
        return op.convert(op.constant(tensor, shared_memory=False), np.float32)
    codes, scale = quantize_rows_int8(weight)
    return op.multiply(op.convert(op.constant(codes), np.float32), op.constant(scale[:, None]))


def _floats(value: Any) -> Any:
    return op.constant(np.asarray(value, dtype=np.float32))


def _ints(value: Any) -> Any:
    return op.constant(np.asarray(value, dtype=np.int64))
