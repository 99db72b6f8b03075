"""Every key that ken names arrives from every terminal, or another that does is named beside it."""

from __future__ import annotations

import pytest
from support.terminal_keys import KITTY, TERMINALS, Keys, typed
from support.waiting import until
from textual import events

from app.tui import actions
from app.tui.terminal_input import MOST_PASTED, TerminalParser

KEYMAPS = sorted(actions.PRESETS)


def named(data: bytes) -> list[str]:
    """The keys that ken is told of for these bytes."""
    parser = TerminalParser()
    found = list(parser.feed(data.decode()))
    if parser._held:
        until(lambda: found.extend(parser.tick()) or not parser._held)
    found += parser.feed("")
    keys = [event for event in found if isinstance(event, events.Key)]
    typing = [key.key for key in keys if key.is_printable and key.key.startswith(("alt+", "ctrl+"))]
    assert not typing, f"{typing} would be typed into the query"
    return [key.key for key in keys]


@pytest.mark.parametrize("terminal", TERMINALS)
def test_what_a_terminal_sends_is_the_key_that_was_pressed(terminal: str) -> None:
    same = {"ctrl+h": "backspace", "ctrl+i": "tab", "ctrl+m": "enter"}
    words = {"alt+b": "ctrl+left", "alt+f": "ctrl+right"}  # as shells have it: a word back, a word on
    kitty = TERMINALS[terminal].get("enter") == KITTY["enter"]
    for key, data in TERMINALS[terminal].items():
        if data is not None:
            expected = key if kitty else words.get(key, same.get(key, key))
            assert named(data) == [expected], (key, data)


@pytest.mark.parametrize("keymap", KEYMAPS)
@pytest.mark.parametrize("terminal", TERMINALS)
def test_every_action_has_a_key_that_the_terminal_sends(terminal: str, keymap: str) -> None:
    keys = TERMINALS[terminal]
    changed = actions.keymap(keymap, {})
    menu = changed.get("menu", actions.BY_NAME["menu"].keys)
    opens_menu = any(keys.get(key) for key in menu.split(","))
    moved_by_lists = {"page_down", "page_up", "ask"}  # the wheel and tab, and esc, do these without a key
    for action in actions.ACTIONS:
        own = [key for key in changed.get(action.name, action.keys).split(",") if key]
        arrives = [key for key in own if keys.get(key) and named(keys[key] or b"") == [key]]
        letters = opens_menu and action in actions.in_menu()
        if action.name in moved_by_lists:
            continue
        assert arrives or letters, f"{action.name} cannot be reached from {terminal} ({keymap})"


@pytest.mark.parametrize("keymap", KEYMAPS)
def test_no_key_has_two_meanings(keymap: str) -> None:
    changed = actions.keymap(keymap, {})
    seen: dict[str, str] = {}
    for action in actions.ACTIONS:
        for key in changed.get(action.name, action.keys).split(","):
            if key:
                assert key not in seen, f"{key}: {seen[key]} and {action.name}"
                seen[key] = action.name


def test_no_letter_of_the_menu_has_two_meanings() -> None:
    letters = [letter for action in actions.ACTIONS for letter in action.letters.split(",") if letter]
    assert len(letters) == len(set(letters))


@pytest.mark.parametrize("terminal", ["kitty", "WezTerm"])
def test_what_is_typed_is_text(terminal: str) -> None:
    text = "Why is it cold? 1:2 [x] ~#"
    parser = TerminalParser()
    found = list(parser.feed(typed(text, TERMINALS[terminal]).decode()))
    assert "".join(event.character or "" for event in found if isinstance(event, events.Key)) == text


HOSTILE = "a\x1b[A\x1b\rb\x03\x1b[200~c\x00\x1bOP\x1b]0;title\x07 \x1b["


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_a_paste_is_text_whatever_it_holds_and_however_it_comes(size: int) -> None:
    data = f"x\x1b[200~{HOSTILE}\x1b[201~y\x1b[200~z\x1b[201~\x1b[B"
    parser = TerminalParser()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    found = [event for piece in pieces for event in parser.feed(piece)]
    told = [getattr(event, "text", "") or getattr(event, "key", "") for event in found]
    assert told == ["x", HOSTILE, "y", "z", "down"]


def test_a_paste_of_megabytes_costs_no_more_than_what_is_kept_of_it() -> None:
    parser = TerminalParser()
    found = list(parser.feed("\x1b[200~"))
    for _ in range(2_000):
        found += parser.feed("boiler pressure " * 256)
    found += parser.feed("\x1b[201~")
    assert [len(event.text) for event in found if isinstance(event, events.Paste)] == [MOST_PASTED]


def test_an_escape_alone_is_a_key_and_the_beginning_of_a_marker_is_not_kept_back() -> None:
    for data in ("\x1b", "\x1b[2", "\x1b["):
        parser = TerminalParser()
        found = list(parser.feed(data))
        until(lambda parser=parser, found=found: found.extend(parser.tick()) or not parser._held)
        found += parser.feed("")
        assert found, data
    escape = TerminalParser()
    list(escape.feed("\x1b"))
    keys: list[events.Key] = []
    until(lambda: keys.extend(escape.tick()) or keys, what="the escape")  # type: ignore[arg-type,func-returns-value]
    assert [key.key for key in keys] == ["escape"]


def test_every_terminal_tells_the_same_keys() -> None:
    known: list[Keys] = list(TERMINALS.values())
    assert len({frozenset(keys) - {"alt+enter"} for keys in known}) == 1
