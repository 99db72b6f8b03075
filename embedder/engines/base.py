"""The interface of an engine. Imports no engine, so that every engine and every caller can import it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

EngineName = Literal["auto", "mlx", "native", "openvino"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

Ids = Sequence[Sequence[int]]
"""Token ids of texts, each from `<bos>` to `<eos>`."""

Vectors = NDArray[np.float32]
"""Vectors as rows: (texts, dimension)."""


class Engine(ABC):
    """A checkpoint that is ready to compute. Built, used and closed by one thread."""

    name: str
    precision: str
    """The precision of the computation, never `auto`."""
    version: str
    """Changes with everything that can change a vector: library, graph, arithmetic."""
    batch_tokens: int
    """Most tokens of a batch, with padding: a larger batch is not faster."""

    @abstractmethod
    def run(self, ids: Ids) -> Vectors:
        """Unit vectors (texts, hidden) of texts of similar length."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory."""
