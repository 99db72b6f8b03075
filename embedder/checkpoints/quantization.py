"""Narrower number formats: bfloat16, int8 with one scale per row, MLX's affine 4-bit and 8-bit.

Owns every rounding of weights that ken does in Python. Knows nothing of files, names or engines.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GROUP_SIZES = (32, 64, 128)
"""Numbers of a row that share one scale and one bias: the sizes that MLX supports."""

BITS = (4, 8)
"""Bits of one affine code that ken reads and writes."""

ROWS_AT_ONCE = 16_384
"""Rows that are converted together, 50 MB in float32 at 768 columns: a table of 262,144 rows is never
completely in memory."""

_INT8_MAX = 127
"""Symmetric int8: codes are -127 to 127, -128 is not used."""

_LEAST_MAXIMUM = 1e-30
"""Replaces the largest magnitude of a row of zeros, so that its scale is not zero."""


class QuantizedWeight(NamedTuple):
    """A weight (rows, columns) in MLX's affine format."""

    codes: NDArray[np.uint32]
    """(rows, columns * bits / 32): codes side by side, lowest bits first."""
    scales: NDArray[Any]
    """(rows, columns / group size), a float type."""
    biases: NDArray[Any]
    """As `scales`."""


def round_to_bfloat16(weight: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Bits of the nearest bfloat16 of each number, ties to even; NumPy has no type for them."""
    rounded = np.empty(weight.shape, np.uint16)
    for start in range(0, len(weight), ROWS_AT_ONCE):
        bits = np.ascontiguousarray(weight[start : start + ROWS_AT_ONCE]).view(np.uint32)
        rounded[start : start + ROWS_AT_ONCE] = (bits + (0x7FFF + (bits >> 16 & 1))) >> 16
    return rounded


def quantize_rows_int8(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 codes (rows, columns) and one scale per row (rows,): about `codes * scale`."""
    scale = np.maximum(np.abs(weight).max(axis=1), np.float32(_LEAST_MAXIMUM)) / np.float32(_INT8_MAX)
    return np.rint(weight / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def quantize_affine(weight: NDArray[np.float32], group_size: int, bits: int) -> QuantizedWeight:
    """A weight as `mlx.core.quantize` packs it from float16; scales and biases are float16."""
    import mlx.core as mx  # takes 0.2 s to import, and only conversion needs it

    parts = []
    for start in range(0, len(weight), ROWS_AT_ONCE):
        rows = mx.array(np.ascontiguousarray(weight[start : start + ROWS_AT_ONCE])).astype(mx.float16)
        parts.append([np.array(part) for part in mx.quantize(rows, group_size, bits, stream=mx.cpu)])
    return QuantizedWeight(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def dequantize_affine(weight: QuantizedWeight, columns: int) -> NDArray[np.float32]:
    """Undo MLX's affine format, `code * scale + bias`: (rows, columns) float32.

    Source: https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.quantize.html.
    """
    rows, groups = weight.scales.shape
    codes = np.ascontiguousarray(weight.codes).view(np.uint8).reshape(rows, -1)
    if codes.shape[1] * 2 == columns:  # two 4-bit codes per byte
        codes = np.stack((codes & 15, codes >> 4), axis=-1)
    out = codes.reshape(rows, groups, columns // groups).astype(np.float32)
    out *= weight.scales[:, :, None]
    out += weight.biases[:, :, None]
    return out.reshape(rows, columns)
