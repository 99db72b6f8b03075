"""How keys are spelled: `^y`, `alt+c`, `shift+tab`, `F2`, `esc`, the same wherever one is named.

Owns both ways between that spelling and Textual's names of keys. Knows no action.
"""

from __future__ import annotations

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

_SHOWN = {"slash": "/", "question_mark": "?", "colon": ":", "pagedown": "pgdn", "pageup": "pgup",
          "escape": "esc", "left": "←", "right": "→", "up": "↑", "down": "↓"}  # fmt: skip
_READ = {shown: key for key, shown in _SHOWN.items()}
_HELD = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = {key.value for key in Keys if not key.value.startswith(("<", "ctrl"))} | {
    *KEY_NAME_REPLACEMENTS.values()
}
"""Names that Textual has for keys besides those of characters in Unicode."""


def show_key(key: str) -> str:
    """A key's name as it is shown: `ctrl+y` is `^y`, `f2` is `F2`, `pagedown` is `pgdn`."""
    *held, last = key.split("+")
    shown = _SHOWN.get(last, last.upper() if _is_function_key(last) else last)
    return "".join("^" if one == "ctrl" else f"{one}+" for one in held) + shown


def read_keys(text: str) -> str:
    """Textual's names of the keys in a list that a user wrote, as they are shown or as Textual has them."""
    return ",".join(_read_key(key.strip()) for key in text.split(",") if key.strip())


def unknown_keys(text: str) -> list[str]:
    """What names no key in such a list."""
    return [key.strip() for key in text.split(",") if key.strip() and not _is_key(_read_key(key.strip()))]


def _read_key(key: str) -> str:
    *held, last = key.split("+")
    if last.startswith("^") and len(last) > 1:
        held, last = [*held, "ctrl"], last[1:]
    held = [one.lower() for one in held]
    if len(last) > 1 or "ctrl" in held:
        last = last.lower()
    last = _READ.get(last, last)
    if len(last) == 1:
        last = next(iter(Binding.make_bindings([Binding(last, "")]))).key
    return "+".join([*held, last])


def _is_key(key: str) -> bool:
    *held, last = key.split("+")
    known = last in _NAMED or _is_function_key(last) or key_to_character(last) is not None
    return known and all(one in _HELD for one in held)


def _is_function_key(key: str) -> bool:
    return key[:1] == "f" and key[1:].isdigit()
