"""Records, passages and vectors for tests of the index: equal texts have equal vectors."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from index.store.store import Store
from index.types import FileRecord, Passage


def record(path: str) -> FileRecord:
    return FileRecord(path, inode=1, size=10, mtime_ns=5, hash=b"h", kind="markdown", title="T")


def passage(text: str, line: int = 1, heading: tuple[str, ...] = ()) -> Passage:
    return Passage(text, 0, len(text), line, "T", heading)


def embed(text: str) -> NDArray[np.float32]:
    """A unit vector of a text's own."""
    seed = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).digest())
    row = np.random.default_rng(seed).normal(size=768).astype(np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def embed_all(store: Store) -> None:
    """Give every waiting text its vector."""
    while waiting := store.pending(500):
        store.put_vectors([one.id for one in waiting], np.stack([embed(one.text) for one in waiting]))
