"""The student: one vector for each token, and the vectors that a table of them gives to texts.

Owns the table's form, (tokens, 768), with the weight of a token in the length of its row; knows nothing of
training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.checkpoints.atomic import new_file
from embedder.embedder import Embedder

Floats = NDArray[np.float32]
LENGTH = 256
"""Tokens of a text that are read."""


@dataclass(frozen=True, slots=True)
class Student:
    """Ids of tokens, ascending, and the row of each in `table`, (tokens, 768) float32."""

    tokens: NDArray[np.int64]
    table: Floats

    def embed(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Unit vectors of texts given as token ids, (texts, 768): the sum of the rows, normalized.

        A token that is not in the table counts nothing; a text without any other gets zeros.
        """
        sums = np.stack([self.table[self.places(text)].sum(axis=0) for text in texts])
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), np.float32)

    def places(self, text: Sequence[int]) -> NDArray[np.int64]:
        """The rows of a text's first tokens, without those that are not in the table."""
        wanted = np.asarray(text[:LENGTH], np.int64)
        rows = np.minimum(np.searchsorted(self.tokens, wanted), len(self.tokens) - 1)
        return np.asarray(rows[self.tokens[rows] == wanted], np.int64)

    def save(self, path: Path) -> None:
        """Write both arrays to `path`, at once."""
        with new_file(path) as work, work.open("wb") as file:
            np.savez(file, tokens=self.tokens, table=self.table)


def untrained(model: Embedder, texts: Sequence[Sequence[int]]) -> Student:
    """Each token of `texts` with the model's vector of it alone, as long as its inverse document frequency.

    What all tokens have in common, the mean, is subtracted.
    """
    tokens, counts = np.unique(
        np.concatenate([np.unique(np.asarray(text[:LENGTH], np.int64)) for text in texts]),
        return_counts=True,
    )
    idf = np.log((1 + len(texts)) / counts).astype(np.float32)
    alone = model.embed_tokens(tokens.tolist())
    return Student(tokens, (alone - alone.mean(axis=0)) * idf[:, None])
