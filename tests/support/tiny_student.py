"""A tiny model with a student, and a `ken` that ends before its model has read anything."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny_model import make_tiny_checkpoint

from app.model import Model
from embedder.checkpoints.checkpoint import cached_checkpoint
from embedder.student import FILE, SUMS, Head
from index.store import approximate

SIZE = 768


def make_models(folder: Path) -> Path:
    """A models folder whose default model is tiny and has a student; returns the model's folder."""
    return save_student(make_tiny_checkpoint(folder / "embeddinggemma-300m"), 0.8)


def save_student(model: Path, length: float) -> Path:
    """Let the vectors of a model's student be the last of its sums, in this length."""
    known = cached_checkpoint(model)
    ones, zeros = np.ones(known.config.vocab_size, np.float32), np.zeros(SIZE, np.float32)
    last = np.vstack([np.zeros(((SUMS - 1) * SIZE, SIZE)), length * np.eye(SIZE)]).astype(np.float32)
    head = Head(known.fingerprint, ones, zeros, last, zeros)
    head.save(model / FILE)
    return model


class Held:
    """A model that embeds no document until it may, but the first `batches`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, batches: int = 0) -> None:
        self.may = threading.Event()
        self.batches: list[list[str]] = []
        """In the order in which they were given to the model."""
        embed = Model.embed_documents

        def wait(model: Model, texts: Sequence[str], titles: Sequence[str | None] | None = None) -> object:
            self.batches.append(list(texts))
            assert len(self.batches) <= batches or self.may.wait(120)
            return embed(model, texts, titles)

        monkeypatch.setattr(Model, "embed_documents", wait)


def main() -> None:
    """`ken` with a model that reads nothing; it ends as by `kill -9` once approximate vectors are stored."""
    from app.cli import main as ken

    put = approximate.put

    def put_and_end(*given: Any) -> None:
        put(*given)
        os._exit(9)

    Model.embed_documents = lambda *given: threading.Event().wait()  # type: ignore[method-assign]
    approximate.put = put_and_end
    ken()
