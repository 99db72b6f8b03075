"""What a reading process needs to count tokens, and nothing else: such processes start all the time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embedder.tokenizer import GemmaTokenizer
from index.passages.token_counter import CachedTokenCounter


class TokenCounterOf:
    """A model folder's token counts, without its engine. `models` is where its tables are kept."""

    def __init__(self, folder: Path, models: Path) -> None:
        self._count = CachedTokenCounter(GemmaTokenizer.from_folder(folder, models=models).count)

    def __call__(self, texts: Sequence[str]) -> list[int]:
        return self._count(texts)
