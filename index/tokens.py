"""Token counts word by word: exact for Gemma's vocabulary, at the speed of a dictionary.

Owns a cache from a word to its count. Knows nothing of the tokenizer behind it: a counter comes in
and a counter comes out.

No entry of EmbeddingGemma's vocabulary goes on past a blank that follows another character (its one
exception, `> </`, can only make a count smaller), so a text cut before each run of blanks tokenises
piece by piece to the same tokens as whole, and natural text repeats its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from threading import Lock

from index.types import TokenCounter

_PIECE = re.compile(r"\s*\S+|\s+")
_LONGEST_KEPT = 40
_LONGEST_PIECE = 400
_MOST_KEPT = 300_000


class WordCounter:
    """A `TokenCounter` that asks another one only for words it has not met; at most about 60 MB.

    Thread-safe. A word of more than 400 characters is counted in parts, because tokenising one word
    takes time that grows faster than its length.
    """

    def __init__(self, count: TokenCounter) -> None:
        self._count = count
        self._known: dict[str, int] = {}
        self._lock = Lock()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the sum over its words."""
        pieces = [_PIECE.findall(text) for text in texts]
        with self._lock:
            if len(self._known) > _MOST_KEPT:
                self._known.clear()
            new = set().union(*pieces).difference(self._known)
            if new:
                self._known.update(self._ask(list(new)))
            totals = [sum(map(self._known.__getitem__, words)) for words in pieces]
            for word in new:
                if len(word) > _LONGEST_KEPT:
                    del self._known[word]
        return totals

    def _ask(self, words: list[str]) -> dict[str, int]:
        parts = [_parts(word) for word in words]
        counts = iter(self._count([part for several in parts for part in several]))
        return {word: sum(next(counts) for _ in several) for word, several in zip(words, parts, strict=True)}


def _parts(word: str) -> list[str]:
    if len(word) <= _LONGEST_PIECE:
        return [word]
    return [word[i : i + _LONGEST_PIECE] for i in range(0, len(word), _LONGEST_PIECE)]
