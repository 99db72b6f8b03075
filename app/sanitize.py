"""Text from files made safe to show: no control characters, no escape sequences, no hidden direction marks.

A document may hold anything, also sequences that would retitle, recolour or drive a terminal.
Everything that is shown and came from a file, a name or a message passes through here first. `plain` takes
away what is hidden, where text is only read; `visible` replaces it one for one, where positions in the text
count; `plain_path` shows every byte of a name.
"""

from __future__ import annotations

import re
import unicodedata

# ECMA-48: CSI, then OSC/DCS/SOS/PM/APC up to their terminator, then two-character escapes; 7 and 8 bit.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
# C0 and C1 without tab and newline, surrogates, zero-width and direction marks (UAX #9), line separators.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"\s+")

VISIBLE_MARK = "\N{SYMBOL FOR SUBSTITUTE FORM TWO}"
"""Stands for a character that would reorder or hide what surrounds it."""

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_TAGS = range(0xE0000, 0xE0080)
_SURROGATES = range(0xD800, 0xE000)

_TABLE: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x0C: " ",
    0x7F: "\N{SYMBOL FOR DELETE}",
    **dict.fromkeys(range(0x80, 0xA0), VISIBLE_MARK),
    **dict.fromkeys(_BIDI, VISIBLE_MARK),
    **dict.fromkeys(_TAGS, VISIBLE_MARK),
    **dict.fromkeys(_SURROGATES, "\N{REPLACEMENT CHARACTER}"),
    0x2028: " ",
    0x2029: " ",
}
_CARRIAGE_RETURN = re.compile("\r(?=\n)")
_NEEDS_CLEANING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """`text` without anything that a terminal would obey; newlines stay, tabs become blanks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub("", _SEQUENCE.sub("", lines)).replace("\t", "    ")


def plain_line(text: str) -> str:
    """The same on one line, runs of white space as one blank."""
    return _SPACES.sub(" ", plain(text)).strip()


def plain_path(path: str) -> str:
    """A path that can be shown: bytes that are not text appear as `\\xNN`, as do control characters."""
    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if _is_shown(c) else repr(c)[1:-1] for c in shown)


def _is_shown(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def visible(text: str) -> str:
    """Control, direction and tag characters shown as visible ones, one for one: positions hold."""
    if _NEEDS_CLEANING.search(text) is None:
        return text
    return _CARRIAGE_RETURN.sub(" ", text).translate(_TABLE)


def width(text: str) -> int:
    """Columns `text` takes in a terminal."""
    from rich.cells import cell_len  # 11 ms, and only needed where a person reads

    return cell_len(text)


def clip(text: str, columns: int) -> str:
    """`text` cut to `columns`, with an ellipsis where something was cut."""
    from rich.cells import set_cell_size

    if width(text) <= columns:
        return text
    return set_cell_size(text, max(0, columns - 1)).rstrip() + "…"
