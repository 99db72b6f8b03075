"""What the command palette offers: every action of the registry that can be done here, and every theme."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from app.tui import actions, themes
from app.tui.session import Session


def commands(
    app: App[Any],
    screen: Screen[Any],
    session: Session,
    set_theme: Callable[[str], None],
    *,
    on_search: bool,
) -> Iterable[SystemCommand]:
    """The commands for a screen."""
    for action in actions.ACTIONS:
        if action.palette and (on_search or action.where == "anywhere"):
            keys = ", ".join(actions.keys_of(action, session.keymap))
            yield SystemCommand(session.title(action), keys, _later(app, screen, action.does))
    for name in (themes.AUTO, *sorted(app.available_themes)):
        yield SystemCommand(f"Theme: {name}", "", lambda name=name: set_theme(name))


def _later(app: App[Any], screen: Screen[Any], does: str) -> Callable[[], object]:
    return lambda: app.call_later(screen.run_action, does)
