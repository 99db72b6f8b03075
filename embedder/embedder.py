"""Text to unit vectors: the face of a loaded model.

Owns the way of a text through prompt, tokenizer, batches, engine and cutting to a dimension; knows nothing
of files, indexes or screens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from embedder import prompts
from embedder.batching import plan
from embedder.checkpoints.checkpoint import Checkpoint
from embedder.config import DIMENSIONS
from embedder.errors import InputInvalid
from embedder.model_thread import DOCUMENT, QUERY, Owner
from embedder.tokenizer import GemmaTokenizer

_TEXTS_AT_ONCE = 256
"""Texts tokenised and sorted together: enough for full batches, few enough to bound memory."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors (texts, dimension), float32, each of length one; and which texts were cut to the context."""

    vectors: NDArray[np.float32]
    truncated: tuple[bool, ...]


class Embedder:
    """A loaded model. Any thread may call any method; queries overtake documents that wait."""

    def __init__(self, model: str, checkpoint: Checkpoint, tokenizer: GemmaTokenizer, owner: Owner) -> None:
        self._tokenizer, self._owner = tokenizer, owner
        self.model = model
        self.engine, self.precision = owner.engine.name, owner.engine.precision
        self.dimension: int = checkpoint.config.hidden_size
        self.context_length: int = checkpoint.config.max_position_embeddings
        self.fingerprint = fingerprint_of(checkpoint, self.precision)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without prompt, `<bos>` and `<eos>`."""
        return self._tokenizer.count(texts)

    def embed_queries(
        self, texts: Sequence[str], *, task: str = "search result", dim: int = 768
    ) -> NDArray[np.float32]:
        """Vectors of questions, (texts, dim) float32 of unit length."""
        return self.embed(texts, task=task, dim=dim).vectors

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None, *, dim: int = 768
    ) -> NDArray[np.float32]:
        """Vectors of documents, (texts, dim) float32 of unit length; a title stands in the prompt."""
        return self.embed(texts, task="document", titles=titles, dim=dim).vectors

    def embed(
        self,
        texts: Sequence[str],
        *,
        task: str = "search result",
        titles: Sequence[str | None] | None = None,
        dim: int = 768,
    ) -> Embedded:
        """Vectors under any task of the model card (`embedder.prompts.TASKS`).

        Raises `InputInvalid` for an unknown task, a dimension the model was not trained for or a text that is
        no string, and `EmbedderClosed` once the model is closed.
        """
        self._check_dimension(dim)
        fronts = _fronts(texts, task, titles)
        priority = DOCUMENT if task == "document" else QUERY
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        truncated: list[bool] = []
        running: list[tuple[list[int], Future[NDArray[np.float32]]]] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = slice(start, start + _TEXTS_AT_ONCE)
            encoded = self._tokenizer.encode(texts[part], fronts[part])
            truncated += encoded.truncated
            submitted = list(self._submit(encoded.ids, start, priority))
            _collect(running, vectors)
            running = submitted
        _collect(running, vectors)
        return Embedded(cut(vectors, dim), tuple(truncated))

    def similarity(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of every row of `a` with every row of `b`, (rows of a, rows of b); rows of unit length."""
        return np.atleast_2d(a) @ np.atleast_2d(b).T

    def close(self) -> None:
        """Free the model; what waits fails with `EmbedderClosed`. May be called more than once."""
        self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_dimension(self, dim: int) -> None:
        allowed = sorted(
            {self.dimension, *(size for size in DIMENSIONS if size < self.dimension)}, reverse=True
        )
        if dim not in allowed:
            listed = ", ".join(map(str, allowed))
            raise InputInvalid(f"Vectors of {dim} numbers are not to be had.", f"Choose one of: {listed}.")

    def _submit(
        self, ids: list[list[int]], start: int, priority: int
    ) -> Iterator[tuple[list[int], Future[NDArray[np.float32]]]]:
        for batch in plan([len(text) for text in ids], self._owner.engine.batch_tokens):
            future = self._owner.submit([ids[place] for place in batch], priority)
            yield [start + place for place in batch], future


def fingerprint_of(checkpoint: Checkpoint, precision: str) -> str:
    """Equal exactly where vectors may be mixed: same weights, same prompts.

    Only 4-bit weights make a class of their own; the others agree to a cosine of 0.998.
    """
    weights = "4bit" if precision == "4bit" else "full"
    return f"{checkpoint.fingerprint}-{weights}-{prompts.PROMPTS_VERSION}"


def cut(vectors: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """The first `dim` numbers of each vector, normalised again (Matryoshka, arXiv:2205.13147)."""
    if dim == vectors.shape[1]:
        return vectors
    shorter = vectors[:, :dim]
    return np.ascontiguousarray(shorter / np.linalg.norm(shorter, axis=1, keepdims=True))


def _fronts(texts: Sequence[str], task: str, titles: Sequence[str | None] | None) -> list[str]:
    """The prompt in front of each text."""
    if isinstance(texts, str):
        raise InputInvalid("One string was given where a list of texts is expected.", "Put it into a list.")
    for text in texts:
        if not isinstance(text, str):
            raise InputInvalid(f"A text to embed is of type {type(text).__name__}.", "Give strings.")
    if titles is None:
        return [prompts.prompt(task)] * len(texts)
    if task != "document":
        raise InputInvalid(f"Titles belong to documents, not to the task {task!r}.", "Leave them out.")
    if len(titles) != len(texts):
        raise InputInvalid(
            f"There are {len(titles)} titles for {len(texts)} texts.", "Give one for each text."
        )
    return [prompts.prompt(task, title) for title in titles]


def _collect(
    running: list[tuple[list[int], Future[NDArray[np.float32]]]], vectors: NDArray[np.float32]
) -> None:
    for places, future in running:
        vectors[places] = future.result()
