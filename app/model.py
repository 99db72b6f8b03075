"""The model as the application uses it: each part loaded when it is first needed, and not before.

Knowing whether vectors may be mixed takes the checkpoint's headers, counting tokens takes the
tokenizer, embedding takes the engine. Nothing here is imported by a front that asks the daemon.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.config import ModelConfig
from embedder.checkpoints.models import DEFAULT_MODEL, find_model, list_models, models_folder
from embedder.errors import EmbedderError, ModelNotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder import Embedder
    from index.types import TokenCounter


class TextModel(Protocol):
    """What indexing and search need of a model. Safe from any thread."""

    @property
    def model(self) -> str: ...
    @property
    def engine(self) -> str: ...
    @property
    def fingerprint(self) -> str:
        """Equal exactly where vectors may be mixed. Raises `ModelNotFound` where there is no model."""

    @property
    def present(self) -> bool:
        """Whether the model is on this machine. Without it files are read, and found by words only."""

    @property
    def counter(self) -> Callable[[], TokenCounter]:
        """Makes the token counter; pickles, so that another process can. An estimate without a model."""

    def embed_queries(self, texts: Sequence[str], *, made_by: str = "") -> NDArray[np.float32]:
        """Vectors of questions for vectors of the fingerprint `made_by`; of this model's own where empty.

        Raises `ModelNotFound` where no model that is here makes such.
        """

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]: ...
    def close(self) -> None: ...


MISSING = "The model is not here, so files are found by their words only. `ken model fetch` fetches it."


def fingerprint_of(model: TextModel) -> str:
    """Its fingerprint; empty without a model."""
    return model.fingerprint if model.present else ""


class LazyModel:
    """The model that the settings name, in this process.

    An engine that hangs here hangs the command until a person interrupts it: only a process can be killed
    and replaced, and the model has one of its own in the daemon alone.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        self._guard = threading.Lock()
        self._embedder: Embedder | None = None
        self._former_guard = threading.Lock()
        self._former: Embedder | None = None
        self._made_by = ""
        self._counter: Callable[[], TokenCounter] | None = None

    @property
    def folder(self) -> Path:
        """Raises `ModelNotFound`."""
        return find_model(self.config.name or None)

    @property
    def present(self) -> bool:
        try:
            return self.folder.is_dir()
        except ModelNotFound:
            return False

    @property
    def model(self) -> str:
        return self.folder.name if self.present else Path(self.config.name or DEFAULT_MODEL).name

    @cached_property
    def engine(self) -> str:
        from embedder.engines import choose

        return choose.choose(self.config.engine, self.config.precision)

    @property
    def fingerprint(self) -> str:
        import embedder

        return embedder.fingerprint(self.folder, self.config.precision)

    def embedder(self) -> Embedder:
        """The loaded model; loads it now where it is not."""
        import embedder

        with self._guard:
            if self._embedder is None:
                self._embedder = embedder.load(
                    self.folder,
                    engine=self.config.engine,
                    precision=self.config.precision,
                    threads=self.config.threads or None,
                    memory_mb=self.config.memory_mb or None,
                )
            return self._embedder

    @property
    def counter(self) -> Callable[[], TokenCounter]:
        if self._counter is None:
            from app.token_counter import TokenCounterOf, estimating_counter

            if not self.present:
                return estimating_counter

            # a reader sees no environment, from which the folder of models may come
            counter = partial(TokenCounterOf, self.folder.absolute(), models_folder().absolute())
            counter()  # where its tables are still to be made, it takes a while
            self._counter = counter
        return self._counter

    def embed_queries(self, texts: Sequence[str], *, made_by: str = "") -> NDArray[np.float32]:
        find_model(self.config.name or None)  # no process is started to learn that there is none
        former = self._former_for(made_by)
        return (former or self.embedder()).embed_queries(texts)

    def _former_for(self, made_by: str) -> Embedder | None:
        """The model whose vectors serve while others are made by this one; None where they are its own."""
        with self._former_guard:
            if made_by != self._made_by:
                if self._former is not None:
                    self._former.close()
                    self._former = None
                if made_by and made_by != self.fingerprint:
                    self._former = self._beside(maker_of(made_by, self.config))
                self._made_by = made_by
            return self._former

    def _beside(self, config: ModelConfig) -> Embedder:
        """Another model, loaded beside this one."""
        return LazyModel(config).embedder()

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        return self.embedder().embed_documents(texts, titles)

    def close(self) -> None:
        self._former_for("")
        with self._guard:
            if self._embedder is not None:
                self._embedder.close()
                self._embedder = None


def maker_of(made_by: str, config: ModelConfig) -> ModelConfig:
    """Settings of a model on this machine whose vectors have the fingerprint `made_by`.

    Raises `ModelNotFound` where there is none.
    """
    import embedder

    for model in list_models():
        for precision in (config.precision, "auto", "4bit"):
            with suppress(EmbedderError):
                if embedder.fingerprint(model.folder, precision) == made_by:
                    return replace(config, name=str(model.folder), precision=precision)
    raise ModelNotFound(
        "The model that made the vectors is not here, and those of the new one are not ready.",
        "`ken index` makes them.",
    )
