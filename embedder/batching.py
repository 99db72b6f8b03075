"""Which texts are computed together: like length beside like, none padded far, never too many at once.

Owns only the arithmetic of lengths; knows nothing of tokens or engines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def plan(lengths: Sequence[int], budget: int, slack: float = 0.1) -> list[list[int]]:
    """Places of `lengths` in batches, longest first.

    `budget` is the tokens of a batch, padding counted; a longer text stands alone. No text is padded by more
    than `slack` of the longest beside it.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    batches: list[list[int]] = []
    for place in order:
        batch = batches[-1] if batches else []
        longest = lengths[batch[0]] if batch else 0
        fits = (len(batch) + 1) * longest <= budget and lengths[place] >= longest * (1 - slack)
        if batch and fits:
            batch.append(place)
        else:
            batches.append([place])
    return batches


def padded(ids: Sequence[Sequence[int]], multiple: int = 1) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Ids as one array (texts, longest rounded up to `multiple`), padded with 0, and their lengths."""
    lengths = np.array([len(text) for text in ids], dtype=np.int32)
    tokens = np.zeros((len(ids), -(-int(lengths.max()) // multiple) * multiple), dtype=np.int32)
    for row, text in enumerate(ids):
        tokens[row, : len(text)] = text
    return tokens, lengths
