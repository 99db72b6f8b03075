"""What an engine promises, and which one a machine gets.

Owns the choice; knows nothing of how an engine computes, and imports none that is not used.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from embedder.engines import native_kernel
from embedder.errors import EngineUnavailable

if TYPE_CHECKING:
    from embedder.checkpoints.checkpoint import Checkpoint

EngineName = Literal["auto", "mlx", "native", "openvino"]
ENGINES: tuple[EngineName, ...] = ("auto", "mlx", "native", "openvino")

_CUDA_PACKAGES = ("mlx-cuda", "mlx-cuda-12", "mlx-cuda-13")


class Engine(ABC):
    """A checkpoint that computes. Built, used and closed by one thread."""

    name: str
    precision: str
    """What it runs at: `auto` is resolved."""
    version: str
    """Changes with anything that could change a vector: library, graph, arithmetic."""
    batch_tokens: int
    """Tokens of a batch, padding counted, beyond which a larger one gains nothing."""

    @abstractmethod
    def run(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Unit vectors (texts, hidden) of texts of like length, each from `<bos>` to `<eos>`."""

    @abstractmethod
    def close(self) -> None:
        """Give back the memory."""


def choose(engine: str, precision: str = "auto") -> str:
    """The fastest engine that runs `precision` here; a name asked for is only checked.

    `mlx` where it has a GPU; else `native`, ken's kernel for x86-64 with AVX-512 or AMX; else `openvino`.
    """
    if engine not in ENGINES:
        raise EngineUnavailable(f"There is no engine {engine!r}.", f"Choose one of: {', '.join(ENGINES)}.")
    if engine != "auto":
        return engine
    if sys.platform == "darwin" or any(map(_installed, _CUDA_PACKAGES)):
        return "mlx"
    return "native" if precision != "f32" and native_kernel.abilities() else "openvino"


def build(
    checkpoint: Checkpoint, engine: str, precision: str, *, threads: int | None, memory_mb: int | None
) -> Engine:
    """The engine `choose` named, ready to run; its library is imported only here."""
    try:
        if engine == "mlx":
            from embedder.engines.mlx import MLXEngine

            return MLXEngine(checkpoint, precision, memory_mb=memory_mb)
        if engine == "native":
            from embedder.engines.native import NativeEngine

            return NativeEngine(checkpoint, precision, threads=threads)
        from embedder.engines.openvino import OpenVINOEngine

        return OpenVINOEngine(checkpoint, precision, threads=threads)
    except ImportError as error:
        raise EngineUnavailable(
            f"The engine {engine} is not installed here: {error}.",
            "Reinstall ken, or choose the other engine.",
        ) from error


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
