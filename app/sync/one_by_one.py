"""Limits a failure to the file that causes it; a failure of the machine stops the work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from embedder.errors import EmbedderError
from index.errors import IndexBusy, IndexCorrupt, IndexFull, IndexNewer, IndexUnreachable

log = logging.getLogger(__name__)

T = TypeVar("T")

MACHINE_ERRORS = (IndexBusy, IndexCorrupt, IndexFull, IndexNewer, IndexUnreachable, EmbedderError)
"""Errors that every other file would meet too: a full disk, a lock, a damaged index, no model."""


def do_all(do: Callable[[Sequence[T]], object], items: Sequence[T]) -> list[tuple[T, Exception]]:
    """Call `do` with all items, or if that fails with each; returns the items that fail, and why.

    `do` has to be atomic. Raises `MACHINE_ERRORS`.
    """
    if not items:
        return []
    try:
        do(items)
    except MACHINE_ERRORS:
        raise
    except Exception as error:
        if len(items) == 1:
            log.exception("%r could not be stored", items[0])
            return [(items[0], error)]
        return [failure for item in items for failure in do_all(do, [item])]
    return []
