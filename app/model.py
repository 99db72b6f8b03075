"""The model that the settings name, loaded in parts when they are needed.

Owns what is loaded for what: the fingerprint needs the checkpoint's headers, token counts the tokenizer,
vectors the engine. A front that calls the daemon imports nothing of this module. Knows nothing of the index.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from app.config import ModelConfig
from embedder.checkpoints.models import DEFAULT_MODEL, find_model, list_models, models_folder
from embedder.errors import EmbedderError, ModelNotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder import EngineName, Server
    from embedder.student import Student
    from index.types import TokenCounter


class TextEmbedder(Protocol):
    """A loaded model: `embedder.Embedder`, or one in another process. Safe from any thread."""

    def embed_query(self, text: str) -> NDArray[np.float32]: ...
    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]: ...
    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]: ...
    def embed_tokens(self, tokens: Sequence[int]) -> NDArray[np.float32]: ...
    def close(self) -> None: ...


class TextModel(Protocol):
    """What indexing and search need of a model. Safe from any thread."""

    @property
    def model(self) -> str: ...
    @property
    def engine(self) -> str: ...
    @property
    def fingerprint(self) -> str:
        """Equal exactly if vectors may be compared. Raises `ModelNotFound` if there is no model."""

    @property
    def present(self) -> bool:
        """Whether the model is installed. Without it, files are indexed and found by words only."""

    @property
    def counter(self) -> Callable[[], TokenCounter]:
        """Makes the token counter, in another process too (it pickles). Without a model, it estimates."""

    def student(self) -> Student | None:
        """Makes approximate vectors of documents at once; None if the model or the settings have none."""

    @property
    def delays_queries(self) -> bool:
        """Whether queries are being asked, and each waits for the batch of documents before it."""

    def embed_query(self, text: str, *, made_by: str = "") -> NDArray[np.float32]:
        """The vectors of a query, (2, 768), for passages of prose and of code, to compare with those of the
        fingerprint `made_by`; empty: with this model's.

        Raises `ModelNotFound` if no installed model has that fingerprint.
        """

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]: ...
    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        """Vectors of priority documents: a search waits for them."""

    def close(self) -> None: ...


ASKED_SECONDS = 60.0
"""Seconds after a query in which another is expected."""
MISSING = "The model is not here, so files are found by their words only. `ken model fetch` fetches it."


def fingerprint_of(model: TextModel) -> str:
    """The model's fingerprint; empty if it is not installed."""
    return model.fingerprint if model.present else ""


class Model:
    """The model that the settings name. `load` makes the embedder when it is first needed.

    By default it is in this process, where a hung engine hangs the command until the user interrupts it. The
    daemon gives a `load` with processes, which can be killed and replaced.
    """

    def __init__(
        self, config: ModelConfig, load: Callable[[ModelConfig], TextEmbedder] | None = None
    ) -> None:
        self.config = config
        self._load = load or load_here
        self._guard = threading.Lock()
        self._embedder: TextEmbedder | None = None
        self._former_guard = threading.Lock()
        self._former: TextEmbedder | None = None
        self._made_by = ""
        self._counter: Callable[[], TokenCounter] | None = None
        self._student: Student | None = None
        self._asked = float("-inf")
        """When a query was last embedded, on the monotonic clock."""

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

    def _ensure_loaded(self) -> TextEmbedder:
        with self._guard:
            if self._embedder is None:
                self._embedder = self._load(self.config)
            return self._embedder

    @property
    def counter(self) -> Callable[[], TokenCounter]:
        if self._counter is None:
            from app.token_counter import TokenCounterOf, estimating_counter

            if not self.present:
                return estimating_counter

            # the folder of models may come from the environment, which a reader process does not have
            counter = partial(TokenCounterOf, self.folder.absolute(), models_folder().absolute())
            counter()  # the first one makes its tables, which takes a while
            self._counter = counter
        return self._counter

    def student(self) -> Student | None:
        if self._student is None and self.config.approximate and self.present:
            from embedder.student import load_student

            self._student = load_student(self.folder, self.embed_tokens)
        return self._student

    @property
    def delays_queries(self) -> bool:
        return self.engine == "mlx" and time.monotonic() - self._asked < ASKED_SECONDS

    def embed_query(self, text: str, *, made_by: str = "") -> NDArray[np.float32]:
        self._asked = time.monotonic()
        find_model(self.config.name or None)  # so that no process is started without a model
        former = self._former_for(made_by)
        return (former or self._ensure_loaded()).embed_query(text)

    def _former_for(self, made_by: str) -> TextEmbedder | None:
        """The former model, whose vectors answer until this one has made all; None if they are its own."""
        with self._former_guard:
            if made_by != self._made_by:
                if self._former is not None:
                    self._former.close()
                    self._former = None
                if made_by and made_by != self.fingerprint:
                    self._former = self._load(maker_of(made_by, self.config))
                self._made_by = made_by
            return self._former

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        return self._ensure_loaded().embed_documents(texts, titles)

    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> NDArray[np.float32]:
        return self._ensure_loaded().embed_priority(texts, titles)

    def embed_tokens(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The vector of each token alone, (tokens, 768), from which the student makes its own."""
        return self._ensure_loaded().embed_tokens(tokens)

    def release(self) -> None:
        """Release the tokenizer's tables, the student and the former model, until they are needed again."""
        self._former_for("")
        self._counter = self._student = None

    def close(self) -> None:
        self._former_for("")
        with self._guard:
            if self._embedder is not None:
                self._embedder.close()
                self._embedder = None


def engine_of(config: ModelConfig) -> EngineName | Server:
    """What the settings name as the engine."""
    from embedder.engines.server_address import Server, is_address

    if is_address(config.engine):
        return Server(config.engine, config.served_model, config.public_server)
    return cast("EngineName", config.engine)


def load_here(config: ModelConfig) -> TextEmbedder:
    """The embedder in this process. Raises `ModelNotFound`."""
    import embedder

    return embedder.load(
        find_model(config.name or None),
        engine=engine_of(config),
        precision=config.precision,
        threads=config.threads or None,
        memory_mb=config.memory_mb or None,
        instructions=config.instructions,
    )


def maker_of(made_by: str, config: ModelConfig) -> ModelConfig:
    """Settings of an installed model with the fingerprint `made_by`. Raises `ModelNotFound`."""
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
