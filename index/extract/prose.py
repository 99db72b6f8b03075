"""Whether a string among data is language: sentences, and names that people give.

Owns the measure that JSON, XML, YAML and their like share. Letters with marks are letters, and scripts
without blanks need no words.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LEAST_UNSPACED = 4
"""Characters of scripts without blanks, each a word or a part of one."""
_MARKS = re.compile(r"[^\x00-\x7f\w\s\u2000-\u206f\u3000-\u303f\uff00-\uff65]")
"""Combining marks, which `\\w` leaves out, and signs; no punctuation."""
_NO_NAME = re.compile(
    r"(?i:[a-z][a-z0-9+.-]*://|[\w.+-]+@|\S*[\\/]\S*\Z|[#.$@]?[\w.:+/=-]*\d[\w.:+/=-]*\Z"
    r"|(?:true|false|null|none|yes|no)\Z)|[a-z]+(?:[_-][a-z0-9]+)+\Z|\w*[a-z][A-Z]\w*\Z"
)
"""An address, a path, an identifier, a number with its unit, a word of programs."""
_LEAST_WORDS = 4


def is_prose(text: str) -> bool:
    """Whether a text has words enough to say something."""
    if not text.isascii():
        if len(_UNSPACED.findall(text)) >= _LEAST_UNSPACED:
            return True
        text = _MARKS.sub("", text)
    if text.count(" ") < _LEAST_WORDS - 1:
        return False  # an address has words too
    found = _WORD.findall(text)
    letters = sum(map(len, found))
    return len(found) >= _LEAST_WORDS and letters >= 0.5 * len(text.replace(" ", ""))


def is_short_prose(text: str) -> bool:
    """Whether a short text reads like language: a name, a title, a word or two."""
    return (
        len(text) <= 200 and _NO_NAME.match(text) is None and _WORD.search(_MARKS.sub("", text)) is not None
    )


def prose_in(text: str) -> int:
    """Characters of the lines of a text that are prose, about."""
    return sum(len(line) for line in text.split("\n") if is_prose(line))
