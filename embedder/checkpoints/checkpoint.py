"""Any known layout of EmbeddingGemma's weights under one naming, checked before a number is used.

Owns names, shapes, widening and the affine quantisation of MLX; knows nothing of engines. Canonical names
are those of the MLX layout (`model.layers.0.self_attn.q_proj.weight`, `dense.0.weight`). Read are Google's
layout (dense layers in `2_Dense` and `3_Dense`) and MLX's 4-bit, 8-bit and unquantised ones.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.safetensors_file import FETCH_AGAIN, Tensor, read_header, widen
from embedder.config import ModelConfig
from embedder.errors import ModelInvalid

EMBEDDING = "model.embed_tokens"
FLOATS = ("F32", "BF16", "F16")
GROUP_SIZES = (32, 64, 128)
BITS = (4, 8)

Packed = tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32]]


def open_checkpoint(folder: Path) -> Checkpoint:
    """Open a checkpoint and check every tensor's name, type and shape; no weight is read.

    Raises `ModelInvalid`, naming each tensor that is missing, unexpected or of another shape.
    """
    config = ModelConfig.from_folder(folder)
    tensors = _read_tensors(folder)
    shapes = expected_shapes(config, dense_size(tensors))
    quantization = _check(tensors, shapes)
    return Checkpoint(folder, config, tensors, shapes, quantization)


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint. Reading is thread-safe; arrays are fresh maps or copies the caller owns."""

    folder: Path
    config: ModelConfig
    tensors: dict[str, Tensor]
    shapes: dict[str, tuple[int, ...]]
    """Logical shape of each weight, whatever it is packed to."""
    quantization: tuple[int, int] | None
    """Group size and bits of the packed weights; None where all weights are floats."""

    @property
    def names(self) -> tuple[str, ...]:
        """The weights: `….weight` of every layer, without scales and biases."""
        return tuple(self.shapes)

    def float32(self, name: str) -> NDArray[np.float32]:
        """A weight in float32 with its logical shape: mapped, widened or dequantised."""
        parts = self.packed(name)
        return self.tensors[name].float32() if parts is None else dequantize(*parts, self.shapes[name][1])

    def packed(self, name: str) -> Packed | None:
        """Packed weight, scales and biases as stored (the latter widened); None for a float weight."""
        layer = name.removesuffix(".weight")
        if f"{layer}.scales" not in self.tensors:
            return None
        scales, biases = (self.tensors[f"{layer}.{part}"].float32() for part in ("scales", "biases"))
        return self.tensors[name].map(), scales, biases

    def embedding_rows(self, ids: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Rows of the embedding table, float32 of shape `ids.shape + (hidden_size,)`, unscaled.

        Each distinct row is read from the file, so that the table never takes memory.
        """
        distinct, places = np.unique(ids, return_inverse=True)
        if distinct.size and not 0 <= distinct[0] <= distinct[-1] < self.config.vocab_size:
            raise ValueError(f"token ids reach from {distinct[0]} to {distinct[-1]}")
        names = [f"{EMBEDDING}.{part}" for part in ("weight", "scales", "biases")]
        rows = [self._rows(self.tensors[name], distinct) for name in names if name in self.tensors]
        if len(rows) == 1:
            table = widen(rows[0], self.tensors[names[0]].dtype)
        else:
            scales, biases = (
                widen(r, self.tensors[n].dtype) for r, n in zip(rows[1:], names[1:], strict=True)
            )
            table = dequantize(rows[0], scales, biases, self.config.hidden_size)
        gathered: NDArray[np.float32] = table[places.reshape(np.shape(ids))]
        return gathered

    def _rows(self, tensor: Tensor, rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        width = tensor.bytes // tensor.shape[0]
        descriptor = os.open(tensor.path, os.O_RDONLY)
        try:
            data = b"".join([os.pread(descriptor, width, tensor.offset + int(row) * width) for row in rows])
        finally:
            os.close(descriptor)
        if len(data) != width * len(rows):
            raise ModelInvalid(f"{tensor.path} became shorter while it was read.", FETCH_AGAIN)
        return np.frombuffer(data, tensor.map().dtype).reshape(len(rows), *tensor.shape[1:])

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits, equal for equal weights under any naming, made from a sample of every tensor.

        The whole digest of the files is `ken model verify`'s work: it takes seconds, this milliseconds.
        """
        digest = hashlib.blake2b(repr(sorted(asdict(self.config).items())).encode(), digest_size=16)
        for name, tensor in sorted(self.tensors.items()):
            digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
            for part in _sample(tensor):
                digest.update(part)
        return digest.hexdigest()


def dequantize(
    weight: NDArray[np.uint32], scales: NDArray[np.float32], biases: NDArray[np.float32], columns: int
) -> NDArray[np.float32]:
    """Undo MLX's affine packing, `code * scale + bias` with the lowest bits first: (rows, columns) float32.

    Layout: https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.quantize.html.
    """
    rows, groups = scales.shape
    codes = np.ascontiguousarray(weight).view(np.uint8).reshape(rows, -1)
    if codes.shape[1] * 2 == columns:
        codes = np.stack((codes & 15, codes >> 4), axis=-1)
    out = codes.reshape(rows, groups, columns // groups).astype(np.float32)
    out *= scales[:, :, None]
    out += biases[:, :, None]
    return out.reshape(rows, columns)


def dense_size(tensors: dict[str, Tensor]) -> int:
    """Width between the two dense layers, which only the first one's rows state."""
    first = tensors.get("dense.0.weight")
    return first.shape[0] if first and len(first.shape) == 2 else 3072


def expected_shapes(config: ModelConfig, dense: int) -> dict[str, tuple[int, ...]]:
    """Canonical name and logical shape of every weight."""
    hidden, mlp = config.hidden_size, config.intermediate_size
    queries, keys = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
    layer: dict[str, tuple[int, ...]] = {
        "input_layernorm": (hidden,),
        "mlp.down_proj": (hidden, mlp),
        "mlp.gate_proj": (mlp, hidden),
        "mlp.up_proj": (mlp, hidden),
        "post_attention_layernorm": (hidden,),
        "post_feedforward_layernorm": (hidden,),
        "pre_feedforward_layernorm": (hidden,),
        "self_attn.k_norm": (config.head_dim,),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "self_attn.q_norm": (config.head_dim,),
        "self_attn.q_proj": (queries, hidden),
        "self_attn.v_proj": (keys, hidden),
    }
    shapes: dict[str, tuple[int, ...]] = {
        "dense.0.weight": (dense, hidden),
        "dense.1.weight": (hidden, dense),
        "model.embed_tokens.weight": (config.vocab_size, hidden),
        "model.norm.weight": (hidden,),
    }
    for index in range(config.num_hidden_layers):
        shapes |= {f"model.layers.{index}.{part}.weight": shape for part, shape in layer.items()}
    return shapes


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a folder under its canonical name."""
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise ModelInvalid(f"{folder} has no model.safetensors.", "Give the folder of a whole checkpoint.")
    found: dict[str, Tensor] = {}
    dense = [(folder / f"{i + 2}_Dense" / "model.safetensors", f"dense.{i}.") for i in range(2)]
    sources = [(path, "") for path in files] + [(path, prefix) for path, prefix in dense if path.is_file()]
    for path, prefix in sources:
        for stored, tensor in read_header(path).items():
            name = prefix + stored.removeprefix("linear.") if prefix else canonical_name(stored)
            if name in found:
                raise ModelInvalid(f"{folder} holds {name} twice ({path.name}).", FETCH_AGAIN)
            found[name] = tensor
    return found


def canonical_name(stored: str) -> str:
    """The MLX layout's name of a tensor stored with or without its `model.` prefix."""
    if re.match(r"(embed_tokens|layers|norm)\.", stored):
        return "model." + stored
    return stored


def _check(tensors: dict[str, Tensor], shapes: dict[str, tuple[int, ...]]) -> tuple[int, int] | None:
    """The quantisation all packed weights share, once every tensor is as it should be."""
    problems: list[str] = []
    schemes: dict[tuple[int, int], str] = {}
    known = set(shapes)
    for name, shape in shapes.items():
        layer = name.removesuffix(".weight")
        known |= {f"{layer}.scales", f"{layer}.biases"} if len(shape) == 2 else set()
        try:
            scheme = _check_weight(tensors, layer, shape)
        except _Problem as problem:
            problems.append(str(problem))
        else:
            if scheme:
                schemes.setdefault(scheme, name)
    problems += [f"{name} {describe(tensors[name])} is not expected" for name in tensors if name not in known]
    if len(schemes) > 1:
        found = ", ".join(
            f"{bits} bits in groups of {group} ({name})" for (group, bits), name in schemes.items()
        )
        problems.append(f"the weights are packed in more than one way: {found}")
    if problems:
        shown = "\n  ".join(
            problems[:20] + ([f"and {len(problems) - 20} more"] if len(problems) > 20 else [])
        )
        raise ModelInvalid(f"The tensors are not those of this architecture:\n  {shown}", LAYOUTS)
    return next(iter(schemes), None)


LAYOUTS = (
    "ken reads Google's float layout and MLX's bf16, 8-bit and 4-bit ones in groups of 32, 64 or 128; "
    "`ken model fetch` gets one."
)


class _Problem(Exception):
    """What is wrong with one tensor, in words."""


def _check_weight(tensors: dict[str, Tensor], layer: str, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """The group size and bits one weight is packed with; None for floats; raises `_Problem`."""
    weight, scales, biases = (tensors.get(f"{layer}.{part}") for part in ("weight", "scales", "biases"))
    expected = f"{layer}.weight: expected floats {list(shape)}"
    if weight is None:
        raise _Problem(f"{expected}, found nothing")
    if scales is None and biases is None:
        if weight.dtype not in FLOATS or weight.shape != shape:
            raise _Problem(f"{expected}, found {describe(weight)}")
        return None
    found = ", ".join(
        f"{part} {describe(tensor) if tensor else 'missing'}"
        for part, tensor in (("weight", weight), ("scales", scales), ("biases", biases))
    )
    scheme = _scheme(weight, scales, biases, shape) if scales and biases and len(shape) == 2 else None
    if scheme is None:
        raise _Problem(f"{expected}, or packed to 4 or 8 bits in groups of 32, 64 or 128; found {found}")
    return scheme


def _scheme(weight: Tensor, scales: Tensor, biases: Tensor, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Group size and bits for which the packed shapes fit, if any do."""
    rows, columns = shape
    for bits in BITS:
        for group in GROUP_SIZES:
            packed, groups = (rows, columns * bits // 32), (rows, columns // group)
            fits = columns % group == 0 and weight.shape == packed and scales.shape == biases.shape == groups
            if fits and weight.dtype == "U32" and scales.dtype in FLOATS and biases.dtype in FLOATS:
                return group, bits
    return None


def describe(tensor: Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}"


def _sample(tensor: Tensor) -> Iterator[bytes]:
    """The first bytes of a tensor and those from its middle."""
    size = min(4096, tensor.bytes)
    with tensor.path.open("rb") as file:
        for start in (0, (tensor.bytes - size) // 2):
            file.seek(tensor.offset + start)
            yield file.read(size)
