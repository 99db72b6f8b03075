"""Every action of the registry, by its key, with what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.pilots import application, ask, drive, library, until

from app.answers import open_file, saved_searches
from app.tui.actions import ACTIONS, BY_NAME, in_menu
from app.tui.ui_state import UiState

Effect = Callable[[Any, Any, dict[str, Any]], object]
"""Of the application, its library and what other programs were given: whether it is done."""


def path(app):
    return app.search_screen.hit.path


def copied(app, done):
    """What is on both clipboards: the terminal's and the system's."""
    assert done.get("copied", "") == app.clipboard
    return app.clipboard if done.get("copied") == app.clipboard else ""


def top(app):
    return type(app.screen).__name__


EFFECTS: dict[str, tuple[str, Effect]] = {
    # action: keys before it, and what is so after it
    "clear": ("", lambda app, lib, done: app.search_screen.input.value == ""),
    "ask": ("tab", lambda app, lib, done: app.search_screen.input.has_focus),
    "sort": ("", lambda app, lib, done: app.search_screen.left.sort == "date"),
    "kind": ("", lambda app, lib, done: top(app) == "PickerScreen"),
    "time": ("", lambda app, lib, done: top(app) == "PickerScreen"),
    "folder": ("", lambda app, lib, done: top(app) == "PickerScreen"),
    "tag": ("", lambda app, lib, done: top(app) == "PickerScreen"),
    "unfilter": ("space t y p e colon m d", lambda app, lib, done: app.search_screen.input.value == "boiler"),
    "watch": ("", lambda app, lib, done: [kept.query for kept in saved_searches.read()] == ["boiler"]),
    "down": ("", lambda app, lib, done: app.search_screen.results.cursor == 1),
    "up": ("down down", lambda app, lib, done: app.search_screen.results.cursor == 1),
    "page_down": ("", lambda app, lib, done: app.search_screen.results.cursor == 3),
    "page_up": ("down down", lambda app, lib, done: app.search_screen.results.cursor == 0),
    "first": ("down down", lambda app, lib, done: app.search_screen.results.cursor == 0),
    "last": ("", lambda app, lib, done: app.search_screen.results.cursor == 3),
    "expand": ("", lambda app, lib, done: any(card.depth for card in app.search_screen.results.cards)),
    "collapse": (
        "alt+l", lambda app, lib, done: not any(card.depth for card in app.search_screen.results.cards)
    ),
    "next_pane": ("", lambda app, lib, done: app.search_screen.results.has_focus),
    "previous_pane": ("tab", lambda app, lib, done: app.search_screen.input.has_focus),
    "open": ("", lambda app, lib, done: done["opened"][:2] == (path(app), app.search_screen.hit.line)),
    "reveal": ("", lambda app, lib, done: done["revealed"] == path(app)),
    "similar": ("", lambda app, lib, done: app.search_screen.answer.mode == "meaning"),
    "copy_path": ("", lambda app, lib, done: copied(app, done) == path(app)),
    "copy_passage": ("", lambda app, lib, done: copied(app, done) == app.search_screen.hit.text),
    "copy_citation": ("", lambda app, lib, done: "](file://" in copied(app, done)),
    "pin": ("", lambda app, lib, done: app.session.ui_state.pins[0].path == path(app)),
    "why": ("", lambda app, lib, done: top(app) == "Dialog"),
    "preview": ("", lambda app, lib, done: not app.search_screen.panes.preview_shown),
    "next_place": ("", lambda app, lib, done: app.search_screen.preview.page.focus[0] > 0),
    "previous_place": ("alt+n", lambda app, lib, done: app.search_screen.preview.page.focus[0] == 0),
    "outline": ("", lambda app, lib, done: top(app) == "OutlineScreen"),
    "preview_down": ("", lambda app, lib, done: app.search_screen.preview.page),
    "preview_up": ("", lambda app, lib, done: app.search_screen.preview.page),
    "menu": ("", lambda app, lib, done: top(app) == "MenuScreen"),
    "suspend": ("", lambda app, lib, done: top(app) == "SearchScreen"),
    "palette": ("", lambda app, lib, done: top(app) == "CommandPalette"),
    "help": ("", lambda app, lib, done: top(app) == "HelpScreen"),
    "folders": ("", lambda app, lib, done: top(app) == "FoldersScreen"),
    "problems": ("", lambda app, lib, done: top(app) == "ProblemsScreen"),
    "standing": ("", lambda app, lib, done: top(app) == "SavedSearchesScreen"),
    "sync": ("", lambda app, lib, done: ("sync",) in lib.calls),
    "pause": ("", lambda app, lib, done: app.session.status.progress.phase == "paused"),
    "model": ("", lambda app, lib, done: top(app) == "ModelScreen"),
    "theme": ("", lambda app, lib, done: app.theme == app.session.ui_state.theme == "ken-light"),
    "quit": ("", lambda app, lib, done: app._exit),
}  # fmt: skip

MORE_FILES = {"tag": {"loaf.md": "# Loaf\n\n#baking\n"}}
"""Files that an action needs to be there."""


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What other programs would have been given."""
    given: dict[str, Any] = {}

    def launch_for(*place: Any, **more: Any) -> open_file.Launch:
        given["opened"] = place
        return open_file.Launch(("editor",), terminal=False)

    def reveal_launch(shown: str) -> open_file.Launch:
        given["revealed"] = shown
        return open_file.Launch(("files",), terminal=False)

    monkeypatch.setattr(open_file, "launch_for", launch_for)
    monkeypatch.setattr(open_file, "reveal_launch", reveal_launch)
    monkeypatch.setattr(open_file, "run", lambda launch: None)
    monkeypatch.setattr(open_file, "copy_to_clipboard", lambda text: given.update(copied=text))
    return given


def test_every_action_is_tried_here():
    assert set(EFFECTS) == set(BY_NAME)


@pytest.mark.parametrize("name", [action.name for action in ACTIONS if action.name != "suspend"])
def test_its_key_does_it(name, done):
    lib = library(**MORE_FILES.get(name, {}))
    before, effect = EFFECTS[name]

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await until(pilot, lambda: app.search_screen.preview.page)
        await pilot.press(*before.split())
        await pilot.pause()
        await pilot.press(BY_NAME[name].keys.split(",")[0])
        await until(pilot, lambda: effect(app, lib, done))

    drive(application(lib, ui_state=UiState(theme="dark")), steps)


@pytest.mark.parametrize("name", [action.name for action in in_menu()])
def test_its_letter_in_the_menu_does_it(name, done):
    lib = library(**MORE_FILES.get(name, {}))
    before, effect = EFFECTS[name]

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        await until(pilot, lambda: app.search_screen.preview.page)
        await pilot.press(*before.split())
        await pilot.pause()
        await pilot.press("ctrl+x")
        await until(pilot, lambda: top(app) == "MenuScreen")
        await pilot.press(BY_NAME[name].letters.split(",")[0])
        await until(pilot, lambda: effect(app, lib, done))

    drive(application(lib, ui_state=UiState(theme="dark")), steps)


def test_what_is_copied_also_reaches_terminals_far_away(done):
    """OSC 52 goes through ssh and tmux, which the clipboard's own programs do not."""
    written: list[str] = []

    async def steps(pilot, app):
        await ask(pilot, app, "boiler")
        app._driver.write = written.append
        await pilot.press("ctrl+y")
        await until(pilot, lambda: any(text.startswith("\x1b]52;c;") for text in written))

    drive(application(library()), steps)
