"""A checkpoint of EmbeddingGemma's architecture small enough for any test: random weights, real tokenizer."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from embedder.checkpoints import safetensors_file
from embedder.checkpoints.layouts import expected_shapes
from embedder.config import GemmaConfig
from embedder.engines import choose

Layout = Literal["google", "mlx"]

CONFIG: dict[str, Any] = {
    "model_type": "gemma3_text",
    "architectures": ["Gemma3TextModel"],
    "vocab_size": 1024,
    "hidden_size": 768,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "intermediate_size": 128,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-06,
    "query_pre_attn_scalar": 32,
    "sliding_window": 32,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    "rope_theta": 1000000.0,
    "rope_local_base_freq": 10000.0,
    "hidden_activation": "gelu_pytorch_tanh",
    "attention_bias": False,
    "use_bidirectional_attention": True,
}
"""Vectors have the real model's 768 dimensions, so that nothing else needs other sizes; all else is small."""

DENSE_SIZE = 128

PRECISION = "f32" if choose.has_gpu() else "bf16"
"""The most exact one that starts at once here: without a GPU, MLX compiles ten seconds for f32."""

_PROSE = """
The garden behind the house had been left to itself for years: nettles, brambles, an old pear tree.
Bread needs flour, water, salt and time; the oven does the rest. Wie spät ist es? Il pleut sur la ville.
def read(path: str) -> list[int]: return [len(line) for line in open(path)]
Rain is expected in the west, clearing by evening. The train to the coast leaves at 07:45 from platform 3.
東京は日本の首都です。 Москва — столица России. Ἐν ἀρχῇ ἦν ὁ λόγος. नमस्ते दुनिया
"""


def make_tiny_checkpoint(
    folder: Path, *, layout: Layout = "google", dtype: str = "F32", seed: int = 0, **config: Any
) -> Path:
    """Write a whole checkpoint into `folder` (made if need be) and return it; `config` overrides numbers.

    Equal seeds and numbers give equal weights whatever the layout.
    """
    stated = {**CONFIG, **config}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(stated))
    (folder / "tokenizer.json").write_text(_tokenizer_json(stated["vocab_size"]))
    weights = random_weights(GemmaConfig.from_dict(stated), seed)
    if layout == "mlx":
        save(folder / "model.safetensors", weights, dtype)
        return folder
    body = {
        name.removeprefix("model."): array for name, array in weights.items() if name.startswith("model.")
    }
    save(folder / "model.safetensors", body, dtype)
    for index in range(2):
        dense = folder / f"{index + 2}_Dense"
        dense.mkdir(exist_ok=True)
        save(dense / "model.safetensors", {"linear.weight": weights[f"dense.{index}.weight"]}, dtype)
    return folder


def random_weights(config: GemmaConfig, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Weights that keep activations of order one, exact in bfloat16 so that every float type agrees."""
    generator = np.random.default_rng(seed)
    weights = {}
    for name, shape in sorted(expected_shapes(config, DENSE_SIZE).items()):
        scale = 0.1 if len(shape) == 1 else shape[-1] ** -0.5
        array = generator.standard_normal(shape, np.float32) * np.float32(scale)
        weights[name] = (array.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return weights


def save(path: Path, tensors: dict[str, NDArray[Any]], dtype: str) -> None:
    """Write arrays as one safetensors file, floats stored as `dtype` and unsigned integers as they are."""
    arrays = {name: stored(array, dtype) for name, array in tensors.items()}
    layout = {name: (kind, array.shape) for name, (kind, array) in arrays.items()}
    safetensors_file.write(
        path, layout, ((name, array) for name, (_, array) in arrays.items()), {"format": "pt"}
    )


def stored(array: NDArray[Any], dtype: str) -> tuple[str, NDArray[Any]]:
    """An array as a file of that type would store it."""
    if array.dtype == np.uint32:
        return "U32", array
    if dtype == "BF16":
        return dtype, (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return dtype, array.astype(safetensors_file.STORED_AS[dtype])


@functools.cache
def _tokenizer_json(vocab_size: int) -> str:
    """A byte-pair tokenizer with Gemma's pipeline, trained on a few lines."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    added = ["\n", "\n\n", "<h1>", "</h1>", "▁▁"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 64,
        special_tokens=[*special, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(" ".join(_PROSE.split("\n")).split(" ", 0) * 2, trainer)
    contents = json.loads(tokenizer.to_str())
    vocabulary = contents["model"]["vocab"]
    for token in added:
        vocabulary.setdefault(token, len(vocabulary))
    unused = [f"<unused{n}>" for n in range(vocab_size - len(vocabulary))]
    vocabulary.update(zip(unused, range(len(vocabulary), vocab_size), strict=True))
    contents["added_tokens"] = [
        _added(token, vocabulary[token], token in special) for token in special + added + unused
    ]
    contents["added_tokens"].append(_added("<image_soft_token>", vocab_size, True))
    single: list[Any] = [
        {"SpecialToken": {"id": "<bos>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ]
    contents["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [*single, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
        "pair": single,
        "special_tokens": {
            token: {"id": token, "ids": [vocabulary[token]], "tokens": [token]}
            for token in ("<bos>", "<eos>")
        },
    }
    return json.dumps(contents, ensure_ascii=False)


def _added(token: str, number: int, special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": token, **flags, "special": special}
