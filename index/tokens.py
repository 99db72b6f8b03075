"""Token counts word by word: Gemma's own, at the speed of a dictionary.

Owns a cache from a word to its count. Knows nothing of the tokenizer behind it: a counter comes in
and a counter comes out.

No entry of EmbeddingGemma's vocabulary goes on past a blank that follows another character (its one
exception, `> </`, can only make a count smaller), so a text cut before each run of blanks tokenises
piece by piece to the same tokens as whole, and natural text repeats its words. Where blanks are rare
(links, Japanese, Chinese, encoded data) the pieces are runs of one script, which also repeat; a token
that spans two runs is then counted as two, so that a count is never too small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from threading import Lock

from index.types import TokenCounter

_WORD = re.compile(r"\s*\S+|\s+")
_LONGEST_WHOLE = 24
"""Characters of a word that is counted whole; longer ones are counted by their runs."""
_RUN = re.compile(
    r"\s+|[A-Za-z]{1,24}|[0-9]{1,24}|[\u3041-\u309f]{1,24}|[\u30a0-\u30ff]{1,24}|[\u3400-\u9fff]{1,24}"
    r"|[^\sA-Za-z0-9\u3041-\u30ff\u3400-\u9fff]{1,24}"
)
_MOST_KEPT = 300_000


class WordCounter:
    """A `TokenCounter` that asks another one only for words it has not met; at most about 60 MB.

    Thread-safe.
    """

    def __init__(self, count: TokenCounter) -> None:
        self._count = count
        self._known: dict[str, int] = {}
        self._lock = Lock()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the sum over its words."""
        pieces = [_WORD.findall(text) for text in texts]
        known = self._known
        try:
            return [sum(map(known.__getitem__, words)) for words in pieces]
        except KeyError:
            counts = self._learned(set().union(*pieces).difference(known))
        return [sum(counts[word] if word in counts else known[word] for word in words) for words in pieces]

    def _learned(self, words: Iterable[str]) -> dict[str, int]:
        """The counts of `words`; whole words and runs are remembered, words made of runs are not."""
        runs = {word: _RUN.findall(word) if len(word) > _LONGEST_WHOLE else [word] for word in words}
        with self._lock:
            new = list(set().union(*runs.values()).difference(self._known))
            counts = dict(zip(new, self._count(new), strict=True))
            known = self._known
            found = {
                word: sum(counts[run] if run in counts else known[run] for run in parts)
                for word, parts in runs.items()
            }
            if len(known) > _MOST_KEPT:
                self._known = counts
            else:
                known.update(counts)
        return found
