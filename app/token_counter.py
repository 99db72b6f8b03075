"""Token counts for reader processes. Imports nothing else, because such processes start often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from index.passages.token_counter import CachedTokenCounter

ASCII_LETTERS_PER_TOKEN = 4
OTHER_LETTERS_PER_TOKEN = 3
"""English words have about 5 letters a token and German ones 4; words of Greek, Cyrillic, Arabic or Indic
letters have 3, and 2 in the scripts that are rarest. Chinese, Japanese and Korean count a token a letter."""
ALPHABETS_END = 0x2E80
"""The first code point of the scripts of East Asia."""


class TokenCounterOf:
    """Counts tokens with a model's tokenizer, without its engine. `models` is the folder of the tables."""

    def __init__(self, folder: Path, models: Path) -> None:
        from embedder.tokenizer import GemmaTokenizer

        self._count = CachedTokenCounter(GemmaTokenizer.from_folder(folder, models=models).count)

    def __call__(self, texts: Sequence[str]) -> list[int]:
        return self._count(texts)


def estimating_counter() -> Callable[[Sequence[str]], list[int]]:
    """Estimates token counts without a tokenizer, rather too high than too low. Passages that are cut without
    a model stay as they are when it is installed."""
    return CachedTokenCounter(_estimates)


def _estimates(texts: Sequence[str]) -> list[int]:
    return [_estimate(text.strip()) or 1 for text in texts]


def _estimate(run: str) -> int:
    """Tokens of a run of letters of one script, of digits or of signs. Gemma has one token a digit."""
    if run.isascii():
        return -(-len(run) // ASCII_LETTERS_PER_TOKEN) if run.isalpha() else len(run)
    return -(-len(run) // OTHER_LETTERS_PER_TOKEN) if ord(run[0]) < ALPHABETS_END else len(run)
