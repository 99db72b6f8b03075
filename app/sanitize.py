"""Text from files made safe to show: no control characters, no escape sequences, no hidden direction marks.

A document may hold anything, also sequences that would retitle, recolour or drive a terminal.
Everything that is shown and came from a file, a name or a message passes through here first.
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
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
_SPACES = re.compile(r"\s+")


def plain(text: str) -> str:
    """`text` without anything that a terminal would obey; newlines stay, tabs become blanks."""
    return _HIDDEN.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n"))).replace("\t", "    ")


def plain_line(text: str) -> str:
    """The same on one line, runs of white space as one blank."""
    return _SPACES.sub(" ", plain(text)).strip()


def plain_path(path: str) -> str:
    """A path that can be shown: bytes that are not text appear as `\\xNN`, as do control characters."""
    shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if _is_shown(c) else repr(c)[1:-1] for c in shown)


def _is_shown(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


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
