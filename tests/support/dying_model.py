"""A model's process that goes wrong at certain texts, each in its own way; started by tests alone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

CRASHES = "crashes the engine"
FAILS = "fails in the engine"
HANGS = "hangs the engine"
FEWER = "gives fewer vectors than texts"
NAN = "gives what is no number"
CLOSES = "closes the channel"
NONSENSE = "answers nonsense"
PROCESS = (CRASHES, HANGS, CLOSES, NONSENSE)
"""Texts at which the process as a whole goes wrong."""
START = "from support.dying_model import main; main()"
"""Instead of `app.model_process.process.START`."""


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let model processes be of this kind from now on."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setattr("app.model_process.process.START", START)


def main() -> None:
    import numpy as np

    from app.model_process import serve
    from embedder import Embedder

    embed = Embedder._embed
    channel = int(sys.argv[1])

    def embed_or_go_wrong(self: Embedder, texts: Sequence[str], *arguments: Any, **options: Any) -> Any:
        said = " ".join(texts)
        if CRASHES in said:
            os.kill(os.getpid(), signal.SIGKILL)
        if HANGS in said:
            os.kill(os.getpid(), signal.SIGSTOP)
        if FAILS in said:
            raise RuntimeError("no such instruction")
        if CLOSES in said:
            os.close(channel)
        if NONSENSE in said:
            os.write(channel, b"\x00\x00\x00\x05hello")
        embedded = embed(self, texts, *arguments, **options)
        if FEWER in said:
            return replace(embedded, vectors=embedded.vectors[:-1])
        if NAN in said:
            return replace(embedded, vectors=embedded.vectors * np.float32("nan"))
        return embedded

    Embedder._embed = embed_or_go_wrong  # type: ignore[method-assign]
    serve.main()
