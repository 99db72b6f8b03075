"""The interface of an engine. Imports no engine, so that every engine and every caller can import it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

EngineName = Literal["auto", "mlx", "native"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)

Ids = Sequence[Sequence[int]]
"""Token ids of texts, each from `<bos>` to `<eos>`."""

MAX_PADDING = 0.1
"""Padding as in `Engine.most_padding` where a small batch costs no more for each token than a large one."""

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
    tested_once: bool = True
    """Whether a self-test that passed holds for later starts: not where another program computes."""
    most_padding: float = MAX_PADDING
    """Most padding of a text, as a share of the longest in its batch: more costs more than it saves."""

    keeps_thread: bool = False
    """Whether the thread that built it must stay until the process ends."""

    @abstractmethod
    def run(self, ids: Ids) -> Vectors:
        """Unit vectors (texts, hidden) of texts of similar length."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory."""
