"""Folders that are ken's own: homes with an index, and models. They are never walked.

Owns how such a folder is told: by the settings of this process, or by what lies in it, since another home
may lie in a folder that is kept. Indexing one would index its own log for ever.
"""

from __future__ import annotations

import os
from collections.abc import Collection

INDEX_FILE = "index.db"
APPLICATION_ID = b"ken1"
"""Bytes 68 to 72 of ken's index (https://sqlite.org/fileformat2.html#application_id)."""
MODELS_MARKS = frozenset({".compiled", ".canary"})
"""Folders that ken makes beside its models: where both are, models lie."""


def is_own(folder: str, known: Collection[str], names: Collection[str] | None = None) -> bool:
    """Whether `folder` is ken's own. `known` holds real paths; `names`, what lies in it, saves looking."""
    if known and os.path.realpath(folder) in known:
        return True
    if _holds_models(folder, names):
        return True
    return (names is None or INDEX_FILE in names) and _is_index(os.path.join(folder, INDEX_FILE))  # noqa: PTH118


def _holds_models(folder: str, names: Collection[str] | None) -> bool:
    if names is not None:
        return MODELS_MARKS.issubset(names)
    return all(os.path.isdir(os.path.join(folder, mark)) for mark in MODELS_MARKS)  # noqa: PTH112, PTH118


def _is_index(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.pread(descriptor, 4, 68) == APPLICATION_ID
    except OSError:
        return False
    finally:
        os.close(descriptor)
