"""Folders that belong to ken: homes with an index, and models. They are never walked.

Owns how such a folder is recognized: by the settings of this process, or by its content, since the home of
another ken can be under a root. Indexing a home would index its log, which changes with each file indexed.
"""

from __future__ import annotations

import os
from collections.abc import Collection

INDEX_FILE = "index.db"
APPLICATION_ID = b"ken1"
"""Bytes 68 to 72 of ken's index (https://sqlite.org/fileformat2.html#application_id)."""
_CACHES = (".tokenizers", ".compiled")
_SELF_TESTS = (".self_test", ".canary")
"""Folders that ken creates beside its models (`.canary`: release 0.1.0). A folder with one of each holds
models."""


def is_kens_folder(folder: str, known: Collection[str], names: Collection[str] | None = None) -> bool:
    """Whether `folder` belongs to ken. `known` are real paths of own folders; `names`, the names in `folder`
    where the caller has listed it, saves system calls."""
    if known and os.path.realpath(folder) in known:
        return True
    if _holds_models(folder, names):
        return True
    return (names is None or INDEX_FILE in names) and _is_index(os.path.join(folder, INDEX_FILE))  # noqa: PTH118


def _holds_models(folder: str, names: Collection[str] | None) -> bool:
    def has(name: str) -> bool:
        return os.path.isdir(os.path.join(folder, name)) if names is None else name in names  # noqa: PTH112, PTH118

    return any(map(has, _CACHES)) and any(map(has, _SELF_TESTS))


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
