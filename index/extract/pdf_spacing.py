"""Words that are set with their letters apart, as the text layers of scanners and headings have them.

Owns which blanks are none. PDFium puts one between pieces of a line that are apart. Where letters inside a
piece are as far apart, no word ends there.
"""

from __future__ import annotations

import re
from statistics import median

import pypdfium2.raw as raw

from index.extract.pdf_upright import Upright

_ALONE = re.compile(r"(?<!\S)\S(?!\S)")
_LEAST_ALONE = 0.2
"""Letters alone, of the blanks of a line: fewer are words."""
_APART = re.compile(r"(?<!\S)(?:[^\W\d_] ){3,}[^\W\d_](?!\S)")
"""Letters alone, so many together that they are words."""
_WORDS_APART = 2.0
"""How many times wider a blank between such words is. Capitals with equal blanks may be a list of letters."""
_LEAST_GAP = 0.05
"""Of the height of the font: letters that are nearer are not set apart."""
_AS_WIDE = 1.3


def join_letters(handle: raw.FPDF_TEXTPAGE, upright: Upright, first: int, words: str, height: float) -> str:
    """A part of a line, whose characters begin with number `first`, without the blanks inside its words."""
    alone = len(_ALONE.findall(words))
    if alone < max(1, _LEAST_ALONE * words.count(" ")):
        return words
    made = [
        i
        for i in range(1, len(words) - 1)
        if words[i] == " " and raw.FPDFText_IsGenerated(handle, first + i) == 1
    ]
    gaps = {i: _gap(handle, upright, first + i - 1, first + i + 1) for i in made}
    usual = {i: _gap(handle, upright, first + i - 2, first + i - 1) for i in made if _follows_two(words, i)}
    for row in _APART.finditer(words):
        apart = {i: gaps[i] for i in made if row.start() < i < row.end()}
        if apart and (row.group()[2:].islower() or max(apart.values()) >= _WORDS_APART * min(apart.values())):
            usual |= dict.fromkeys(apart, min(apart.values()))
    others = median(usual.values()) if len(usual) > 1 else 0.0
    least = _LEAST_GAP * height
    dropped = {i for i in made if least < gaps[i] <= _AS_WIDE * usual.get(i, others)}
    return "".join(c for i, c in enumerate(words) if i not in dropped)


def _follows_two(words: str, at: int) -> bool:
    """Whether two letters of one piece are before a blank."""
    return at > 1 and words[at - 2] != " "


def _gap(handle: raw.FPDF_TEXTPAGE, upright: Upright, before: int, after: int) -> float:
    """Points from the end of one character to the beginning of another."""
    return upright.edges(handle, after)[0] - upright.edges(handle, before)[1]
