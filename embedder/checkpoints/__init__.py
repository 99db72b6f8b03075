"""Checkpoints: their sources, the layout of their files, verification and conversion.

Knows nothing of engines: a checkpoint is files, names, shapes and numbers.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""The one progress callback of this package: called with the amount done and the amount in all.

The unit is bytes, except in `convert.convert`, which counts weights.
"""


def no_progress(done: int, total: int) -> None:
    """The progress callback of a caller that shows none."""
