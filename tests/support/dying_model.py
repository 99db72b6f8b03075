"""A model's process in which the engine crashes at one text and fails at another; started by tests alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

CRASHES = "crashes the engine"
FAILS = "fails in the engine"
START = "from support.dying_model import main; main()"
"""Instead of `app.daemon.model_process.START`."""


def main() -> None:
    from app.daemon import model_process
    from embedder import Embedder

    embed = Embedder.embed_documents

    def embed_or_die(self: Embedder, texts: Sequence[str], *arguments: Any, **options: Any) -> Any:
        if any(CRASHES in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        if any(FAILS in text for text in texts):
            raise RuntimeError("no such instruction")
        return embed(self, texts, *arguments, **options)

    Embedder.embed_documents = embed_or_die  # type: ignore[method-assign]
    model_process.main()
