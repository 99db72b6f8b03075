"""Makes text from files safe to show: removes control characters, escape sequences and invisible characters.

Owns which characters are hidden and how each front replaces them. A document may contain sequences that
control a terminal, and invisible characters that reorder a line or carry a message to an assistant. All text
that is shown and comes from a file, a name or a message passes through this module. `plain` removes hidden
characters; `visible` replaces each by one character, so that positions stay; `plain_path` shows every byte of
a path, and `path_of` reverses that; `escaped` is for formats with their own escapes.

Hidden are controls (ECMA-48), marks of direction (UAX #9), and characters without a glyph (Unicode's property
Default_Ignorable_Code_Point, UAX #44), tags (U+E0000) included. Single joiners and variation selectors stay
beside characters whose shape they choose (UAX #31, 2.3; UTS #51; UTS #37): writing systems and emoji need
them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

# ECMA-48: CSI, then OSC/DCS/SOS/PM/APC up to their terminator, then two-character escapes; 7 and 8 bit.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""C0 and C1 without tab and newline, and surrogates."""
_NOTHING = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Characters without a glyph, and marks that reorder a line."""
_SYMBOLS = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINED = f"\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc\ufe0f{_SYMBOLS}"
"""Arabic, the scripts of India and beyond, Mongolian, emoji: a joiner between two chooses a shape."""
_VARIED = f"#*0-9©®\u1800-\u18af\u203c-\u214f{_SYMBOLS}\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Keycaps, symbols, emoji, ideographs, Mongolian: a selector after one chooses its shape."""
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_HIDDEN = re.compile(
    f"[{_CONTROLS}{_NOTHING}]|(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])|(?<![{_VARIED}])[{_SELECTORS}]"
)
_SPACES = re.compile(r"\s+")

VISIBLE_MARK = "\N{SYMBOL FOR SUBSTITUTE FORM TWO}"
"""Replaces a character that would reorder or hide its neighbours."""
_SHOWN: dict[str, str] = {
    **{chr(code): chr(0x2400 + code) for code in range(0x20)},
    "\x0c": " ",
    "\x7f": "\N{SYMBOL FOR DELETE}",
    "\u00ad": "-",
    **dict.fromkeys("\u200b\u2028\u2029", " "),
}
"""What `visible` shows for some hidden characters."""
_CARRIAGE_RETURN = re.compile("\r(?=\n)")
_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Blanks of other widths, which are not `isprintable`."""
_JOINERS = "\u200c\u200d"
_PATH_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([nrt]))")
"""The escapes of `plain_path`: of a byte, of a character, of a control by its letter."""
_LIKE_AN_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt])")


def plain(text: str) -> str:
    """`text` without escape sequences and hidden characters; newlines stay, tabs become blanks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub("", _SEQUENCE.sub("", lines)).replace("\t", "    ")


def plain_line(text: str) -> str:
    """The same on one line, with each run of white space as one blank."""
    return _SPACES.sub(" ", plain(text)).strip()


def visible(text: str) -> str:
    """`text` with each hidden character replaced by a visible one: positions stay."""
    return _HIDDEN.sub(lambda found: _shown(found[0]), _CARRIAGE_RETURN.sub(" ", text))


def _shown(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "\N{REPLACEMENT CHARACTER}"
    return _SHOWN.get(character, VISIBLE_MARK)


def escaped(text: str, escape: Callable[[str], str], *, keep: str = "") -> str:
    """`text` with `escape` of each hidden or unprintable character that is not in `keep`."""
    seen = _HIDDEN.sub(lambda found: escape(found[0]), text)
    if seen.isprintable():
        return seen
    return "".join(c if c.isprintable() or c in keep else escape(c) for c in seen)


def plain_path(path: str) -> str:
    """A path in a form that can be shown, without loss.

    `\\xNN` stands for a byte that is no text, `\\uNNNN` for a character that is not seen. A backslash before
    what would look like such an escape becomes one itself, so that `path_of` is exact.
    """
    return escaped(_LIKE_AN_ESCAPE.sub(r"\\x5c", path), _path_escape, keep=_BLANKS + _JOINERS)


def _path_escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return repr(character)[1:-1]
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def path_of(shown: str) -> str:
    """The path that `plain_path` shows so."""
    return os.fsdecode(_PATH_ESCAPE.sub(_unescape, os.fsencode(shown)))


def _unescape(found: re.Match[bytes]) -> bytes:
    byte, short, long, letter = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    if letter is not None:
        return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}[letter]
    code = int(short or long, 16)
    return chr(code).encode("utf-8", "surrogatepass") if code <= 0x10FFFF else found[0]


def width(text: str) -> int:
    """Columns of `text` in a terminal."""
    from rich.cells import cell_len  # its import takes 11 ms

    return cell_len(text)


def clip(text: str, columns: int) -> str:
    """`text` cut to `columns`, with an ellipsis if it was cut."""
    from rich.cells import set_cell_size

    if width(text) <= columns:
        return text
    return set_cell_size(text, max(0, columns - 1)).rstrip() + "…"
