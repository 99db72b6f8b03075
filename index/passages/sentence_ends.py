"""The pattern of the end of a sentence, for showing single sentences of a text.

The chunker has a pattern of its own (`segments`): it must not change, since it decides where passages begin.
"""

from __future__ import annotations

_BEFORE_NUMBERS = (
    "no", "nos", "nr", "fig", "figs", "abb", "tab", "eq", "vol", "bd", "ch", "chap", "cap", "kap", "sec",
    "art", "p", "pp", "s", "ex", "pl", "fol", "ca", "approx", "pág", "núm", "рис", "табл", "стр", "гл",
)  # fmt: skip
_NUMBERED = "|".join(rf"(?<=\b[{word[0].upper()}{word[0]}]{word[1:]}\.)" for word in _BEFORE_NUMBERS)
_NUMBER = r"\s*(?:\d|[IVXLC]{2,}\b|[VX]\b)"
SENTENCE_END = rf"(?<=[.!?。！？…])(?!(?:{_NUMBERED}){_NUMBER})[\"'”’)\]]*\s+|(?<=[。！？])"
"""White space after a full stop, with closing marks between them; a full-width stop needs no white space.

The stop of an abbreviation before a number (No. 3, Fig. 2, vol. IV) ends no sentence.
"""
