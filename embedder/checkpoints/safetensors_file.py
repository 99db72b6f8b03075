"""The safetensors format: the positions of tensors in a file, and writing a file one tensor at a time.

Owns the header and the stored types; knows nothing of the meaning of the tensors.
The format: https://huggingface.co/docs/safetensors/index#format.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from embedder.errors import ModelInvalid

STORED_AS: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "U32": np.dtype("<u4"),
    "U64": np.dtype("<u8"),
}
"""NumPy types of the stored bytes; NumPy has no bfloat16, so its bits are read as unsigned integers."""

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""Stored type and shape of each tensor, in the order of a file."""

FETCH_AGAIN = "Delete this model folder and run `ken model fetch`, or copy the file again."

_ALIGNMENT = 64
"""Bytes of a cache line: the first tensor begins on one, and so do tensors after multiples of it."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file: its stored type, its shape and the byte of the file at which it begins."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * STORED_AS[self.dtype].itemsize

    def map(self) -> NDArray[Any]:
        """The stored numbers, mapped read-only; pages leave memory with the last view of the array."""
        kind = STORED_AS[self.dtype]
        if not math.prod(self.shape):
            return np.zeros(self.shape, kind)
        return np.asarray(np.memmap(self.path, kind, "r", self.offset, self.shape))

    def float32(self) -> NDArray[np.float32]:
        """The tensor in float32: a view of the map if it is stored so, otherwise a converted copy."""
        return widen(self.map(), self.dtype)


def widen(stored: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    """Stored numbers of a floating type as float32, exactly (float64 is rounded)."""
    if dtype == "BF16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32, copy=False)


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name. Raises `ModelInvalid` where it is damaged or another kind."""
    try:
        with safe_open(path, framework="np"):  # checks lengths, offsets, overlaps and types
            pass
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise ModelInvalid(f"{path} is not a whole safetensors file: {error}.", FETCH_AGAIN) from error
    header.pop("__metadata__", None)
    return {name: _tensor(path, 8 + length, name, entry) for name, entry in header.items()}


def _tensor(path: Path, start: int, name: str, entry: dict[str, Any]) -> Tensor:
    if entry["dtype"] not in STORED_AS:
        known = ", ".join(STORED_AS)
        raise ModelInvalid(
            f"{path.name} stores {name} as {entry['dtype']}; ken reads {known}.",
            "Use a float32, bfloat16, float16, 8-bit or 4-bit MLX checkpoint.",
        )
    return Tensor(path, entry["dtype"], tuple(entry["shape"]), start + entry["data_offsets"][0])


def write(
    path: Path,
    layout: Layout,
    tensors: Iterable[tuple[str, NDArray[Any]]],
    metadata: Mapping[str, str],
) -> None:
    """Write tensors as they come, one in memory at a time, and flush the file to the disk.

    `tensors` come in the order of `layout`; raises `ValueError` for one of another name, type or shape.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, (dtype, shape) in layout.items():
        end = offset + math.prod(shape) * STORED_AS[dtype].itemsize
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for (name, array), (expected, (dtype, shape)) in zip(tensors, layout.items(), strict=True):
            if name != expected or array.shape != shape or array.dtype != STORED_AS[dtype]:
                raise ValueError(
                    f"{name} {array.dtype} {array.shape} where {expected} {dtype} {shape} is due"
                )
            file.write(np.ascontiguousarray(array).data)
        file.flush()
        os.fsync(file.fileno())
