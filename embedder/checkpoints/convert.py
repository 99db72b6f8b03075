"""Float checkpoints to bf16, 8-bit and 4-bit MLX folders that ken and other MLX tools read.

Owns what such a folder holds; the packing itself is MLX's own. Written beside its place and renamed into it,
so that a half-written model is never seen as one, and nothing that exists is overwritten.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints import safetensors_file, verify
from embedder.checkpoints.checkpoint import Checkpoint, open_checkpoint
from embedder.config import MlxPrecision, read_json
from embedder.errors import ConversionFailed

BITS: dict[MlxPrecision, int | None] = {"bf16": None, "8bit": 8, "4bit": 4}
GROUP_SIZE = 64

Layout = dict[str, tuple[str, tuple[int, ...]]]
ConvertProgress = Callable[[int, int], None]
"""Called with weights done and weights in all."""

_ROWS_AT_ONCE = 16384
_ALONGSIDE = (
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
    progress: ConvertProgress | None = None,
) -> Path:
    """Write `source` at another precision into the new folder `target`, and return it.

    Raises `ConversionFailed` where `target` exists, `source` is packed already, or the disk refuses.
    """
    checkpoint = open_checkpoint(source)
    _refuse(checkpoint, target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".converting-{target.name}-", dir=target.parent))
        try:
            _write(checkpoint, work, precision, group_size, progress or (lambda done, total: None))
            verify.write_sums(
                work, [verify.as_it_is(work, path) for path in verify.files_of(open_checkpoint(work))]
            )
            work.chmod(0o755)
            work.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise ConversionFailed(
            f"{target} cannot be written: {error.strerror or error}.",
            "Free some space or choose another folder.",
        ) from error
    return target


def _refuse(checkpoint: Checkpoint, target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise ConversionFailed(f"{target} exists.", "Choose another folder with --to, or delete this one.")
    if checkpoint.quantization:
        group, bits = checkpoint.quantization
        raise ConversionFailed(
            f"{checkpoint.folder} is packed to {bits} bits in groups of {group} already.",
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
    checkpoint: Checkpoint, folder: Path, precision: MlxPrecision, group_size: int, progress: ConvertProgress
) -> None:
    layout = layout_of(checkpoint.shapes, precision, group_size)
    tensors = _converted(checkpoint, BITS[precision], group_size, progress)
    safetensors_file.write(folder / "model.safetensors", layout, tensors, {"format": "mlx"})
    config = read_json(checkpoint.folder / "config.json")
    (folder / "config.json").write_text(json.dumps(_config(config, BITS[precision], group_size), indent=2))
    for name in _ALONGSIDE:
        if (checkpoint.folder / name).is_file():
            shutil.copy(checkpoint.folder / name, folder / name)


def _config(config: dict[str, Any], bits: int | None, group_size: int) -> dict[str, Any]:
    """The config with what MLX tools look for to see how weights are packed."""
    stated = {key: value for key, value in config.items() if key not in ("dtype", "torch_dtype")}
    if bits is None:
        return stated | {"dtype": "bfloat16"}
    packing = {"group_size": group_size, "bits": bits, "mode": "affine"}
    return stated | {"quantization": packing, "quantization_config": packing}


def _converted(
    checkpoint: Checkpoint, bits: int | None, group_size: int, progress: ConvertProgress
) -> Iterator[tuple[str, NDArray[Any]]]:
    names = sorted(checkpoint.names)
    total = sum(int(np.prod(checkpoint.shapes[name])) for name in names)
    done = 0
    for name in names:
        weight = checkpoint.float32(name)
        if bits is None:
            yield name, bfloat16(weight)
        elif weight.ndim == 1:
            yield name, weight.astype(np.float16)
        else:
            layer = name.removesuffix(".weight")
            packed, scales, biases = quantize(weight, group_size, bits)
            yield f"{layer}.biases", biases
            yield f"{layer}.scales", scales
            yield name, packed
        done += weight.size
        progress(done, total)


def bfloat16(weight: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Bits of the nearest bfloat16, ties to even."""
    rounded = np.empty(weight.shape, np.uint16)
    for start in range(0, len(weight), _ROWS_AT_ONCE):
        bits = weight[start : start + _ROWS_AT_ONCE].view(np.uint32)
        rounded[start : start + _ROWS_AT_ONCE] = (bits + (0x7FFF + (bits >> 16 & 1))) >> 16
    return rounded


def quantize(weight: NDArray[np.float32], group_size: int, bits: int) -> tuple[NDArray[Any], ...]:
    """Packed weight (U32), scales and biases (F16) as `mlx.core.quantize` makes them of float16."""
    import mlx.core as mx  # heavy, and needed only where something is packed

    parts = []
    for start in range(0, len(weight), _ROWS_AT_ONCE):
        rows = mx.array(np.ascontiguousarray(weight[start : start + _ROWS_AT_ONCE])).astype(mx.float16)
        parts.append([np.array(part) for part in mx.quantize(rows, group_size, bits, stream=mx.cpu)])
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))
