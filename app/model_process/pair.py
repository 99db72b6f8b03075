"""The model's processes in the daemon: one for queries, one for a backlog of passages.

Owns which process embeds a text, and when the second one ends. Knows nothing of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.config import Config
from app.model_process.process import ModelProcess

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECOND_IDLE = 20.0
"""Seconds without work after which the process for the backlog ends."""


class ModelProcesses:
    """`app.model.TextEmbedder` over two processes.

    Without a GPU a query waits for the batch that is being computed. So if `has_backlog`, passages go to a
    second process with a lower priority, but those for which a search waits.
    """

    def __init__(self, config: Config, has_backlog: Callable[[], bool]) -> None:
        self._first = ModelProcess(config.model)
        self._second = ModelProcess(config.model, nice=config.daemon.nice)
        self._has_backlog = has_backlog

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._first.embed_query(text)

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        return self._for_passages().embed_documents(texts, titles)

    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        return self._first.embed_priority(texts, titles)

    def embed_tokens(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        return self._for_passages().embed_tokens(tokens)

    def _for_passages(self) -> ModelProcess:
        return self._second if self._second.loaded or self._has_backlog() else self._first

    @property
    def loaded(self) -> bool:
        return self._first.loaded or self._second.loaded

    @property
    def idle_for(self) -> float:
        """Seconds since a query or a passage was last embedded."""
        return min(self._first.idle_for, self._second.idle_for)

    @property
    def notices(self) -> list[str]:
        """Failures of the processes, for the user."""
        return list(dict.fromkeys(filter(None, (self._first.notice, self._second.notice))))

    def rest(self) -> None:
        """End the second process if it was idle for a while."""
        if self._second.loaded and self._second.idle_for > SECOND_IDLE:
            self._second.release()

    def release(self) -> None:
        """End both processes; the next text starts them again."""
        self._first.release()
        self._second.release()

    def close(self) -> None:
        self._first.close()
        self._second.close()
