"""Whether anything in the index is close to a question at all."""

from __future__ import annotations

import math

import numpy as np

from index.ranking import Ranked

WORDS = 0.5
CLOSE = 0.36
STEEPNESS = 20.0


def confidence(ranked: Ranked) -> float:
    """How sure, 0..1, that the best candidate is about the question; 0.5 is the line."""
    if not len(ranked.ids):
        return 0.0
    if np.isnan(ranked.cosines).all():
        return float(np.nan_to_num(ranked.words).max() ** 0.5)
    best = float(np.max(np.nan_to_num(ranked.cosines) + WORDS * np.nan_to_num(ranked.words)))
    return 1 / (1 + math.exp(-STEEPNESS * (best - CLOSE)))
