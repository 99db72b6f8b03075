"""EmbeddingGemma on one's own machine: text in, unit vectors out.

    with embedder.load() as model:
        question = model.embed_queries(["which planet is red?"])
        passages = model.embed_documents(["Mars is red.", "Venus is hot."], titles=["Mars", None])
        model.similarity(question, passages)  # (1, 2)

Importing this package imports no engine and no NumPy: the first `load` does.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedder.config import Precision
    from embedder.embedder import Embedded, Embedder
    from embedder.engines.choose import EngineName
    from embedder.prompts import QueryTask, Task

__all__ = ["Embedded", "Embedder", "EngineName", "Precision", "QueryTask", "Task", "load"]

_HOMES = {
    "Embedded": "embedder.embedder",
    "Embedder": "embedder.embedder",
    "EngineName": "embedder.engines.choose",
    "Precision": "embedder.config",
    "QueryTask": "embedder.prompts",
    "Task": "embedder.prompts",
}


def __getattr__(name: str) -> Any:
    """Names are found when they are first used: who only catches an error pays for no NumPy."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(name)


def load(
    model: str | Path | None = None,
    *,
    engine: EngineName = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
) -> Embedder:
    """Load a model by name or folder; None is the default one in the models folder.

    `threads` caps the processor cores computed on, `memory_mb` what a GPU keeps for reuse. Raises
    `ModelNotFound`, `ModelInvalid`, `EngineUnavailable`, `PrecisionUnavailable`, and `VectorsWrong` where
    this machine does not give the vectors it should.
    """
    from embedder.checkpoints import load

    return load.load(model, engine, precision, threads, memory_mb)
