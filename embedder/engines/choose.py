"""The choice of an engine for this machine.

Knows nothing of how an engine computes, and imports only the one that is used.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from embedder.engines import native_kernel
from embedder.engines.base import ENGINES, Engine
from embedder.engines.server_address import endpoint_of, is_address
from embedder.errors import EngineUnavailable

if TYPE_CHECKING:
    from embedder.checkpoints.checkpoint import Checkpoint
    from embedder.engines.instructions import Instructions

_CUDA_PACKAGES = ("mlx-cuda", "mlx-cuda-12", "mlx-cuda-13")
_CUDA_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""Through which programs reach an NVIDIA GPU: on Linux, and on Linux under Windows (WSL)."""


def choose(engine: str, precision: str = "auto") -> str:
    """The fastest engine that runs `precision` here; any name but `auto` is only checked.

    `mlx` if it has a GPU; otherwise `native`, ken's kernel for Linux on x86-64 and Arm, if it was built and
    runs that precision; otherwise `mlx` on the processor, which is slow. The address of a server is a name
    too. Raises `EngineUnavailable` for an unknown name.
    """
    if is_address(engine):
        endpoint_of(engine)
        return engine
    if engine not in ENGINES:
        raise EngineUnavailable(f"There is no engine {engine!r}.", f"Choose one of: {', '.join(ENGINES)}.")
    if engine != "auto":
        return engine
    return "native" if not has_gpu() and precision != "f32" and native_kernel.instructions() else "mlx"


def explain(engine: str, precision: str = "auto") -> str:
    """Why the engine is not a faster one here, in a sentence; empty where there is none."""
    if engine == "mlx" and not has_gpu():
        return "MLX has no GPU here and computes on the processor, many times slower than the engine `auto`."
    if engine != "auto" or has_gpu():
        return ""
    return (
        "On a processor f32 is slow, and for comparison only."
        if precision == "f32"
        else native_kernel.why_slow()
    )


def has_gpu() -> bool:
    """Whether MLX has a GPU here: that of Apple silicon, or one of NVIDIA and MLX for CUDA."""
    return sys.platform == "darwin" or (any(map(_is_installed, _CUDA_PACKAGES)) and _has_nvidia_gpu())


def build(
    checkpoint: Checkpoint,
    engine: str,
    precision: str,
    *,
    threads: int | None,
    memory_mb: int | None,
    instructions: Instructions,
) -> Engine:
    """The engine that `choose` named, ready to run. Raises `EngineUnavailable` and `PrecisionUnavailable`."""
    try:
        if engine == "mlx":
            from embedder.engines.mlx import MLXEngine

            return MLXEngine(checkpoint, precision, memory_mb=memory_mb)
        from embedder.engines.native import NativeEngine

        return NativeEngine(checkpoint, precision, threads=threads, instruction_set=instructions)
    except ImportError as error:
        raise EngineUnavailable(
            f"The engine {engine} is not installed here: {error}.",
            "Reinstall ken, or choose another engine.",
        ) from error


def _has_nvidia_gpu() -> bool:
    """Whether the system has a GPU that CUDA can use: MLX for CUDA computes on the processor without one."""
    return any(device.exists() for device in _CUDA_DEVICES)


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
