"""The parameters of the architecture, read from `config.json`, and the names of the precisions.

Owns the definition of an EmbeddingGemma; knows nothing of how its weights are stored or run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from embedder.errors import ModelInvalid

Precision = Literal["auto", "f32", "bf16", "int8", "8bit", "4bit"]
MlxPrecision = Literal["bf16", "8bit", "4bit"]
"""Precisions to which a float checkpoint can be converted for MLX."""

DIMENSIONS = (768, 512, 256, 128)
"""Dimensions to which a vector may be truncated; the model was trained for each (model card)."""

_OTHER_MODEL = "ken runs EmbeddingGemma: fetch it with `ken model fetch`."
_MAX_CONFIG_BYTES = 1 << 20
"""Bytes of a config file that are read: a real config.json has 1.5 KB."""


@dataclass(frozen=True, slots=True)
class GemmaConfig:
    """The parameters of one encoder, named as in Gemma 3's `config.json`."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    max_position_embeddings: int
    rms_norm_eps: float
    query_pre_attn_scalar: float
    sliding_window: int
    """As stored; attention uses `window`."""
    layer_types: tuple[str, ...]
    rope_theta: float
    rope_local_base_freq: float

    @property
    def window(self) -> int:
        """On sliding layers a token attends to positions at a distance less than this, on either side.

        Half the stored window plus one, as in transformers' `Gemma3TextConfig` for bidirectional attention.
        """
        return self.sliding_window // 2 + 1

    @property
    def attention_scale(self) -> float:
        """The factor of every attention score."""
        return float(self.query_pre_attn_scalar**-0.5)

    def is_sliding(self, layer: int) -> bool:
        return self.layer_types[layer] == "sliding_attention"

    def rope_base(self, layer: int) -> float:
        """The base of a layer's rotary frequencies (arXiv:2104.09864)."""
        return self.rope_local_base_freq if self.is_sliding(layer) else self.rope_theta

    @classmethod
    def from_folder(cls, folder: Path) -> GemmaConfig:
        """Read and check `config.json`. Raises `ModelInvalid` for any other architecture."""
        return cls.from_dict(read_json(folder / "config.json"))

    @classmethod
    def from_dict(cls, stated: dict[str, Any]) -> GemmaConfig:
        """Check the contents of `config.json`. Raises `ModelInvalid`."""
        _check_architecture(stated)
        layers = _number(stated, "num_hidden_layers", 1, 1000)
        theta, local = _rope_bases(stated)
        head_dim = _number(stated, "head_dim", 2, 4096)
        return cls(
            vocab_size=_number(stated, "vocab_size", 4, 1 << 24),
            hidden_size=_number(stated, "hidden_size", 1, 1 << 16),
            num_hidden_layers=layers,
            num_attention_heads=_number(stated, "num_attention_heads", 1, 1024),
            num_key_value_heads=_number(stated, "num_key_value_heads", 1, 1024),
            head_dim=head_dim,
            intermediate_size=_number(stated, "intermediate_size", 1, 1 << 20),
            max_position_embeddings=_number(stated, "max_position_embeddings", 8, 1 << 20),
            rms_norm_eps=_positive(stated, "rms_norm_eps"),
            query_pre_attn_scalar=_positive(stated, "query_pre_attn_scalar", head_dim),
            sliding_window=_number(stated, "sliding_window", 1, 1 << 20),
            layer_types=_layer_types(stated, layers),
            rope_theta=theta,
            rope_local_base_freq=local,
        )


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object from a checkpoint folder. Raises `ModelInvalid` where it is missing or not an
    object."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_CONFIG_BYTES + 1)
        value = json.loads(text) if len(text) <= _MAX_CONFIG_BYTES else None
    except FileNotFoundError:
        raise ModelInvalid(
            f"{path.parent} has no {path.name}.", "Give the folder of a whole checkpoint."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelInvalid(
            f"{path} cannot be read: {error}.", "Fetch or copy the checkpoint again."
        ) from error
    if not isinstance(value, dict):
        raise ModelInvalid(
            f"{path} is not a JSON object of sensible size.", "Fetch or copy the checkpoint again."
        )
    return value


_FIXED: dict[str, tuple[Any, ...]] = {
    "model_type": ("gemma3_text",),
    "hidden_activation": ("gelu_pytorch_tanh", None),
    "use_bidirectional_attention": (True, None),
    "attention_bias": (False, None),
    "attn_logit_softcapping": (None,),
    "rope_scaling": (None,),
}
"""The values of the config that this network supports; None means that the key is absent."""


def _check_architecture(stated: dict[str, Any]) -> None:
    wrong = [
        f"{key} is {stated.get(key)!r} where {allowed[0]!r} is expected"
        for key, allowed in _FIXED.items()
        if stated.get(key) not in allowed
    ]
    if wrong:
        raise ModelInvalid(f"config.json describes another architecture: {'; '.join(wrong)}.", _OTHER_MODEL)


def _number(stated: dict[str, Any], key: str, low: int, high: int) -> int:
    value = stated.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ModelInvalid(
        f"config.json states {key} as {value!r}, which is no whole number from {low} to {high}.", _OTHER_MODEL
    )


def _positive(stated: dict[str, Any], key: str, default: float | None = None) -> float:
    value = stated.get(key, default)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise ModelInvalid(f"config.json states {key} as {value!r}, which is no positive number.", _OTHER_MODEL)


def _rope_bases(stated: dict[str, Any]) -> tuple[float, float]:
    """Bases of full and of sliding layers; transformers 5 writes them by kind of layer."""
    by_kind = stated.get("rope_parameters")
    if isinstance(by_kind, dict):
        full, sliding = by_kind.get("full_attention"), by_kind.get("sliding_attention")
        if isinstance(full, dict) and isinstance(sliding, dict):
            return _default_rope(full), _default_rope(sliding)
    return _positive(stated, "rope_theta"), _positive(stated, "rope_local_base_freq")


def _default_rope(parameters: dict[str, Any]) -> float:
    if parameters.get("rope_type", "default") != "default":
        raise ModelInvalid(
            f"config.json asks for {parameters['rope_type']!r} rotary positions.", _OTHER_MODEL
        )
    return _positive(parameters, "rope_theta")


def _layer_types(stated: dict[str, Any], layers: int) -> tuple[str, ...]:
    types = stated.get("layer_types")
    if types is None:
        every = stated.get("sliding_window_pattern", stated.get("_sliding_window_pattern"))
        if not isinstance(every, int) or every < 1:
            raise ModelInvalid(
                "config.json states no layer_types and no sliding_window_pattern.", _OTHER_MODEL
            )
        types = ["sliding_attention" if (i + 1) % every else "full_attention" for i in range(layers)]
    known = ("sliding_attention", "full_attention")
    if not isinstance(types, list) or len(types) != layers or any(kind not in known for kind in types):
        raise ModelInvalid(f"config.json's layer_types are not {layers} kinds of attention.", _OTHER_MODEL)
    return tuple(types)
