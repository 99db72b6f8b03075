"""Two lists to one: a convex combination of meaning and words, weighted by the question's evidence.

Follows Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval" (arXiv 2210.11934): a
convex combination of normalised scores rather than ranks. Knows nothing of where scores come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fused:
    """Scores of the candidates in 0..1, and the share of the words in them."""

    scores: Floats
    alpha: float


def fuse(cosines: Floats, words: Floats) -> Fused:
    """Combine (n,) cosines and (n,) lexical parts in 0..1 of the same candidates."""
    alpha = 0.25
    low, high = float(cosines.min(initial=1)), float(cosines.max(initial=0))
    scaled = (cosines - low) / max(high - low, 1e-6)
    return Fused(np.asarray((1 - alpha) * scaled + alpha * words, np.float32), alpha)
