"""One spelling of keys: on the screen, in the settings, in the documents, the help and the manual page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.tui import actions
from app.tui.keys import read_keys, show_key, unknown_keys

TOP = Path(__file__).resolve().parents[3]
TEXTS = (TOP / "README.md", *sorted((TOP / "assets" / "docs").glob("*.md")), TOP / "assets" / "ken.1")
SHOWN = {"ctrl+y": "^y", "ctrl+home": "^home", "alt+c": "alt+c", "shift+tab": "shift+tab", "f2": "F2",
         "pagedown": "pgdn", "escape": "esc", "slash": "/", "T": "T"}  # fmt: skip
NAMED = {"enter", "tab", "shift+tab", "space", "esc", "^c", "?"}
"""Keys that documents name and that are no action's, or only in some place."""


@pytest.mark.parametrize("key", SHOWN)
def test_what_is_shown_can_be_written_into_the_settings(key: str) -> None:
    assert show_key(key) == SHOWN[key]
    for written in (SHOWN[key], key, f" {SHOWN[key]} "):
        assert read_keys(written) == key and not unknown_keys(written)


def test_every_key_of_every_action_is_read_as_it_is_shown() -> None:
    for action in actions.ACTIONS:
        for key in (*action.keys.split(","), *action.letters.split(","), *action.list_keys.split(",")):
            assert not key or read_keys(show_key(key)) == key


def test_what_is_no_key_or_no_action_is_said() -> None:
    assert unknown_keys("ctl+e,^e,hyperspace,Alt+C,F2,-") == ["ctl+e", "hyperspace"]
    faults = actions.faults({"copy_path": "ctl+e", "copy": "^e", "pin": "^E,alt+."})
    assert len(faults) == 2 and "'copy'" in faults[0] and "'ctl+e'" in faults[1]
    assert actions.keymap("default", {"pin": "^E,alt+."})["pin"] == "ctrl+e,alt+full_stop"


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
def test_documents_spell_keys_as_the_screen_does(text: Path) -> None:
    content = text.read_text(encoding="utf-8")
    known = NAMED | {show_key(key) for action in actions.ACTIONS for key in action.keys.split(",")}
    for key in re.findall(r"<kbd>(.*?)</kbd>", content):
        assert key in known or re.fullmatch(r"[a-zA-Z]", key), key
    prose = re.sub(r"```.*?```", "", content, flags=re.DOTALL)
    odd = re.findall(r"\b[Cc]trl[-+ ]\w\b|\b[CM]-[a-z]\b|↵|\bf[1-9]\b|\b[Aa]lt-\w\b", prose)
    assert not odd, odd
