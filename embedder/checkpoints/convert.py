"""Conversion of float checkpoints to bf16, 8-bit and 4-bit MLX folders, which ken and other MLX tools read.

Owns the content of such a folder; `quantization` does the rounding. A folder appears complete or not at all,
and no existing file is overwritten.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints import Progress, no_progress, safetensors_file, verify
from embedder.checkpoints.atomic import new_folder
from embedder.checkpoints.checkpoint import Checkpoint, open_checkpoint
from embedder.checkpoints.quantization import quantize_affine, round_to_bfloat16
from embedder.checkpoints.safetensors_file import Layout
from embedder.config import MlxPrecision, read_json
from embedder.errors import ConversionFailed

BITS: dict[MlxPrecision, int | None] = {"bf16": None, "8bit": 8, "4bit": 4}
"""Bits of a code at each precision; None where weights stay floats."""

GROUP_SIZE = 64
"""Numbers that share a scale: MLX's own default, and that of the published conversions."""

_COPIED_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "config_sentence_transformers.json",
    "NOTICE",
)


def convert(
    source: Path,
    target: Path,
    precision: MlxPrecision,
    *,
    group_size: int = GROUP_SIZE,
    progress: Progress = no_progress,
) -> Path:
    """Write `source` at another precision into the new folder `target`, and return it.

    `progress` counts weights. Raises `ConversionFailed` where `target` exists, `source` is quantized
    already, or the disk refuses.
    """
    checkpoint = open_checkpoint(source)
    _check_can_convert(checkpoint, target)
    try:
        with new_folder(target, f".converting-{target.name}-") as work:
            _write(checkpoint, work, precision, group_size, progress)
            verify.write_sums(work, verify.known_files(open_checkpoint(work)))
    except OSError as error:
        raise ConversionFailed(
            f"{target} cannot be written: {error.strerror or error}.",
            "Free some space or choose another folder.",
        ) from error
    return target


def _check_can_convert(checkpoint: Checkpoint, target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise ConversionFailed(f"{target} exists.", "Choose another folder with --to, or delete this one.")
    if checkpoint.quantization:
        group, bits = checkpoint.quantization
        raise ConversionFailed(
            f"{checkpoint.folder} is quantized to {bits} bits in groups of {group} already.",
            "Convert from the float checkpoint: `ken model fetch` gets it.",
        )


def layout_of(
    shapes: dict[str, tuple[int, ...]], precision: MlxPrecision, group_size: int = GROUP_SIZE
) -> Layout:
    """Name, stored type and shape of every tensor of a converted checkpoint, in the order of the file."""
    bits = BITS[precision]
    layout: Layout = {}
    for name, shape in sorted(shapes.items()):
        if bits is None:
            layout[name] = ("BF16", shape)
        elif len(shape) == 1:
            layout[name] = ("F16", shape)
        else:
            rows, columns = shape
            layer, groups = name.removesuffix(".weight"), (rows, columns // group_size)
            layout[f"{layer}.biases"] = layout[f"{layer}.scales"] = ("F16", groups)
            layout[name] = ("U32", (rows, columns * bits // 32))
    return layout


def _write(
    checkpoint: Checkpoint, folder: Path, precision: MlxPrecision, group_size: int, progress: Progress
) -> None:
    layout = layout_of(checkpoint.shapes, precision, group_size)
    tensors = _convert_tensors(checkpoint, BITS[precision], group_size, progress)
    safetensors_file.write(folder / "model.safetensors", layout, tensors, {"format": "mlx"})
    config = read_json(checkpoint.folder / "config.json")
    (folder / "config.json").write_text(json.dumps(_config(config, BITS[precision], group_size), indent=2))
    for name in _COPIED_FILES:
        if (checkpoint.folder / name).is_file():
            shutil.copy(checkpoint.folder / name, folder / name)


def _config(config: dict[str, Any], bits: int | None, group_size: int) -> dict[str, Any]:
    """The config with the keys that MLX tools read the format of the weights from."""
    stated = {key: value for key, value in config.items() if key not in ("dtype", "torch_dtype")}
    if bits is None:
        return stated | {"dtype": "bfloat16"}
    scheme = {"group_size": group_size, "bits": bits, "mode": "affine"}
    return stated | {"quantization": scheme, "quantization_config": scheme}


def _convert_tensors(
    checkpoint: Checkpoint, bits: int | None, group_size: int, progress: Progress
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The converted tensors, one weight in memory at a time, in the order of `layout_of`."""
    names = sorted(checkpoint.names)
    total = sum(int(np.prod(checkpoint.shapes[name])) for name in names)
    done = 0
    for name in names:
        weight = checkpoint.float32(name)
        if bits is None:
            yield name, round_to_bfloat16(weight)
        elif weight.ndim == 1:
            yield name, weight.astype(np.float16)
        else:
            layer = name.removesuffix(".weight")
            quantized = quantize_affine(weight, group_size, bits)
            yield f"{layer}.biases", quantized.biases
            yield f"{layer}.scales", quantized.scales
            yield name, quantized.codes
        done += weight.size
        progress(done, total)
