"""What terminals send for keys, as their manuals and terminfo entries have it, by the names that ken uses.

`XTERM` is what most send (Terminal.app, iTerm2, Ghostty, WezTerm, Alacritty, gnome-terminal, Windows Terminal
over ssh). The others differ from it where their entry says so; a key that a terminal keeps to itself, or that
types a character, has no bytes there.

Sources: ctlseqs of xterm (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html), terminfo of tmux-256color
and linux, https://sw.kovidgoyal.net/kitty/keyboard-protocol/, Terminal.app's keyboard settings.
"""

from __future__ import annotations

import string

ESC = b"\x1b"
Keys = dict[str, bytes | None]

_NAMED: Keys = {
    "enter": b"\r", "tab": b"\t", "shift+tab": b"\x1b[Z", "escape": b"\x1b", "backspace": b"\x7f",
    "delete": b"\x1b[3~", "up": b"\x1b[A", "down": b"\x1b[B", "right": b"\x1b[C", "left": b"\x1b[D",
    "home": b"\x1b[H", "end": b"\x1b[F", "pageup": b"\x1b[5~", "pagedown": b"\x1b[6~",
    "f1": b"\x1bOP", "f2": b"\x1bOQ", "f3": b"\x1bOR", "f4": b"\x1bOS", "f5": b"\x1b[15~", "f6": b"\x1b[17~",
    "f7": b"\x1b[18~", "f8": b"\x1b[19~", "f9": b"\x1b[20~",
}  # fmt: skip
_MODIFIED: Keys = {
    f"{held}{name}": f"\x1b[1;{number}{final}".encode()
    for held, number in (("shift+", 2), ("alt+", 3), ("ctrl+", 5))
    for name, final in (
        ("up", "A"),
        ("down", "B"),
        ("right", "C"),
        ("left", "D"),
        ("home", "H"),
        ("end", "F"),
    )
}
_CTRL: Keys = {f"ctrl+{letter}": bytes([ord(letter) & 0x1F]) for letter in string.ascii_lowercase}
_META: Keys = {f"alt+{c}": ESC + c.encode() for c in string.ascii_lowercase + string.digits}
XTERM: Keys = {**_NAMED, **_MODIFIED, **_CTRL, **_META}

_OPTION = dict(
    zip(
        string.ascii_lowercase + string.digits,
        "å∫ç∂´ƒ©˙ˆ∆˚¬µ˜øπœ®ß†¨√∑≈¥Ωº¡™£¢∞§¶•ª",
        strict=True,
    )
)
"""What macOS types for Option and a key of a keyboard of the United States."""
OPTION_TYPES: Keys = {f"alt+{key}": None for key in _OPTION}

KITTY_FUNCTION = {"f1": "P", "f2": "Q", "f4": "S"}
KITTY: Keys = {
    **{name: f"\x1b[{ord(name[-1])};5u".encode() for name in _CTRL},
    **{name: f"\x1b[{ord(name[-1])};3u".encode() for name in _META},
    "enter": b"\x1b[13u", "tab": b"\x1b[9u", "shift+tab": b"\x1b[9;2u", "escape": b"\x1b[27u",
    "backspace": b"\x1b[127u", "f3": b"\x1b[13~",
    **{name: f"\x1b[{final}".encode() for name, final in KITTY_FUNCTION.items()},
}  # fmt: skip
"""With the protocol's flags 1, 8 and 16, which Textual asks for: every key is told by its number."""

TERMINALS: dict[str, Keys] = {
    "Terminal.app": {
        **XTERM, **OPTION_TYPES, "home": None, "end": None, "pageup": None, "pagedown": None,
        **{name: None for name in _MODIFIED if not name.endswith(("left", "right"))},
    },
    "Terminal.app, Option as Meta": {
        **XTERM, "alt+up": b"\x1b\x1b[A", "alt+down": b"\x1b\x1b[B", "ctrl+home": None, "ctrl+end": None,
        "shift+up": None, "shift+down": None,
    },
    "iTerm2": {**XTERM, **OPTION_TYPES},
    "iTerm2, Option as Esc+": XTERM,
    "Ghostty, legacy": {**XTERM, **OPTION_TYPES},
    "kitty": {**XTERM, **KITTY},
    "kitty, legacy": {**XTERM, "home": b"\x1bOH", "end": b"\x1bOF"},
    "WezTerm": XTERM,
    "Alacritty": XTERM,
    "gnome-terminal": {**XTERM, "f1": None},
    "tmux": {**XTERM, "home": b"\x1b[1~", "end": b"\x1b[4~", "ctrl+b": None},
    "Windows Terminal": {**XTERM, "alt+enter": None},
    "linux console": {
        **XTERM, "home": b"\x1b[1~", "end": b"\x1b[4~", "f1": b"\x1b[[A", "f2": b"\x1b[[B", "f3": b"\x1b[[C",
        "f4": b"\x1b[[D", "f5": b"\x1b[[E", **dict.fromkeys(_MODIFIED),
    },
    "PuTTY": {
        **XTERM, "home": b"\x1b[1~", "end": b"\x1b[4~", "f1": b"\x1b[11~", "f2": b"\x1b[12~",
        "f3": b"\x1b[13~", "f4": b"\x1b[14~", **dict.fromkeys(_MODIFIED),
    },
}  # fmt: skip
"""By terminal, every key that ken names; None where the terminal does not send it."""


def typed(text: str, keys: Keys) -> bytes:
    """Text as the terminal sends it when it is typed."""
    if keys.get("enter") != KITTY["enter"]:
        return text.encode()
    return b"".join(_kitty_character(character) for character in text)


def _kitty_character(character: str) -> bytes:
    """The key's own code point, shift where it is held, and the text: a keyboard of the United States."""
    if character.isupper():
        return f"\x1b[{ord(character.lower())};2;{ord(character)}u".encode()
    return f"\x1b[{ord(character)};;{ord(character)}u".encode()
