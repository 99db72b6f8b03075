"""Which theme the interface has: the one chosen last, here or in the settings, and the next one."""

from __future__ import annotations

from typing import Any

from textual.app import App

from app.tui import themes
from app.tui.session import Session
from app.tui.toasts import say, warn
from app.tui.ui_state import UiState


class ThemeChoice:
    """The theme of one application; `plain` where no colour is wanted at all."""

    def __init__(self, app: App[Any], session: Session, *, plain: bool) -> None:
        self._app = app
        self._session = session
        for theme in (*themes.OWN, themes.PLAIN):
            app.register_theme(theme)
        self._chosen = ""
        self._show("plain" if plain else self._theme_name())

    def check(self) -> None:
        """Tell of a name in the settings that no theme has."""
        configured = self._session.config.tui.theme
        if themes.choose(configured) not in self._app.available_themes:
            warn(self._app, f"[tui] theme: there is no theme {configured!r}")

    def next(self) -> None:
        """The next of ken's own themes, and after the last one the automatic choice."""
        names = [*(theme.name for theme in themes.OWN), themes.AUTO]
        now = self._app.theme if self._chosen == themes.AUTO else self._chosen
        here = names.index(now) if now in names else -1
        self.set(names[(here + 1) % len(names)])
        say(self._app, f"Theme: {self._chosen.removeprefix('ken-')}")

    def set(self, name: str) -> None:
        """Use a theme from now on, until the settings name another."""
        self._show(name)

        def change(state: UiState) -> None:
            state.theme, state.theme_over = name, self._session.config.tui.theme

        self._session.ui_state.update(change)

    def _theme_name(self) -> str:
        chosen, configured = self._session.ui_state, self._session.config.tui.theme
        return chosen.theme if chosen.theme and chosen.theme_over == configured else configured

    def _show(self, wanted: str) -> None:
        name = themes.choose(wanted)
        self._app.theme = name if name in self._app.available_themes else themes.FIRST.name
        self._chosen = themes.AUTO if wanted == themes.AUTO else self._app.theme
