"""The model as the daemon has it: engines in processes of their own, for questions and for much work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.config import Config, ModelConfig
from app.daemon.model_process import ModelProcess
from app.model import LazyModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder import Embedder

SECOND_IDLE = 20.0
"""Seconds without work after which the process for much work ends."""


class DaemonModel(LazyModel):
    """The settings' model. `much` says whether much waits to be embedded.

    On a processor without a GPU a question would wait for the batch that is being computed: much work
    goes to a second process there, which steps back behind the first.
    """

    def __init__(self, config: Config, much: Callable[[], bool]) -> None:
        super().__init__(config.model)
        self._first = ModelProcess(config.model)
        self._second = ModelProcess(config.model, nice=config.daemon.nice)
        self._much = much

    def embedder(self) -> Embedder:
        return self._first  # type: ignore[return-value]

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        apart = self.engine != "mlx" and (self._second.loaded or self._much())
        return (self._second if apart else self._first).embed_documents(texts, titles)

    def _beside(self, config: ModelConfig) -> Embedder:
        return ModelProcess(config)  # type: ignore[return-value]

    @property
    def loaded(self) -> bool:
        return self._first.loaded or self._second.loaded

    @property
    def idle_for(self) -> float:
        """Seconds since a question or a document was last embedded."""
        return min(self._first.idle_for, self._second.idle_for)

    @property
    def notices(self) -> list[str]:
        """What is wrong with the processes, as a person reads it."""
        return list(dict.fromkeys(filter(None, (self._first.notice, self._second.notice))))

    def rest(self) -> None:
        """Let the process for much work go when there was none for a while."""
        if self._second.loaded and self._second.idle_for > SECOND_IDLE:
            self._second.release()

    def release(self) -> None:
        """Give back the engine and the tokenizer's tables."""
        self._former_for("")
        self._first.release()
        self._second.release()
        self._counter = None

    def close(self) -> None:
        super().close()
        self._first.close()
        self._second.close()
