"""Cached token counts: those of Gemma's tokenizer, at the speed of a dictionary.

Owns a cache from words to their counts. Knows nothing of the tokenizer: it wraps another token counter.

No entry of EmbeddingGemma's vocabulary goes on past a blank that follows another character (its one
exception, `> </`, can only make a count smaller), so a text cut before each run of blanks tokenises
piece by piece to the same tokens as whole, and natural text repeats its words. A word is counted as
its runs of letters of one script, digits or signs, which repeat more than words do. The few tokens
that span two runs count twice: 0.2 % too much in English, 7 % in Japanese, never too little. No entry
holds a digit beside other characters (but for a few tags, which here are several runs), so a number
counts as any other of its length, and is looked up as that many zeros.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from itertools import islice

from index.types import TokenCounter

_LETTERS = r"A-Za-z\u00c0-\u024f\u0370-\u052f"
_KANA_AND_HAN = r"\u3041-\u30ff\u3400-\u9fff"
_RUN = re.compile(
    rf"\s*(?:[{_LETTERS}]{{1,40}}|[0-9]{{1,40}}|[\u3041-\u309f]{{1,40}}|[\u30a0-\u30ff]{{1,40}}|[\u3400-\u9fff]{{1,40}}"
    rf"|[!-/:-@\[-`{{-~]{{1,40}}|[^\s\x00-\x7f{_LETTERS}{_KANA_AND_HAN}]{{1,40}}|[^\s])|\s+"
)
"""Runs have a bounded length, because the time to tokenize a run grows faster than its length."""
_WORD = re.compile(r"(?: (?! *\n))?(\s*\S+|\s+)")
"""A word with the blanks before it except one space; blanks before a line end are complete."""
_FIRST = "\0"
"""A prefix for the first word of a text, which has no space before it."""
_LONGEST_KEPT = 2000
"""Characters of a word in the cache: longer ones are seldom repeated."""
_WORDS_KEPT, _RUNS_KEPT = 40 << 20, 20 << 20
"""Bytes of cached words, and of cached runs, with their entries in a dictionary."""
_ENTRY = 100
"""Bytes of an entry in a dictionary."""
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_AT_ONCE = 256
"""Texts whose words are in memory together, to bound memory."""


class CachedTokenCounter:
    """A `TokenCounter` that calls another one only for new words; it takes at most 60 MB.

    Thread-safe if the other one is.
    """

    def __init__(self, count: TokenCounter) -> None:
        runs = _NumberCache(lambda run: count([run])[0], _RUNS_KEPT).__getitem__
        words = _NumberCache(lambda word: sum(map(runs, _RUN.findall(_as_written(word)))), _WORDS_KEPT)
        self._tokens = words.__getitem__

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the sum over its words."""
        groups = (texts[i : i + _AT_ONCE] for i in range(0, len(texts), _AT_ONCE))
        return [tokens for group in groups for tokens in self._count(group)]

    def _count(self, texts: Sequence[str]) -> list[int]:
        """Texts with single spaces only, the most common ones, are split together."""
        spaced = {i: text for i, text in enumerate(texts) if "  " in text or text.startswith(" ")}
        plain = ["" if i in spaced else text for i, text in enumerate(texts)] if spaced else texts
        words = _alike(_FIRST + f" {_FIRST}".join(plain)).replace("\n", " \n").split(" ")
        tokens = map(self._tokens, words)
        counts = [sum(islice(tokens, 1 + text.count(" ") + text.count("\n"))) for text in plain]
        for i, text in spaced.items():
            counts[i] = sum(map(self._tokens, _words(_alike(text))))
        return counts


class _NumberCache(dict[str, int]):
    """A cache of numbers; very long words are not cached."""

    def __init__(self, compute: Callable[[str], int], most: int) -> None:
        self._compute = compute
        self._room = self._most = most

    def __missing__(self, word: str) -> int:
        number = self._compute(word)
        if len(word) <= _LONGEST_KEPT:
            self._room -= sys.getsizeof(word) + _ENTRY
            if self._room < 0:
                self.clear()
                self._room = self._most
            self[word] = number
        return number


def _alike(text: str) -> str:
    """The text with one digit for all ten."""
    return text.encode("utf-8", "surrogatepass").translate(_DIGITS).decode("utf-8", "surrogatepass")


def _words(text: str) -> list[str]:
    """The words of a text, each without one space before it: most words have one, which makes splitting
    fast."""
    words = _WORD.findall(text) if "  " in text else text.replace("\n", " \n").split(" ")
    if not text.startswith(" "):
        words[0] = _FIRST + words[0]
    return words


def _as_written(word: str) -> str:
    if word.startswith(_FIRST):
        return word[1:]
    return word if word.lstrip(" ").startswith("\n") else f" {word}"
