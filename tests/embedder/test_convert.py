from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from support.tiny_model import CONFIG, make_tiny_checkpoint, random_weights

from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.checkpoints.convert import convert, layout_of
from embedder.checkpoints.layouts import expected_shapes
from embedder.checkpoints.safetensors_file import read_header
from embedder.config import GemmaConfig, MlxPrecision
from embedder.errors import ConversionFailed, ModelInvalid

pytestmark = pytest.mark.fast

EMBEDDINGGEMMA = GemmaConfig.from_dict(
    CONFIG
    | {
        "vocab_size": 262144,
        "num_hidden_layers": 24,
        "num_attention_heads": 3,
        "head_dim": 256,
        "intermediate_size": 1152,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 4,
    }
)

PUBLISHED = """
dense.0.biases F16 3072 12
dense.0.scales F16 3072 12
dense.0.weight U32 3072 192
dense.1.biases F16 768 48
dense.1.scales F16 768 48
dense.1.weight U32 768 768
model.embed_tokens.biases F16 262144 12
model.embed_tokens.scales F16 262144 12
model.embed_tokens.weight U32 262144 192
model.layers.N.input_layernorm.weight F16 768
model.layers.N.mlp.down_proj.biases F16 768 18
model.layers.N.mlp.down_proj.scales F16 768 18
model.layers.N.mlp.down_proj.weight U32 768 288
model.layers.N.mlp.gate_proj.biases F16 1152 12
model.layers.N.mlp.gate_proj.scales F16 1152 12
model.layers.N.mlp.gate_proj.weight U32 1152 192
model.layers.N.mlp.up_proj.biases F16 1152 12
model.layers.N.mlp.up_proj.scales F16 1152 12
model.layers.N.mlp.up_proj.weight U32 1152 192
model.layers.N.post_attention_layernorm.weight F16 768
model.layers.N.post_feedforward_layernorm.weight F16 768
model.layers.N.pre_feedforward_layernorm.weight F16 768
model.layers.N.self_attn.k_norm.weight F16 256
model.layers.N.self_attn.k_proj.biases F16 256 12
model.layers.N.self_attn.k_proj.scales F16 256 12
model.layers.N.self_attn.k_proj.weight U32 256 192
model.layers.N.self_attn.o_proj.biases F16 768 12
model.layers.N.self_attn.o_proj.scales F16 768 12
model.layers.N.self_attn.o_proj.weight U32 768 192
model.layers.N.self_attn.q_norm.weight F16 256
model.layers.N.self_attn.q_proj.biases F16 768 12
model.layers.N.self_attn.q_proj.scales F16 768 12
model.layers.N.self_attn.q_proj.weight U32 768 192
model.layers.N.self_attn.v_proj.biases F16 256 12
model.layers.N.self_attn.v_proj.scales F16 256 12
model.layers.N.self_attn.v_proj.weight U32 256 192
model.norm.weight F16 768
"""
"""The 8-bit MLX checkpoint of EmbeddingGemma-300M: 768 columns of 8 bits are 192 words of 32."""


def published() -> dict[str, tuple[str, tuple[int, ...]]]:
    tensors = {}
    for line in PUBLISHED.split("\n"):
        if line:
            name, dtype, *shape = line.split()
            for layer in range(24) if ".N." in name else (0,):
                tensors[name.replace(".N.", f".{layer}.")] = (dtype, tuple(map(int, shape)))
    return tensors


def test_the_8_bit_layout_is_the_published_one_tensor_for_tensor() -> None:
    assert layout_of(expected_shapes(EMBEDDINGGEMMA, 3072), "8bit") == published()


def test_the_4_bit_layout_differs_in_packed_columns_alone() -> None:
    halved = {
        name: (dtype, (shape[0], shape[1] // 2) if dtype == "U32" else shape)
        for name, (dtype, shape) in published().items()
    }
    assert layout_of(expected_shapes(EMBEDDINGGEMMA, 3072), "4bit") == halved


def test_the_bf16_layout_has_weights_alone() -> None:
    shapes = expected_shapes(EMBEDDINGGEMMA, 3072)
    assert layout_of(shapes, "bf16") == {name: ("BF16", shape) for name, shape in sorted(shapes.items())}


@pytest.mark.parametrize(("precision", "bits"), [("bf16", None), ("8bit", 8), ("4bit", 4)])
def test_a_converted_folder_holds_what_mlx_would_make_of_it(
    tmp_path: Path, precision: MlxPrecision, bits: int | None
) -> None:
    source = make_tiny_checkpoint(tmp_path / "source")
    steps: list[tuple[int, int]] = []
    target = convert(source, tmp_path / "out" / "model", precision, progress=lambda *step: steps.append(step))
    checkpoint = open_checkpoint(target)
    assert checkpoint.quantization == ((64, bits) if bits else None)
    loaded: dict[str, mx.array] = mx.load(str(target / "model.safetensors"))  # type: ignore[assignment]
    for name, weight in random_weights(checkpoint.config).items():
        expected = mx.array(weight).astype(mx.float16 if bits else mx.bfloat16)
        if bits and weight.ndim == 2:
            parts = mx.quantize(expected, 64, bits, stream=mx.cpu)
            layer = name.removesuffix("weight")
            for part, value in zip(("weight", "scales", "biases"), parts, strict=True):
                assert mx.array_equal(loaded[layer + part], value), name
        else:
            assert mx.array_equal(loaded[name], expected), name
        error = np.abs(checkpoint.float32(name) - weight).max() / np.abs(weight).max()
        assert error < {None: 1e-6, 8: 0.01, 4: 0.15}[bits], name
    layout = layout_of(checkpoint.shapes, precision)
    found = {name: (t.dtype, t.shape) for name, t in read_header(target / "model.safetensors").items()}
    assert found == layout
    assert steps[-1][0] == steps[-1][1]
    assert sorted(path.name for path in target.parent.iterdir()) == ["model"]
    assert (target / "tokenizer.json").read_bytes() == (source / "tokenizer.json").read_bytes()


def test_the_config_says_how_weights_are_packed(tmp_path: Path) -> None:
    source = make_tiny_checkpoint(tmp_path / "source")
    packed = json.loads((convert(source, tmp_path / "a", "4bit", group_size=32) / "config.json").read_text())
    assert packed["quantization"] == {"group_size": 32, "bits": 4, "mode": "affine"}
    assert packed["quantization_config"] == packed["quantization"]
    assert CONFIG.items() <= packed.items()
    assert "quantization" not in json.loads(
        (convert(source, tmp_path / "b", "bf16") / "config.json").read_text()
    )


@pytest.mark.parametrize("existing", ["folder", "file", "link"])
def test_nothing_that_exists_is_overwritten(tmp_path: Path, existing: str) -> None:
    source, target = make_tiny_checkpoint(tmp_path / "source"), tmp_path / "target"
    if existing == "folder":
        target.mkdir()
    elif existing == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConversionFailed, match="exists"):
        convert(source, target, "bf16")
    assert target.is_symlink() or not target.is_dir() or not list(target.iterdir())


def test_packed_checkpoints_are_not_packed_again(tmp_path: Path) -> None:
    packed = convert(make_tiny_checkpoint(tmp_path / "source"), tmp_path / "packed", "8bit")
    with pytest.raises(ConversionFailed, match="8 bits in groups of 64"):
        convert(packed, tmp_path / "again", "4bit")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_conversion_leaves_nothing(tmp_path: Path, failure: Any) -> None:
    source = make_tiny_checkpoint(tmp_path / "source")

    def fail(done: int, total: int) -> None:
        raise failure

    with pytest.raises((KeyboardInterrupt, ConversionFailed)):
        convert(source, tmp_path / "out" / "model", "8bit", progress=fail)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_broken_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid):
        convert(tmp_path, tmp_path / "out", "8bit")
