"""The student: vectors of documents for the cost of a lookup, until the model has read them.

The model's vectors of single tokens, each computed once on a machine, are summed in three ways; a linear map,
fitted to vectors that the model gave to whole passages (`embedder.recipe`), makes of the sums the expectation
of the text's true vector. Queries keep the model.

Owns the arithmetic and the table of tokens; knows nothing of training or of indexes.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.artifact_cache import digest_of, mark_used, store
from embedder.checkpoints.checkpoint import cached_checkpoint
from embedder.checkpoints.models import models_folder
from embedder.errors import ModelInvalid
from embedder.tokenizer import GemmaTokenizer

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
EmbedTokens = Callable[[Sequence[int]], Vectors]
"""The model's vector of each token as the only one of a text, (tokens, 768), as `Embedder.embed_tokens`."""

LENGTH, TITLE_LENGTH, FRONT = 256, 32, 24
"""Tokens of a text, and of its title, that are read; and those of the text that its front has."""
SUMS = 3
"""Ways to sum the tokens of a text."""
NO_TITLE = "none"
"""What the document prompt has in place of a title."""
BLOCK = 256
"""Texts of which the tokens are looked up at once."""
AT_ONCE = 512
"""Tokens that the model is asked for at once: its other callers wait as long."""
DECAY = 5.0
"""Of the ridge regression by which a student is adapted."""
HOLD_OUT_EVERY = 10
"""Of so many documents, one is held out where a student is adapted."""
RAREST = 12.75
"""The greatest weight that `weights` can hold: they are stored as bytes."""
_VERSION = 1
"""Version of the table of tokens: files of another version are not read."""
FILE = "student.npz"
SHIPPED = Path(__file__).with_name(FILE)
"""The student of Google's checkpoint. Gemma's terms of use apply to it as to the model."""
_TRAIN_AGAIN = "Delete it, or train it again: `python -m embedder.recipe`."


@dataclass(frozen=True, slots=True)
class Head:
    """What is trained, and for which checkpoint.

    `weights` (vocabulary,) of tokens, greater for rarer ones; `mean` (768,) of their vectors; `map`
    (3 · 768, 768) and `bias` (768,), from sums to the expectation of the text's vector.
    """

    checkpoint: str
    weights: Vectors
    mean: Vectors
    map: Vectors
    bias: Vectors
    base: str = ""
    """Of a head that was adapted to an index: the fingerprint of the student that it was before."""
    passages: int = 0
    """The passages that it was adapted to."""

    def apply(self, sums: Vectors) -> Vectors:
        """(n, 3 · 768) sums to expectations, (n, 768), none longer than 1."""
        found = sums @ self.map + self.bias
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1), np.float32)

    @property
    def fingerprint(self) -> str:
        """Differs where the vectors differ."""
        digest = hashlib.blake2b(self.checkpoint.encode(), digest_size=16)
        for array in (self.weights, self.mean, self.map, self.bias):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write to `path`."""
        path.write_bytes(self.packed())

    def packed(self) -> bytes:
        """What `read_head` reads: the map as int8 with a scale for each column, weights as bytes."""
        weights = np.rint(np.clip(self.weights, 0, RAREST) * (255 / RAREST)).astype(np.uint8)
        scales = np.maximum(np.abs(self.map).max(axis=0), np.float32(1e-12)) / np.float32(127)
        file = io.BytesIO()
        np.savez_compressed(
            file,
            checkpoint=np.array(self.checkpoint),
            weights=weights,
            mean=self.mean,
            map=np.rint(self.map / scales).astype(np.int8),
            scales=scales,
            bias=self.bias,
            base=np.array(self.base),
            passages=np.array(self.passages),
        )
        return file.getvalue()


def read_head(path: Path) -> Head:
    """What `Head.save` wrote. Raises `ModelInvalid` for any other file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelInvalid(f"{path} cannot be read: {error.strerror}.", _TRAIN_AGAIN) from error
    return unpack_head(content, str(path))


def unpack_head(content: bytes, name: str) -> Head:
    """The head of `Head.packed`; `name` is said in errors. Raises `ModelInvalid`."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            head = Head(
                str(stored["checkpoint"]),
                stored["weights"].astype(np.float32) * np.float32(RAREST / 255),
                stored["mean"].astype(np.float32),
                stored["map"].astype(np.float32) * stored["scales"].astype(np.float32),
                stored["bias"].astype(np.float32),
                str(stored["base"]),
                int(stored["passages"]),
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ModelInvalid(f"{name} holds no student: {error}.", _TRAIN_AGAIN) from error
    size = len(head.mean)
    if head.map.shape != (SUMS * size, size) or head.bias.shape != (size,) or not np.isfinite(head.map).all():
        raise ModelInvalid(f"{name} holds no student: its map is {head.map.shape}.", _TRAIN_AGAIN)
    return head


class TokenTable:
    """The model's vectors of single tokens, in a sparse file of the models folder: int8 and a scale for each.

    A token that the model has not been asked for has the scale 0. Processes may write it at the same time,
    because all write the same.
    """

    def __init__(self, fingerprint: str, vocabulary: int, dimension: int) -> None:
        path = models_folder() / ".students" / f"{_VERSION}-{digest_of(fingerprint)}"
        shape = (vocabulary, dimension)
        self._scales: NDArray[np.float32]
        self._codes: NDArray[np.int8]
        try:
            if not path.is_file() or path.stat().st_size != vocabulary * (4 + dimension):
                store(path, lambda work: _allocate(work, vocabulary * (4 + dimension)))
            mark_used(path)
            self._scales = np.memmap(path, np.float32, "r+", 0, (vocabulary,))
            self._codes = np.memmap(path, np.int8, "r+", 4 * vocabulary, shape)
        except OSError:  # where nothing can be written, each process asks the model again
            self._scales, self._codes = np.zeros(vocabulary, np.float32), np.zeros(shape, np.int8)

    def missing(self, tokens: Ids) -> Ids:
        """Those of `tokens` without a vector."""
        return np.asarray(tokens[self._scales[tokens] == 0], np.int64)

    def add(self, tokens: Ids, rows: Vectors) -> None:
        """Keep (n, d) rows of `tokens`."""
        scales = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-12)) / np.float32(127)
        self._codes[tokens] = np.rint(rows / scales[:, None]).astype(np.int8)
        self._scales[tokens] = scales

    def rows(self, tokens: Ids) -> Vectors:
        """The (n, d) rows of `tokens`."""
        return np.asarray(self._codes[tokens].astype(np.float32) * self._scales[tokens][:, None], np.float32)


def _allocate(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


class Student:
    """Approximate vectors of documents. `embed_tokens` is asked for tokens that were never met."""

    def __init__(
        self, head: Head, tokenizer: GemmaTokenizer, table: TokenTable, embed_tokens: EmbedTokens
    ) -> None:
        self.head = head
        self._tokenizer, self._table, self._embed_tokens = tokenizer, table, embed_tokens

    @property
    def fingerprint(self) -> str:
        """As of the head."""
        return self.head.fingerprint

    def with_head(self, head: Head) -> Student:
        """The same student with another head."""
        return Student(head, self._tokenizer, self._table, self._embed_tokens)

    def adapted(self, texts: Sequence[str], titles: Sequence[str | None], vectors: Vectors) -> Student | None:
        """The student, adapted to the (n, 768) vectors that the model gave to these documents.

        The map is changed as little as brings it near them: ridge regression of what it leaves. A tenth of
        them is held out; None where that is not explained better than before.
        """
        sums, head = self.sums(texts, titles), self.head
        inputs = np.concatenate([sums, np.ones((len(sums), 1), np.float32)], axis=1)
        left = vectors - (sums @ head.map + head.bias)
        held = np.arange(len(sums)) % HOLD_OUT_EVERY == 0
        fitted = inputs[~held]
        square = fitted @ fitted.T
        square[np.diag_indices(len(square))] += DECAY
        change = fitted.T @ np.linalg.solve(square, left[~held])
        if np.sum((left - inputs @ change)[held] ** 2) >= np.sum(left[held] ** 2):
            return None
        adapted = replace(
            head,
            map=np.asarray(head.map + change[:-1], np.float32),
            bias=np.asarray(head.bias + change[-1], np.float32),
            base=head.base or head.fingerprint,
            passages=len(texts),
        )
        # As it is kept, so that its fingerprint is that of the student which is read again.
        return self.with_head(unpack_head(adapted.packed(), "the adapted student"))

    def embed(self, texts: Sequence[str], titles: Sequence[str | None] | None = None) -> Vectors:
        """The expectations of the vectors of documents, (n, 768) float32, none longer than 1.

        Their products with the vector of a query are expected cosines. Raises what the model raises.
        """
        return self.head.apply(self.sums(texts, titles))

    def sums(self, texts: Sequence[str], titles: Sequence[str | None] | None = None) -> Vectors:
        """What `Head.apply` maps, (n, 3 · 768) float32: three sums of token vectors less their mean, each of
        unit length. All tokens alike; by weight to the power 1.5, a repeated one by the logarithm of its
        count; and by weight, those of the title and the front."""
        named = [title or NO_TITLE for title in titles] if titles else [NO_TITLE] * len(texts)
        blocks = range(0, len(texts), BLOCK)
        return np.concatenate([self._sums(texts[i : i + BLOCK], named[i : i + BLOCK]) for i in blocks])

    def _sums(self, texts: Sequence[str], titles: Sequence[str]) -> Vectors:
        names = [ids[1:-1] for ids in self._tokenizer.encode(titles, max_tokens=TITLE_LENGTH + 2).ids]
        bodies = [ids[1:-1] for ids in self._tokenizer.encode(texts, max_tokens=LENGTH + 2).ids]
        bags = [np.array([*name, *body], np.int64) for name, body in zip(names, bodies, strict=True)]
        tokens, places = np.unique(np.concatenate(bags), return_inverse=True)
        self._learn(tokens)
        rows = self._table.rows(tokens) - self.head.mean
        lengths = np.array([len(bag) for bag in bags])
        text = np.repeat(np.arange(len(bags)), lengths)
        place = np.arange(len(text)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        front = place < np.repeat([len(name) + FRONT for name in names], lengths)
        # the tokens of each text, each once, and how often it has them
        found, at, counts = np.unique(text * len(tokens) + places, return_inverse=True, return_counts=True)
        owner, own = np.divmod(found, len(tokens))
        weights = self.head.weights[tokens[own]]
        fronts = np.bincount(at[front], minlength=len(own))
        ways = np.stack([counts, (1 + np.log(counts)) * weights**1.5, fronts * weights]).astype(np.float32)
        sums = np.empty((len(bags), SUMS, rows.shape[1]), np.float32)
        begins = np.searchsorted(owner, np.arange(len(bags) + 1))
        for number, (begin, end) in enumerate(itertools.pairwise(begins.tolist())):
            np.matmul(ways[:, begin:end], rows[own[begin:end]], out=sums[number])
        sums /= np.maximum(np.linalg.norm(sums, axis=2, keepdims=True), 1e-9)
        return sums.reshape(len(bags), -1)

    def _learn(self, tokens: Ids) -> None:
        """Ask the model for the vectors of tokens that have none."""
        missing = self._table.missing(tokens)
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            self._table.add(some, self._embed_tokens(some.tolist()))


def load_student(folder: Path, embed_tokens: EmbedTokens) -> Student | None:
    """The student of the checkpoint in `folder`: its own file there, else the one that ken brings, else None.

    Raises `ModelInvalid` where the file is damaged or of another checkpoint.
    """
    checkpoint = cached_checkpoint(folder)
    own = folder / FILE
    head = read_head(own if own.is_file() else SHIPPED)
    if head.checkpoint != checkpoint.fingerprint:
        if own.is_file():
            raise ModelInvalid(f"{own} is the student of another checkpoint.", _TRAIN_AGAIN)
        return None
    shape = checkpoint.config.vocab_size, checkpoint.config.hidden_size
    if (len(head.weights), len(head.mean)) != shape:
        raise ModelInvalid(f"{own} is for a vocabulary of {len(head.weights)} tokens.", _TRAIN_AGAIN)
    table = TokenTable(checkpoint.fingerprint, *shape)
    return Student(head, GemmaTokenizer.from_folder(folder), table, embed_tokens)
