from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from support.tiny_model import CONFIG, make_tiny_checkpoint, random_weights, save, stored

from embedder.checkpoints import safetensors_file
from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.config import GemmaConfig
from embedder.errors import ModelInvalid

CONFIGURATION = GemmaConfig.from_dict(CONFIG)


@pytest.mark.parametrize("layout", ["google", "mlx"])
@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
def test_float_layouts_give_equal_weights_under_equal_names(tmp_path: Path, layout: Any, dtype: str) -> None:
    checkpoint = open_checkpoint(make_tiny_checkpoint(tmp_path, layout=layout, dtype=dtype))
    expected = random_weights(CONFIGURATION)
    assert set(checkpoint.names) == set(expected)
    assert checkpoint.quantization is None
    for name, array in expected.items():
        found = checkpoint.float32(name)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, array, atol=1e-7 if dtype == "F16" else 0)


def test_names_without_the_model_prefix_are_read(tmp_path: Path) -> None:
    prefixed = make_tiny_checkpoint(tmp_path / "a", layout="mlx")
    bare = make_tiny_checkpoint(tmp_path / "b", layout="mlx")
    weights = {name.removeprefix("model."): array for name, array in random_weights(CONFIGURATION).items()}
    save(bare / "model.safetensors", weights, "F32")
    assert open_checkpoint(bare).fingerprint == open_checkpoint(prefixed).fingerprint


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("group", [32, 64, 128])
@pytest.mark.parametrize("scales", ["F16", "BF16", "F32"])
@pytest.mark.parametrize("dense", [True, False])
def test_quantized_layouts_dequantize_as_mlx_does(
    tmp_path: Path, bits: int, group: int, scales: str, dense: bool
) -> None:
    folder = make_tiny_checkpoint(tmp_path, layout="mlx", num_hidden_layers=1, layer_types=["full_attention"])
    expected = quantize_in_place(folder, bits, group, scales, dense)
    checkpoint = open_checkpoint(folder)
    assert checkpoint.quantization == (group, bits)
    assert (checkpoint.quantized("dense.0.weight") is not None) == dense
    for name in checkpoint.names:
        np.testing.assert_allclose(checkpoint.float32(name), expected[name], atol=1e-6, err_msg=name)
    ids = np.array([[5, 0, 1023], [5, 7, 7]])
    np.testing.assert_array_equal(
        checkpoint.embedding_rows(ids), checkpoint.float32("model.embed_tokens.weight")[ids]
    )


def quantize_in_place(folder: Path, bits: int, group: int, scales: str, dense: bool) -> dict[str, np.ndarray]:
    """Pack a float checkpoint with MLX itself; the weights that MLX makes of it, in float32."""
    weights = {name: open_checkpoint(folder).float32(name) for name in open_checkpoint(folder).names}
    packed: dict[str, tuple[str, np.ndarray]] = {}
    expected = {}
    kind = {"F16": mx.float16, "BF16": mx.bfloat16, "F32": mx.float32}[scales]
    for name, array in weights.items():
        layer = name.removesuffix(".weight")
        if array.ndim == 1 or (layer.startswith("dense") and not dense):
            packed[name] = stored(array, scales)
            expected[name] = np.array(mx.array(array).astype(kind).astype(mx.float32))
            continue
        parts = mx.quantize(mx.array(array).astype(kind), group, bits)
        widened = [parts[0], *(part.astype(mx.float32) for part in parts[1:])]
        expected[name] = np.array(mx.dequantize(*widened, group, bits))
        for part, value in zip(("weight", "scales", "biases"), widened, strict=True):
            packed[f"{layer}.{part}"] = stored(np.array(value), scales)
    layout = {name: (dtype, array.shape) for name, (dtype, array) in packed.items()}
    arrays = ((name, array) for name, (_, array) in packed.items())
    safetensors_file.write(folder / "model.safetensors", layout, arrays, {})
    return expected


@pytest.mark.parametrize("layout", ["google", "mlx"])
def test_embedding_rows_are_read_without_the_table(tmp_path: Path, layout: Any) -> None:
    checkpoint = open_checkpoint(make_tiny_checkpoint(tmp_path, layout=layout, dtype="BF16"))
    table = random_weights(CONFIGURATION)["model.embed_tokens.weight"]
    ids = np.array([3, 3, 0, 1023], np.int32)
    np.testing.assert_array_equal(checkpoint.embedding_rows(ids), table[ids])
    assert checkpoint.embedding_rows(np.zeros((0,), np.int64)).shape == (0, 768)
    for wrong in (-1, 1024):
        with pytest.raises(ValueError, match=str(wrong)):
            checkpoint.embedding_rows(np.array([0, wrong]))


def test_fingerprints_tell_weights_and_numbers_apart(tmp_path: Path) -> None:
    first = open_checkpoint(make_tiny_checkpoint(tmp_path / "a")).fingerprint
    assert open_checkpoint(make_tiny_checkpoint(tmp_path / "b", layout="mlx")).fingerprint == first
    assert open_checkpoint(make_tiny_checkpoint(tmp_path / "c", seed=1)).fingerprint != first
    assert open_checkpoint(make_tiny_checkpoint(tmp_path / "d", rope_theta=5e5)).fingerprint != first


def test_every_wrong_tensor_is_named_with_what_was_expected_and_found(tmp_path: Path) -> None:
    folder = make_tiny_checkpoint(tmp_path, layout="mlx")
    weights = random_weights(CONFIGURATION)
    del weights["model.layers.1.mlp.up_proj.weight"]
    weights["model.layers.0.self_attn.q_norm.weight"] = np.zeros(7, np.float32)
    weights["dense.1.scales"] = np.zeros((768, 2), np.float32)
    weights["lm_head.weight"] = np.zeros((2, 2), np.float32)
    save(folder / "model.safetensors", weights, "F32")
    with pytest.raises(ModelInvalid) as raised:
        open_checkpoint(folder)
    said = raised.value.what
    assert "model.layers.1.mlp.up_proj.weight: expected floats [128, 768], found nothing" in said
    assert "model.layers.0.self_attn.q_norm.weight: expected floats [32], found F32 [7]" in said
    assert "weight F32 [768, 128], scales F32 [768, 2], biases missing" in said
    assert "lm_head.weight F32 [2, 2] is not expected" in said
    assert raised.value.fix


def test_weights_packed_in_two_ways_are_refused(tmp_path: Path) -> None:
    folder = make_tiny_checkpoint(tmp_path / "a", layout="mlx")
    other = make_tiny_checkpoint(tmp_path / "b", layout="mlx")
    quantize_in_place(folder, 4, 64, "F16", True)
    quantize_in_place(other, 8, 64, "F16", True)
    headers = [safetensors_file.read_header(path / "model.safetensors") for path in (folder, other)]
    mixed = headers[0] | {name: t for name, t in headers[1].items() if name.startswith("dense.")}
    layout = {name: (tensor.dtype, tensor.shape) for name, tensor in mixed.items()}
    arrays = [(name, np.array(tensor.map())) for name, tensor in mixed.items()]
    safetensors_file.write(folder / "model.safetensors", layout, arrays, {})
    with pytest.raises(ModelInvalid, match="more than one way"):
        open_checkpoint(folder)


@pytest.mark.parametrize("kept", [0, 7, 8, 100, 4000, -1])
def test_a_file_cut_short_is_refused_by_name(tmp_path: Path, kept: int) -> None:
    path = make_tiny_checkpoint(tmp_path, layout="mlx") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelInvalid, match=r"model\.safetensors"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "contents",
    [b"\xff" * 64, b"\x10\0\0\0\0\0\0\0" + b"[" * 16, b"\x02\0\0\0\0\0\0\0{}", b"not a model at all"],
)
def test_a_corrupt_file_is_refused(tmp_path: Path, contents: bytes) -> None:
    (make_tiny_checkpoint(tmp_path) / "model.safetensors").write_bytes(contents)
    with pytest.raises(ModelInvalid):
        open_checkpoint(tmp_path)


def test_a_missing_dense_layer_is_refused(tmp_path: Path) -> None:
    shutil.rmtree(make_tiny_checkpoint(tmp_path) / "3_Dense")
    with pytest.raises(ModelInvalid, match=r"dense\.1\.weight: expected floats \[768, 128\], found nothing"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "bert"),
        ("use_bidirectional_attention", False),
        ("hidden_activation", "relu"),
        ("rope_scaling", {"factor": 8}),
        ("hidden_size", "768"),
        ("num_hidden_layers", True),
        ("num_hidden_layers", 10**9),
        ("rms_norm_eps", float("nan")),
        ("layer_types", ["sliding_attention"]),
        ("layer_types", ["sliding_attention", ["x"], "full_attention"]),
    ],
)
def test_another_architecture_is_refused_by_its_key(tmp_path: Path, key: str, value: Any) -> None:
    folder = make_tiny_checkpoint(tmp_path)
    (folder / "config.json").write_text(json.dumps(CONFIG | {key: value}))
    with pytest.raises(ModelInvalid, match=key):
        open_checkpoint(folder)


@pytest.mark.parametrize("contents", [b"", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", b"huge", None])
def test_a_broken_config_is_refused(tmp_path: Path, contents: bytes | None) -> None:
    path = make_tiny_checkpoint(tmp_path) / "config.json"
    path.unlink()
    if contents is not None:
        path.write_bytes(contents if contents != b"huge" else b" " * (2 << 20))
    with pytest.raises(ModelInvalid):
        open_checkpoint(tmp_path)


def test_numbers_as_transformers_5_states_them_mean_the_same() -> None:
    stated = {
        key: value for key, value in CONFIG.items() if not key.startswith("rope_") and key != "layer_types"
    }
    stated["rope_parameters"] = {
        "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
    }
    stated["_sliding_window_pattern"] = 2
    assert GemmaConfig.from_dict(stated) == CONFIGURATION


@pytest.mark.model
def test_the_real_checkpoint_is_known(real_models: Path) -> None:
    checkpoint = open_checkpoint(real_models / "embeddinggemma-300m")
    assert len(checkpoint.names) == 24 * 13 + 4
    assert checkpoint.shapes["dense.0.weight"] == (3072, 768)
    assert checkpoint.config.window == 257
    assert [i + 1 for i in range(24) if not checkpoint.config.is_sliding(i)] == [6, 12, 18, 24]


def test_the_fingerprint_of_a_folder_is_computed_again_only_where_a_file_changed(tmp_path: Path) -> None:
    """Counts opened files in a process of its own, for an audit hook cannot be removed."""
    folder = make_tiny_checkpoint(tmp_path / "model")
    script = (
        "import os, sys, embedder\n"
        "folder, opened = sys.argv[1], []\n"
        "sys.addaudithook(lambda event, args: event == 'open' and str(args[0]).startswith(folder)\n"
        "                 and opened.append(args[0]))\n"
        "first = embedder.fingerprint(folder)\n"
        "assert opened\n"
        "opened.clear()\n"
        "assert [embedder.fingerprint(folder) for _ in range(100)] == [first] * 100\n"
        "assert not opened, opened\n"
        "weights = os.path.join(folder, 'model.safetensors')\n"
        "with open(weights, 'r+b') as file:\n"
        "    file.seek(-2048, os.SEEK_END)\n"
        "    file.write(bytes(2048))\n"
        "os.utime(weights, ns=(1, 1))\n"
        "assert embedder.fingerprint(folder) != first\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
