"""A loaded model: text to unit vectors.

Owns loading, and the steps from a text to its vector: prompt, tokenizer, batches, engine, truncation. Knows
nothing of indexes or screens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from embedder import prompts, self_test
from embedder.checkpoints.checkpoint import Checkpoint, cached_checkpoint, open_checkpoint
from embedder.checkpoints.models import DEFAULT_MODEL, find_model
from embedder.checkpoints.tokenizer_tables import tokenizer_tables
from embedder.config import DIMENSIONS, Precision
from embedder.engines.base import Engine, Vectors
from embedder.engines.batching import plan_batches
from embedder.engines.choose import build, choose
from embedder.engines.instructions import Instructions
from embedder.engines.server_address import Server
from embedder.errors import InputInvalid, PrecisionUnavailable
from embedder.model_thread import ModelThread, Priority
from embedder.tokenizer import GemmaTokenizer, checked_text

_TEXTS_AT_ONCE = 256
"""Texts tokenized and sorted together: enough for full batches, few enough to bound memory."""

CODE_WEIGHT = 1.5
"""Weight of the vector under the task for code in the vector for passages of code, beside that for prose:
better on two sets of code than either alone (assets/docs/search.md)."""

Running = list[tuple[list[int], Future[Vectors]]]
"""Batches being computed: for each the rows of the result, and the future of its vectors."""


def load(
    model: str | Path | None,
    engine: str | Server,
    precision: Precision,
    threads: int | None,
    memory_mb: int | None,
    instructions: Instructions,
) -> Embedder:
    """See `embedder.load`."""
    engine_name = "" if isinstance(engine, Server) else choose(engine, precision)
    folder = find_model(model)
    checkpoint = open_checkpoint(folder)
    tokenizer = GemmaTokenizer.from_folder(folder, checkpoint.config)

    def local(name: str, number_format: str) -> Engine:
        return build(
            checkpoint,
            name,
            number_format,
            threads=threads,
            memory_mb=memory_mb,
            instructions=instructions,
        )

    if isinstance(engine, Server):
        thread = ModelThread(lambda: _served(engine, precision, checkpoint))
    else:
        thread = ModelThread(lambda: local(engine_name, precision))
    try:
        _run_self_test(thread, tokenizer, checkpoint, lambda: local(choose("auto"), "auto"))
        return Embedder(folder.name, checkpoint, tokenizer, thread)
    except BaseException:
        thread.close()
        raise


def fingerprint(model: str | Path | None, precision: str) -> str:
    """See `embedder.fingerprint`."""
    checkpoint = cached_checkpoint(find_model(model))
    resolved = checkpoint.quantized_precision if precision == "auto" else precision
    return _fingerprint(checkpoint, resolved or precision)


def _fingerprint(checkpoint: Checkpoint, precision: str) -> str:
    """Only 4-bit weights have their own fingerprint: vectors of other precisions agree to a cosine of
    0.998."""
    weights = "4bit" if precision == "4bit" else "full"
    return f"{checkpoint.fingerprint}-{weights}-{prompts.PROMPTS_VERSION}"


def _served(server: Server, precision: str, checkpoint: Checkpoint) -> Engine:
    """The engine of a server that has the same weights as `checkpoint`, though in a precision of its own."""
    from embedder.decoder import Decoder
    from embedder.engines.served import ServedEngine

    if checkpoint.quantized_precision == "4bit":
        raise PrecisionUnavailable(
            "Vectors of the 4-bit model do not agree with those of a server.",
            f"Fetch the default model, `ken model fetch`, and let `model.name` be {DEFAULT_MODEL}.",
        )
    decoder = Decoder(tokenizer_tables(checkpoint.folder / "tokenizer.json"))
    return ServedEngine(
        server, checkpoint.config.hidden_size, precision, lambda ids: decoder.decode(ids[1:-1])
    )


def _run_self_test(
    thread: ModelThread, tokenizer: GemmaTokenizer, checkpoint: Checkpoint, local: Callable[[], Engine]
) -> None:
    """The self-test. A server is never believed: where no reference is stored, `local` computes one."""
    engine = thread.engine
    ids = tokenizer.encode(self_test.TEXTS, [prompts.document_prompt()] * len(self_test.TEXTS)).ids
    reference = None
    if not engine.tested_once and checkpoint.fingerprint not in self_test.references():
        here = ModelThread(local)
        reference = np.concatenate([here.submit([text], Priority.QUERY).result() for text in ids])
        here.close()
    self_test.check(
        lambda batch: thread.submit(batch, Priority.QUERY).result(),
        ids,
        checkpoint.fingerprint,
        engine.version,
        engine.precision,
        once=engine.tested_once,
        reference=reference,
    )


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors (texts, dimension) of unit length, and which texts were cut at the context length."""

    vectors: Vectors
    truncated: tuple[bool, ...]


class Embedder:
    """A loaded model. Thread-safe; queries are computed before pending documents."""

    def __init__(
        self, model: str, checkpoint: Checkpoint, tokenizer: GemmaTokenizer, thread: ModelThread
    ) -> None:
        self._tokenizer, self._thread = tokenizer, thread
        self.model = model
        self.engine, self.precision = thread.engine.name, thread.engine.precision
        self.dimension: int = checkpoint.config.hidden_size
        self.context_length: int = checkpoint.config.max_position_embeddings
        self.fingerprint = _fingerprint(checkpoint, self.precision)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without prompt, `<bos>` and `<eos>`."""
        return self._tokenizer.count(texts)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, without prompt, `<bos>` and `<eos>`, cut at the context length."""
        return [ids[1:-1] for ids in self._tokenizer.encode(texts).ids]

    def embed_tokens(self, tokens: Sequence[int]) -> Vectors:
        """The vector of each token as the only one of a text, (tokens, 768) float32 of unit length.

        Without a prompt, which would take three times as long.
        """
        bos, eos = self._tokenizer.bos, self._tokenizer.eos
        vectors = np.empty((len(tokens), self.dimension), np.float32)
        for start in range(0, len(tokens), _TEXTS_AT_ONCE):
            ids = [[bos, token, eos] for token in tokens[start : start + _TEXTS_AT_ONCE]]
            _collect(list(self._submit(ids, start, Priority.TOKENS)), vectors)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """The vectors of one query, (2, 768) float32 of unit length: for passages of prose, and of code.

        Both prompts are computed in one batch.
        """
        tasks = (prompts.PROSE_TASK, prompts.CODE_TASK)
        fronts = [prompts.query_prompt(task) for task in tasks]
        prose, code = self._embed([text, text], fronts, Priority.QUERY).vectors
        both = np.stack([prose, prose + CODE_WEIGHT * code])
        return np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True), np.float32)

    def embed_queries(self, texts: Sequence[str], *, task: str = "search result", dim: int = 768) -> Vectors:
        """Vectors of queries, (texts, dim) float32 of unit length."""
        return self.embed(texts, task=task, dim=dim).vectors

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None, *, dim: int = 768
    ) -> Vectors:
        """Vectors of documents, (texts, dim) float32 of unit length; a title becomes part of the prompt."""
        return self.embed(texts, task="document", titles=titles, dim=dim).vectors

    def embed_priority(self, texts: Sequence[str], titles: Sequence[str | None]) -> Vectors:
        """The same, computed before documents that wait: a search waits for these."""
        return self._embed(texts, _prompts(texts, "document", titles), Priority.QUERY).vectors

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
        not a string, and `EmbedderClosed` once the model is closed.
        """
        self._check_dimension(dim)
        priority = Priority.DOCUMENT if task == "document" else Priority.QUERY
        found = self._embed(texts, _prompts(texts, task, titles), priority)
        return Embedded(truncate_matryoshka(found.vectors, dim), found.truncated)

    def _embed(self, texts: Sequence[str], fronts: Sequence[str], priority: Priority) -> Embedded:
        """Vectors of all dimensions; `fronts` holds the prompt before each text."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        truncated: list[bool] = []
        running: Running = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = slice(start, start + _TEXTS_AT_ONCE)
            encoded = self._tokenizer.encode(texts[part], fronts[part])
            truncated += encoded.truncated
            submitted = list(self._submit(encoded.ids, start, priority))
            _collect(running, vectors)
            running = submitted
        _collect(running, vectors)
        return Embedded(vectors, tuple(truncated))

    def similarity(self, a: Vectors, b: Vectors) -> Vectors:
        """Cosines of every row of `a` with every row of `b`, (rows of a, rows of b); rows of unit length."""
        return np.atleast_2d(a) @ np.atleast_2d(b).T

    def close(self) -> None:
        """Free the model; pending texts fail with `EmbedderClosed`. May be called more than once."""
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_dimension(self, dim: int) -> None:
        smaller = (size for size in DIMENSIONS if size < self.dimension)
        allowed = (self.dimension, *sorted(smaller, reverse=True))
        if dim not in allowed:
            listed = ", ".join(map(str, allowed))
            raise InputInvalid(f"Vectors cannot have {dim} dimensions.", f"Choose one of: {listed}.")

    def _submit(
        self, ids: list[list[int]], start: int, priority: Priority
    ) -> Iterator[tuple[list[int], Future[Vectors]]]:
        engine = self._thread.engine
        for batch in plan_batches([len(text) for text in ids], engine.batch_tokens, engine.most_padding):
            future = self._thread.submit([ids[index] for index in batch], priority)
            yield [start + index for index in batch], future


def truncate_matryoshka(vectors: Vectors, dim: int) -> Vectors:
    """The first `dim` numbers of each vector, normalized again (arXiv:2205.13147)."""
    if dim == vectors.shape[1]:
        return vectors
    shorter = vectors[:, :dim]
    return np.ascontiguousarray(shorter / np.linalg.norm(shorter, axis=1, keepdims=True))


def _prompts(texts: Sequence[str], task: str, titles: Sequence[str | None] | None) -> list[str]:
    """The prompt before each text. Raises `InputInvalid`."""
    if isinstance(texts, str):
        raise InputInvalid("One string was given where a list of texts is expected.", "Put it into a list.")
    for text in texts:
        checked_text(text)
    if titles is None:
        return [prompts.prompt(task)] * len(texts)
    if task != "document":
        raise InputInvalid(f"Titles belong to documents, not to the task {task!r}.", "Leave them out.")
    if len(titles) != len(texts):
        raise InputInvalid(
            f"There are {len(titles)} titles for {len(texts)} texts.", "Give one for each text."
        )
    return [prompts.prompt(task, title) for title in titles]


def _collect(running: Running, vectors: Vectors) -> None:
    """Wait for batches and copy their vectors into the rows of the result."""
    for rows, future in running:
        vectors[rows] = future.result()
