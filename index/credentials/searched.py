"""A text in the forms in which it is searched, each made once, and the words in which nothing is found.

Owns the words, shared by all texts of a process, that hold nothing that is looked for: texts repeat
their words, and what is looked for is in few of them.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, filterfalse

_MOST_KEPT = 200_000
"""Words, of about 100 bytes each."""
_LONGEST_KEPT = 80
"""Characters: longer words are seldom repeated."""
_empty: set[str] = set()
"""Words that hold nothing that is looked for."""


class Searched:
    """A text with what makes searching it quick."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.small = _small(text)
        """The text in small letters, every position where it is in the text."""
        self.words = text.split()
        """Its words, divided by blanks."""
        self.telling = list(set(filterfalse(_empty.__contains__, self.words)))
        """Each of its words, without those that are known to hold nothing."""
        self.vocabulary = _small("\n".join(self.telling))
        """The same in small letters, a line each."""
        self._held: set[str] = set()

    def holds(self, part: str) -> bool:
        """Whether `part`, which is in small letters and has no blanks, is in a word of the text."""
        if part not in self.vocabulary:
            return False
        self._held.add(part)
        return True

    def remember(self) -> None:
        """Keep which words hold nothing; for when `holds` was asked everything that is ever looked for."""
        ends = list(accumulate(len(word) + 1 for word in self.telling))
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
            word for i, word in enumerate(self.telling) if i not in holding and len(word) <= _LONGEST_KEPT
        )


def _small(text: str) -> str:
    # U+0130 alone becomes two characters as a small letter
    return text.replace("İ", "i").lower()
