"""The form in which words are compared, so that a typed word equals the same word in a file.

Owns the characters that are ignored (soft hyphens, joiners, vowel marks), letters with a stroke or a hook,
and signs that are words (`C#`, `C++`, emoji). Knows no index. A change here must increase `FORM`: the words
of an index with an older form are built again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

FORM = 2
"""Version of the form. Release 0.1.0 had 1, which only folded compatibility forms."""

_CHANGE_NOTHING = (
    "\u00ad\u034f\u061c\u0640\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    "\u06e7\u06e8\u06ea-\u06ed\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0100-\U000e01ef"
)
"""Hyphens, joiners, marks of direction, tatweel, vowel marks of Hebrew and Arabic, variants of a sign."""
_LETTERS = {
    "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ı": "i", "ß": "ss",
    "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH", "ð": "d", "Ð": "D",
    "ς": "σ", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه",
}  # fmt: skip
"""Letters that Unicode does not decompose, and letters with two forms on the keyboards of one script."""
_SHARP_OR_PLUS = re.compile(r"(?<![^\W_])([^\W\d_][\w-]{0,20}?)(\+\+(?![+#A-Za-z_])|#(?![\w#+]))")
_AS_LETTERS = str.maketrans({"#": "\ue023", "+": "\ue02b"})
"""Characters for private use, which the tokenizer of FTS5 is configured to treat as letters."""
_EMOJI = "\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
_IS_EMOJI = re.compile(f"[{_EMOJI}]")
_FOLDED = re.compile(f"[{_CHANGE_NOTHING}{''.join(_LETTERS)}{_EMOJI}]")
"""All of these characters in one class: a text is searched once."""
_SIGN = "\ue000"
_CLUSTER = re.compile(
    "[\u1100-\u11ff]+|[^\x00-\x7f][\u0300-\u036f\u3099\u309a]*|[\x00-\x7f][\u0300-\u036f\u3099\u309a]+"
)
"""Characters that are folded together: a base with its marks, a run of Korean letters. ASCII alone is
unchanged."""


def fold(text: str) -> str:
    """The text in the form in which words are compared."""
    text = _letters(text)
    return _SHARP_OR_PLUS.sub(_named_language, text) if "#" in text or "++" in text else text


def casefolded(*values: Any) -> str:
    """A name without its case and its way of writing accents: SQLite's `lower` knows ASCII only.

    Bytes that are not UTF-8 become replacement characters.
    """
    value = values[0] or ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _letters(text: str) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    return _FOLDED.sub(_fold_character, text)


def _fold_character(found: re.Match[str]) -> str:
    character = found.group()
    if (letter := _LETTERS.get(character)) is not None:
        return letter
    return f" {_SIGN}{ord(character):x} " if _IS_EMOJI.match(character) else ""


def _named_language(found: re.Match[str]) -> str:
    """`C#` becomes the word `C` followed by a separate word."""
    return f"{found[1]} {found[1]}{found[2].translate(_AS_LETTERS)} "


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text with the origin of each of its characters."""

    text: str
    origins: tuple[int, ...] | None
    """The position of each character in the original text, and its end; None where nothing moved."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that is folded to `text[start:end]`."""
        if self.origins is None:
            return start, end
        return self.origins[start], max(self.origins[end - 1] + 1, self.origins[start])


def fold_with_origins(text: str) -> Folded:
    """As `fold`, with the origins; for short texts."""
    if fold(text) == text:
        return Folded(text, None)
    letters, origins = _replace_matches(
        text, _CLUSTER, lambda found: _letters(found.group()), range(len(text))
    )
    folded, origins = _replace_matches(letters, _SHARP_OR_PLUS, _named_language, origins)
    return Folded(folded, (*origins, len(text)))


def _replace_matches(
    text: str, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str], origins: Sequence[int]
) -> tuple[str, Sequence[int]]:
    """The text with every match replaced, and the origin of each of its characters."""
    parts: list[str] = []
    moved: list[int] = []
    at = 0
    for found in pattern.finditer(text):
        start, end = found.span()
        parts += (text[at:start], new(found))
        moved += origins[at:start]
        moved += [origins[min(start + i, end - 1)] for i in range(len(parts[-1]))]
        at = end
    return "".join([*parts, text[at:]]), [*moved, *origins[at:]]
