"""EmbeddingGemma on the local machine: text to unit vectors.

    with embedder.load() as model:
        query = model.embed_queries(["which planet is red?"])
        passages = model.embed_documents(["Mars is red.", "Venus is hot."], titles=["Mars", None])
        model.similarity(query, passages)  # (1, 2)

Owns the model and its checkpoints; knows nothing of files to be searched, indexes or screens. Importing this
package imports no engine and no NumPy: the first `load` does.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

TYPE_CHECKING = False  # the same to type checkers, and `typing` takes milliseconds
if TYPE_CHECKING:
    from typing import Any

    from embedder.config import Precision
    from embedder.embedder import Embedded, Embedder
    from embedder.engines.base import EngineName
    from embedder.engines.instructions import Instructions
    from embedder.engines.server_address import Server
    from embedder.prompts import QueryTask, Task

__all__ = [
    "Embedded",
    "Embedder",
    "EngineName",
    "Precision",
    "QueryTask",
    "Server",
    "Task",
    "fingerprint",
    "load",
]

_MODULES = {
    "Embedded": "embedder.embedder",
    "Embedder": "embedder.embedder",
    "EngineName": "embedder.engines.base",
    "Precision": "embedder.config",
    "QueryTask": "embedder.prompts",
    "Server": "embedder.engines.server_address",
    "Task": "embedder.prompts",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first used."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(name)


def load(
    model: str | Path | None = None,
    *,
    engine: EngineName | Server = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    memory_mb: int | None = None,
    instructions: Instructions = "auto",
) -> Embedder:
    """Load a model by name or folder; None is the default one in the models folder.

    `engine` names what computes here, or is a server. `threads` limits the processor cores, `memory_mb` the
    freed GPU memory that is kept for reuse. `instructions` is an instruction set of the native engine, by
    default the fastest one here. Raises `ModelNotFound`, `ModelInvalid`, `EngineUnavailable`,
    `PrecisionUnavailable`, and `VectorsWrong` where the vectors of this machine or of the server differ
    from the reference.
    """
    from embedder import embedder

    return embedder.load(model, engine, precision, threads, memory_mb, instructions)


def fingerprint(model: str | Path | None = None, precision: str = "auto") -> str:
    """A text that is equal for two models exactly where their vectors may be mixed: same weights, same
    prompts.

    The same as `Embedder.fingerprint`, computed from the headers of the checkpoint and a sample of its
    weights. It is cheap to call often: the files are read again only where one of them changed. Raises
    `ModelNotFound` and `ModelInvalid`.
    """
    from embedder import embedder

    return embedder.fingerprint(model, precision)
