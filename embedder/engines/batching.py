"""Batches: texts of similar length, with little padding and a bounded number of tokens.

Owns only the arithmetic of lengths; knows nothing of tokens or engines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedder.engines.base import MAX_PADDING, Ids


def plan_batches(lengths: Sequence[int], budget: int, most_padding: float = MAX_PADDING) -> list[list[int]]:
    """Indices into `lengths` (tokens of each text) as batches, longest text first.

    `budget` is the most tokens of a batch, with padding; a longer text is a batch by itself.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches: list[list[int]] = []
    for index in order:
        batch = batches[-1] if batches else []
        longest = lengths[batch[0]] if batch else 0
        fits = (len(batch) + 1) * longest <= budget and lengths[index] >= longest * (1 - most_padding)
        if batch and fits:
            batch.append(index)
        else:
            batches.append([index])
    return batches


def pad(ids: Ids, multiple: int = 1) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ids as (texts, longest rounded up to `multiple`), padded with 0, and their lengths (texts,)."""
    lengths = np.array([len(text) for text in ids], dtype=np.int32)
    tokens = np.zeros((len(ids), -(-int(lengths.max()) // multiple) * multiple), dtype=np.int32)
    for row, text in enumerate(ids):
        tokens[row, : len(text)] = text
    return tokens, lengths
