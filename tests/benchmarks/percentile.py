"""The percentile that every benchmark reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def percentile(values: Sequence[float], percent: float) -> float:
    """Interpolated between the two nearest ranks; NaN of nothing."""
    return float(np.percentile(values, percent)) if values else math.nan
