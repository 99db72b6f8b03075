"""Makes text from files safe to show: what could drive a terminal or mislead the eye becomes visible.

Unlike `app.sanitize`, every replacement is one character for one character, so that positions in the text
stay true: what is marked in a preview or a snippet is marked by position. Knows nothing of widgets.
"""

from __future__ import annotations

import re

HIDDEN = "\N{SYMBOL FOR SUBSTITUTE FORM TWO}"
"""Stands for a character that would reorder or hide what surrounds it."""

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_TAGS = range(0xE0000, 0xE0080)
_SURROGATES = range(0xD800, 0xE000)

_TABLE: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x0C: " ",
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys(range(0x80, 0xA0), HIDDEN),
    **dict.fromkeys(_BIDI, HIDDEN),
    **dict.fromkeys(_TAGS, HIDDEN),
    **dict.fromkeys(_SURROGATES, "\N{REPLACEMENT CHARACTER}"),
    0x2028: " ",
    0x2029: " ",
}
_CARRIAGE_RETURN = re.compile("\r(?=\n)")
_NEEDS_CLEANING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def clean(text: str) -> str:
    """The text with control, bidirectional and tag characters shown as visible ones; same length."""
    if _NEEDS_CLEANING.search(text) is None:
        return text
    return _CARRIAGE_RETURN.sub(" ", text).translate(_TABLE)
