"""LaTeX's way of writing letters, resolved: `M{\\"u}ller`, `Gro\\ss{}enbrode`, `{H}erring`, `Schleu\\-se`.

Owns accents, special letters and the braces inside words. Every line keeps its number. Commands stay.
"""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "v": "\u030c", "H": "\u030b", "k": "\u0328", "r": "\u030a", "u": "\u0306", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å",
    "AA": "Å", "i": "ı", "j": "ȷ", "th": "þ", "TH": "Þ", "dh": "ð", "DH": "Ð", "dj": "đ", "DJ": "Đ",
    "ng": "ŋ",
}  # fmt: skip
_ONE = r"(\\[ij](?![A-Za-z])|[A-Za-z])"
_ACCENTED = re.compile(
    rf"\\([\"'`^~=.])[ \t]*(?:\{{[ \t]*{_ONE}[ \t]*\}}|{_ONE})"
    rf"|\\([cvHkrudb])(?:[ \t]*\{{[ \t]*{_ONE}[ \t]*\}}|[ \t]+{_ONE}(?![A-Za-z]))"
)
_LETTER = re.compile(r"\\(ss|o|O|l|L|ae|AE|oe|OE|aa|AA|i|j|th|TH|dh|DH|dj|DJ|ng)(?![A-Za-z])(?:\{\}|[ \t]?)")
_SIGN = re.compile(r"\\([&%$#_{}])")
_BRACES = re.compile(
    r"(?P<command>\\[A-Za-z]+\*?(?:\[[^\[\]\n]{0,200}\])?\{)"
    r"|\{(?P<before>[^\W_]{1,40})\}(?=[^\W\d_])|(?<=[^\W\d_])\{(?P<behind>[^\W_]{1,40})\}"
)


def plain_letters(text: str) -> str:
    """The text with every letter as one character."""
    if "\\" in text:
        text = _ACCENTED.sub(_compose_accent, text)
        text = _LETTER.sub(lambda found: _LETTERS[found[1]], text)
        text = _SIGN.sub(lambda found: found[1] if found[1] not in "{}" else found.group(), text)
        text = text.replace("\\-", "")
    for _ in range(3):  # braces in braces
        text = _BRACES.sub(_drop_braces, text)
    return text


def _compose_accent(found: re.Match[str]) -> str:
    accent = found[1] or found[4]
    letter = (found[2] or found[3] or found[5] or found[6]).strip().lstrip("\\")
    return unicodedata.normalize("NFC", letter + _ACCENTS[accent])


def _drop_braces(found: re.Match[str]) -> str:
    return found["command"] or found["before"] or found["behind"]
