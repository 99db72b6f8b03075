"""What one file makes fail is that file's failure; what the machine makes fail stops the work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from embedder.errors import EmbedderError
from index.errors import IndexBusy, IndexCorrupt, IndexFull, IndexNewer, IndexUnreachable

log = logging.getLogger(__name__)

T = TypeVar("T")

MACHINE_ERRORS = (IndexBusy, IndexCorrupt, IndexFull, IndexNewer, IndexUnreachable, EmbedderError)
"""They would meet every other file too: a full disk, a lock, a damaged index, no model."""


def do_all(do: Callable[[Sequence[T]], object], items: Sequence[T]) -> list[tuple[T, Exception]]:
    """`do` with all items at once, or one by one where that fails; returns those that fail alone, and why.

    `do` happens as a whole or not at all. Raises the errors of the machine.
    """
    if not items:
        return []
    try:
        do(items)
    except MACHINE_ERRORS:
        raise
    except Exception as error:
        if len(items) == 1:
            log.exception("%r could not be taken in", items[0])
            return [(items[0], error)]
        return [failure for item in items for failure in do_all(do, [item])]
    return []
