"""Arrays computed from a checkpoint, in one file beside the models that is mapped.

Owns the file: it is written where it is absent, damaged or of another layout. Knows nothing of what the
arrays mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints import safetensors_file
from embedder.checkpoints.artifact_cache import compiled_path, mark_used, store
from embedder.checkpoints.safetensors_file import Layout
from embedder.errors import ModelInvalid

Array = NDArray[Any]
Arrays = Iterator[tuple[str, Array]]
"""Names and arrays, one at a time."""

_CHECKSUM: Layout = {"checksum": ("U64", (1,))}
_U64 = (1 << 64) - 1
"""The largest 64-bit integer: checksums are modulo 2⁶⁴."""


def mapped_arrays(identity: str, layout: Layout, compute: Callable[[], Arrays]) -> dict[str, Array]:
    """Every array by name, mapped from the file of `identity`, a text of everything that decides its content.

    `layout` has the stored type and shape of every array, in the order of `compute`. Where no file can be
    written, each call computes the arrays.
    """
    path, layout = compiled_path(identity, ".safetensors"), layout | _CHECKSUM
    if (arrays := _map_arrays(path, layout)) is not None:
        return arrays
    try:
        computed = _with_checksum(compute())
        store(path, lambda work: safetensors_file.write(work, layout, computed, {}))
    except OSError:
        return dict(compute())
    return _map_arrays(path, layout) or dict(compute())


def _map_arrays(path: Path, layout: Layout) -> dict[str, Array] | None:
    """The arrays of a file; None where it is absent, has another layout or a wrong checksum."""
    try:
        tensors = safetensors_file.read_header(path)
        arrays = {name: tensor.map() for name, tensor in tensors.items()}
    except (ModelInvalid, OSError):
        return None
    stored = {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}
    if stored != layout:
        return None
    mark_used(path)
    checksum = arrays.pop("checksum")
    return arrays if checksum[0] == sum(map(_checksum, arrays.values())) & _U64 else None


def _checksum(array: Array) -> int:
    """The sum of an array as 64-bit integers: it is as fast as reading memory, 30 GB in a second."""
    return int(np.ascontiguousarray(array).reshape(-1).view(np.uint64).sum(dtype=np.uint64))


def _with_checksum(arrays: Arrays) -> Arrays:
    total = 0
    for name, array in arrays:
        total += _checksum(array)
        yield name, array
    yield "checksum", np.array([total & _U64], dtype=np.uint64)
