"""Keys pressed in a real terminal: what each one sends does what help says, on every screen that says it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.terminal import Terminal
from support.terminal_home import indexed, terminal_home  # noqa: F401 -- fixtures
from support.terminal_keys import TERMINALS, Keys, typed

from app.tui import actions
from app.tui.keys import show_key

SCREENS = {
    "help": "Clear the query, or go", "folders": "Folders", "problems": "Not in the index, or only",
    "standing": "Saved searches", "model": "terms of use", "sync": "No file has changed",
    "pause": "Paused", "theme": "Theme:", "palette": "Search for commands",
}  # fmt: skip
"""What shows that an action was done which works anywhere."""
SHOWN = {
    "sort": "newest first", "kind": "Type a part", "time": "Type a part", "folder": "Type a part",
    "tag": "Type a part",
    "copy_path": "The path is on the clipboard", "copy_passage": "The passage is on the clipboard",
    "copy_citation": "A Markdown citation is on", "pin": "Pinned: it is on the first screen",
    "why": "Why this is here", "watch": "Saved: you are told", "outline": "▌ Boiler",
    "preview": "look at the pressure of the boiler first.", **SCREENS,
}  # fmt: skip
"""The same for those on the search screen, in what follows a query for `boiler` in 110 columns.

Of each, nothing is on the screen before; only without the preview is there room for that sentence.
"""
DIALOGS = (
    "kind",
    "time",
    "folder",
    "tag",
    "why",
    "outline",
    "help",
    "folders",
    "problems",
    "standing",
    "model",
    "palette",
)


SWITCHES = ("sort", "pin", "preview", "pause")


class Person:
    """Presses keys on one terminal."""

    def __init__(self, terminal: Terminal, keys: Keys) -> None:
        self.terminal = terminal
        self.keys = keys

    def press(self, *names: str) -> None:
        for name in names:
            data = self.keys[name]
            assert data is not None, name
            self.terminal.send(data)

    def type(self, text: str) -> None:
        self.terminal.send(typed(text, self.keys))

    def can(self, action: actions.Action) -> list[str]:
        """The action's keys that this terminal sends."""
        return [key for key in action.keys.split(",") if key and self.keys.get(key)]

    def query(self, text: str, *shown: str) -> None:
        """Type a query, in the place of what is there."""
        self.press("ctrl+u")
        self.type(text)
        self.terminal.shows(f"❯ {text}", *(shown or ("files ·",)))


def highlighted(text: str) -> int:
    """The row of the highlight in the list."""
    return next((row for row, line in enumerate(text.split("\n")) if line[1:2] in ("▌", "▏")), -1)


def where(text: str) -> str:
    """The line at the top of the preview, as its title says."""
    found = re.search(r"line (\d+) of 199", text)
    return found[1] if found else ""


@pytest.mark.skipif(
    not os.environ.get("KEN_TERMINALS"), reason="every key of some terminals: KEN_TERMINALS=1"
)
@pytest.mark.parametrize("name", ["kitty", "Terminal.app", "linux console"])
def test_each_key_that_help_names_does_what_it_says(name: str, terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(110, 34), env={"EDITOR": "true"}) as terminal:
        person = Person(terminal, TERMINALS[name])
        terminal.shows("4 files in notes", "Current")
        person.query("boiler", "4 files ·")
        for action in actions.ACTIONS:
            if action.name not in SHOWN:
                continue
            by_menu = [("ctrl+x", action.letters.split(",")[0])] if action in actions.in_menu() else []
            for chord in [*((key,) for key in person.can(action)), *by_menu]:
                try:
                    do(person, action, chord)
                except AssertionError as error:
                    raise AssertionError(f"{chord} for {action.name} on {name}") from error


def do(person: Person, action: actions.Action, chord: tuple[str, ...]) -> None:
    """Do an action, see that it was done, and go back to where it was."""
    terminal, shown = person.terminal, SHOWN[action.name]
    strike(person, chord)
    terminal.shows(shown)
    if action.name in DIALOGS:
        person.press("escape")
    elif action.name in SWITCHES:
        strike(person, chord)
    terminal.hides(shown)


def strike(person: Person, chord: tuple[str, ...]) -> None:
    """Press a key, or the menu's and then a letter."""
    person.press(chord[0])
    if len(chord) > 1:
        person.terminal.shows("Press a letter")
        person.type(show_key(chord[1]))
        person.terminal.hides("Press a letter")


@pytest.mark.parametrize("name", ["gnome-terminal", "kitty"])
def test_the_highlight_moves_while_a_query_is_typed(name: str, terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(100, 30)) as terminal:
        person = Person(terminal, TERMINALS[name])
        terminal.shows("4 files in notes")
        person.query("boiler", "4 files ·")
        first = highlighted(terminal.until(lambda text: highlighted(text) > 0, "a highlight"))
        for down, up in (("down", "up"), ("ctrl+n", "ctrl+p"), ("ctrl+j", "ctrl+k")):
            person.press(down, down)
            terminal.until(lambda text: highlighted(text) >= first + 2 * 4, f"two cards down by {down}")
            person.press(up, up)
            terminal.until(lambda text: highlighted(text) == first, f"back by {up}")


def test_what_is_typed_in_the_list_or_the_preview_goes_on_with_the_query(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(120, 30)) as terminal:
        person = Person(terminal, TERMINALS["Alacritty"])
        terminal.shows("4 files in notes")
        person.query("boil", "4 files ·")
        terminal.shows("flow   │     2 │ by hand")
        person.press("tab")
        terminal.shows("esc query")
        person.type("er pressure")
        terminal.shows("❯ boiler pressure")
        person.press("tab", "tab", "backspace")
        terminal.shows("❯ boiler pressur")
        terminal.send(b"\x1b[<0;5;12M\x1b[<0;5;12m")  # a click on a result
        person.type("e cellar")
        terminal.shows("❯ boiler pressure cellar")


def test_the_preview_scrolls_while_a_query_is_typed(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(120, 30)) as terminal:
        person = Person(terminal, TERMINALS["Ghostty, legacy"])
        terminal.shows("4 files in notes")
        person.query("ferry harbour", "1 file ·", "of 199")
        before = where(terminal.text)
        person.press("shift+down", "shift+down")
        person.type(" boiler")
        terminal.shows("❯ ferry harbour boiler")
        person.press("shift+down", "shift+down")
        terminal.until(lambda text: where(text) not in ("", before), "another line at the top")


def test_letters_act_in_the_list_where_the_keymap_has_them(terminal_home: Path, home: Path) -> None:  # noqa: F811
    (home / "config.toml").write_text('[tui]\nkeymap = "vim"\n')
    with Terminal(size=(100, 30)) as terminal:
        person = Person(terminal, TERMINALS["Alacritty"])
        terminal.shows("4 files in notes")
        person.query("boiler", "4 files ·")
        first = highlighted(terminal.text)
        person.press("tab")
        terminal.shows("esc query")
        person.type("jj")
        terminal.until(lambda text: highlighted(text) > first, "the next card")
        person.type("ky")
        terminal.shows("The path is on the clipboard", "❯ boiler")


def test_enter_opens_what_the_whole_query_found_however_fast_it_is_typed(
    terminal_home: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "opened $1 $2"\nread answer\n')
    editor.chmod(0o755)
    with Terminal(size=(100, 30), env={"EDITOR": str(editor)}) as terminal:
        person = Person(terminal, TERMINALS["Alacritty"])
        terminal.shows("4 files in notes")
        person.query("boiler", "4 files ·")
        terminal.send(b" sourdough oven\r")
        terminal.shows("opened", "bread.md")
        terminal.send(b"\n")
        terminal.shows("❯ boiler sourdough oven")


def test_what_is_typed_outlives_one_arrow_too_many_and_leaving(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(100, 30)) as terminal:
        person = Person(terminal, TERMINALS["Alacritty"])
        terminal.shows("4 files in notes")
        person.query("sourdough", "1 file ·")
        person.press("escape")
        terminal.shows("Asked before", "sourdough")
        person.query("cold radiators", "1 file ·")
        person.press("up")
        terminal.shows("❯ sourdough")
        person.press("down")
        terminal.shows("❯ cold radiators")
        person.press("ctrl+q")
        assert terminal.ends() == 0
    with Terminal(size=(100, 30)) as terminal:
        terminal.shows("Asked before", "cold radiators")


def test_control_c_clears_then_quits_and_leaves_other_screens(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(100, 30)) as terminal:
        person = Person(terminal, TERMINALS["Alacritty"])
        terminal.shows("4 files in notes")
        for key, screen in (
            ("f2", "Folders"),
            ("f3", "Not in the index"),
            ("f4", "Saved searches"),
            ("f1", "Help"),
        ):
            person.press(key)
            terminal.shows(screen)
            person.press("ctrl+c")
            terminal.shows("4 files in notes")
        person.query("boiler", "4 files ·")
        person.press("tab", "ctrl+c")
        terminal.shows("Ask in your own words")
        person.press("ctrl+c")
        assert terminal.ends() == 0


def test_a_question_mark_on_an_empty_line_is_help(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(100, 30)) as terminal:
        person = Person(terminal, TERMINALS["gnome-terminal"])
        terminal.shows("4 files in notes")
        person.type("?")
        terminal.shows("Help", "Next result")
        person.press("escape")
        terminal.hides("Next result")
        person.query("boiler?", "files ·")


def test_filters_alone_list_files_and_pickers_set_them(terminal_home: Path) -> None:  # noqa: F811
    with Terminal(size=(100, 30)) as terminal:
        person = Person(terminal, TERMINALS["WezTerm"])
        terminal.shows("4 files in notes")
        person.press("ctrl+t")
        terminal.shows("Kind of file", "2 files")
        listed = [
            word for word in terminal.text.split() if word in ("md", "txt", "code", "pdf", "epub", "mail")
        ]
        assert listed == ["md", "code", "txt"], "kinds that the index has, most files first"
        person.type("cod")
        person.press("enter")
        terminal.shows("❯ type:code", "plot.py", "1 file, newest first")
        person.press("ctrl+t")
        terminal.shows("Kind of file", "2 files")
        person.press("up", "up", "enter")
        terminal.until(lambda text: "type:code" not in text.split("\n")[1])
        person.press("ctrl+u", "alt+t")
        terminal.shows("#baking")
        person.type("bak")
        person.press("enter")
        terminal.shows("❯ tag:baking", "bread.md", "1 file, newest first")
