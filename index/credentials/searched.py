"""A text in the forms in which it is searched, each made once, and the words in which nothing is found.

Owns the words, shared by all texts of a process, that hold nothing that is looked for: texts repeat
their words, and what is looked for is in few of them.
"""

from __future__ import annotations

_MOST_KEPT = 200_000
"""Words, of about 100 bytes each."""
_LONGEST_KEPT = 80
"""Characters: longer words are seldom repeated."""
_empty: set[str] = set()
"""Words that hold nothing that is looked for."""
_telling: set[str] = set()
"""Words that hold some of it."""


class Searched:
    """A text with what makes searching it quick."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.small = _small(text)
        """The text in small letters, every position where it is in the text."""
        self.words = text.split()
        """Its words, divided by blanks."""
        self.telling = list(set(self.words) - _empty)
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
        if len(_empty) + len(_telling) > _MOST_KEPT:
            _empty.clear()
            _telling.clear()
        held = self._held
        for word in set(self.telling) - _telling:
            if len(word) <= _LONGEST_KEPT:
                small = _small(word)
                (_telling if any(part in small for part in held) else _empty).add(word)


def _small(text: str) -> str:
    # U+0130 alone becomes two characters as a small letter
    return text.replace("İ", "i").lower()
