"""Each operation of ken's kernel against the same operation in plain C (`native_kernel/reference.h`)."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.engines.native_kernel import LIBRARY, instructions
from embedder.engines.native_kernel.build import flags_of

COMPILER = shutil.which("cc")
SETS = [name.replace("-", "_") for name in instructions() if name != "amx"]
"""AMX shares the code for AVX-512 with BF16."""
pytestmark = [
    pytest.mark.fast,
    pytest.mark.skipif(
        not SETS or COMPILER is None, reason="the kernel does not run here, or there is no C compiler"
    ),
]

RANDOM = np.random.default_rng(11)
EPSILON = ctypes.c_float(1e-6)


@pytest.fixture(scope="module", params=SETS)
def operations(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("kernel") / "operations.so"
    source = Path(__file__).with_name("kernel_operations.c")
    flags = ["-O1" if flag == "-O3" else flag for flag in flags_of(platform.machine(), request.param)]
    command = [str(COMPILER), *flags, "-UKEN_RUN", f"-I{LIBRARY.parent}", "-shared", str(source)]
    command += ["-o", str(library), "-lm", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    loaded = ctypes.CDLL(str(library))
    for name in ("fast_quantize", "plain_quantize", "fast_softmax", "plain_softmax"):
        getattr(loaded, name).restype = ctypes.c_float
    loaded.has_amx = request.param == "avx512_bf16" and "amx" in instructions()
    return loaded


def pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


def floats(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
    return (RANDOM.standard_normal(shape) * scale).astype(np.float32)


@pytest.mark.parametrize("size", [32, 256, 768])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_rmsnorm(operations: ctypes.CDLL, size: int, scale: float) -> None:
    v, norm, fast, plain = floats(size, scale=scale), floats(size), floats(size), floats(size)
    operations.fast_rmsnorm(pointer(v), pointer(norm), size, EPSILON, pointer(fast))
    operations.plain_rmsnorm(pointer(v), pointer(norm), size, EPSILON, pointer(plain))
    np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [128, 768, 1152])
@pytest.mark.parametrize("outlier", [0.0, 500.0])
def test_hadamard_and_quantizing(operations: ctypes.CDLL, size: int, outlier: float) -> None:
    v = floats(size)
    v[size // 3] += np.float32(outlier)
    fast, plain = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    scales = [getattr(operations, f"{name}_quantize")(pointer(v), size, pointer(codes))
              for name, codes in (("fast", fast), ("plain", plain))]  # fmt: skip
    assert scales[0] == pytest.approx(scales[1], rel=1e-5)
    assert np.abs(fast.astype(int) - plain).max() <= 1  # a sum of 16 may round to either side
    assert (fast != plain).mean() < 0.01


def test_a_row_of_zeros_is_quantized_to_zeros(operations: ctypes.CDLL) -> None:
    v, codes = np.zeros(128, np.float32), np.zeros(128, np.uint8)
    assert np.isfinite(operations.fast_quantize(pointer(v), 128, pointer(codes)))
    assert (codes == operations.zero_point()).all()


def test_gelu(operations: ctypes.CDLL) -> None:
    v = np.linspace(-30, 30, 6000 // 16 * 16, dtype=np.float32)
    fast, plain = np.empty_like(v), np.empty_like(v)
    operations.fast_gelu(pointer(v), len(v), pointer(fast))
    operations.plain_gelu(pointer(v), len(v), pointer(plain))
    np.testing.assert_allclose(fast, plain, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("size", [32, 256])
def test_norm_and_rotary_positions(operations: ctypes.CDLL, size: int) -> None:
    v, norm, angles = floats(size), floats(size), floats(size // 2, scale=3)
    rotary = np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32)
    fast, plain = np.empty_like(v), np.empty_like(v)
    for name, out in (("fast", fast), ("plain", plain)):
        call = getattr(operations, f"{name}_rope")
        call(pointer(v), pointer(norm), pointer(rotary), size, EPSILON, pointer(out))
    np.testing.assert_allclose(fast, plain, rtol=2**-8, atol=1e-6)  # bfloat16 has eight bits


@pytest.mark.parametrize(("size", "start", "end"), [(32, 0, 32), (64, 5, 37), (96, 40, 41), (2048, 0, 2041)])
def test_softmax_of_a_window(operations: ctypes.CDLL, size: int, start: int, end: int) -> None:
    score = floats(size, scale=8)
    fast, plain = np.empty_like(score), np.empty_like(score)
    sums = [getattr(operations, f"{name}_softmax")(pointer(score), size, start, end, pointer(out))
            for name, out in (("fast", fast), ("plain", plain))]  # fmt: skip
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    np.testing.assert_allclose(fast, plain, rtol=2**-8, atol=1e-30)
    assert not fast[:start].any() and not fast[end:].any()


@pytest.mark.parametrize("int8", [True, False])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 9, 16, 17, 31, 32])
def test_products_of_a_block(operations: ctypes.CDLL, rows: int, int8: bool) -> None:
    steps, most = 3, operations.most_code()
    offset = np.zeros(32, np.int32)
    if int8:
        codes = RANDOM.integers(-most, most + 1, (32, steps * 64)) + operations.zero_point()
        left = codes.astype(np.uint8)
        tiles = RANDOM.integers(-127, 128, (2, steps, 16, 16, 4)).astype(np.int8)
        offset[:] = -128 * tiles.sum(axis=(1, 2, 4), dtype=np.int32).reshape(32)
    else:
        left = (floats(32, steps * 32).view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        tiles = (floats(2 * steps * 512).view(np.uint32) >> 16).astype(np.uint16)
    kind = np.int32 if int8 else np.float32
    plain = np.zeros((32, 32), kind)
    operations.plain_block(pointer(left), pointer(tiles), rows, steps, int8, pointer(plain))
    for amx in (False, True) if operations.has_amx else (False,):
        fast = np.zeros((32, 32), kind)
        operations.fast_block(
            pointer(left), pointer(tiles), rows, steps, int8, amx, pointer(offset), pointer(fast)
        )
        np.testing.assert_allclose(
            fast[:rows], plain[:rows], rtol=0 if int8 else 1e-5, atol=0 if int8 else 1e-4
        )
