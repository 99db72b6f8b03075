"""A text in the forms that the detectors search, each made once, and a cache of words without a match.

Owns that cache, shared by all texts of a process: texts repeat their words, and few words hold a needle of a
detector, so most words need to be searched once only.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, filterfalse

_MOST_KEPT = 200_000
"""Words in the cache, of about 100 bytes each: 20 MB at most."""
_LONGEST_KEPT = 80
"""Characters of a word in the cache: longer words are seldom repeated."""
_empty: set[str] = set()
"""Words that hold no needle."""


class SearchText:
    """A text in the forms that make searching it fast."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lowercase = _lowercase(text)
        """The text in lower case; every position is the same as in `text`."""
        self.words = text.split()
        """Its words, split at blanks."""
        self.unknown_words = list(set(filterfalse(_empty.__contains__, self.words)))
        """Its distinct words, without those in the cache of words without a needle."""
        self.vocabulary = _lowercase("\n".join(self.unknown_words))
        """The unknown words in lower case, one on each line."""
        self._held: set[str] = set()

    def contains(self, part: str) -> bool:
        """Whether a word of the text contains `part`, which is in lower case and has no blanks."""
        if part not in self.vocabulary:
            return False
        self._held.add(part)
        return True

    def remember_empty_words(self) -> None:
        """Add the words without a needle to the cache. Call it after every needle was passed to
        `contains`."""
        ends = list(accumulate(len(word) + 1 for word in self.unknown_words))
        holding: set[int] = set()
        for part in self._held:
            at = self.vocabulary.find(part)
            while at >= 0:
                line = bisect_right(ends, at)
                holding.add(line)
                at = self.vocabulary.find(part, ends[line])
        if len(_empty) > _MOST_KEPT:
            _empty.clear()
        _empty.update(
            word
            for i, word in enumerate(self.unknown_words)
            if i not in holding and len(word) <= _LONGEST_KEPT
        )


def _lowercase(text: str) -> str:
    # U+0130 alone becomes two characters as a small letter
    return text.replace("İ", "i").lower()
