"""The menu: every action behind one key and a letter, which every terminal sends whatever it makes of Alt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from app.tui.actions import Action, in_menu, keys_of
from app.tui.keys import show_key
from app.tui.screens.closing import ClosingDialog
from app.tui.session import Session
from app.tui.widgets.list_view import CardList, ListMoves
from app.tui.widgets.results import spread

DIALOG_ROWS = 8
"""Rows of a dialog and around it that are not its list's."""


class ActionList(CardList[Action]):
    """An action a row: its letter, what it does, and its key."""

    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"list--title", "list--dim", "list--faint"}

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__(key=lambda action: action.name, height=lambda action: 1, paint=self.paint)
        self._keys = keys

    def paint(self, card: Action, width: int) -> list[Content]:
        letter = show_key(card.letters.split(",")[0])
        left = Content.assemble((f" {letter}  ", self.part("list--title")), card.title)
        right = Content.assemble((self._keys.get(card.name, "") + " ", self.part("list--faint")))
        return [spread(left.truncate(max(1, width - right.cell_length - 1), ellipsis=True), right, width)]


class MenuScreen(ListMoves, ClosingDialog[Action | None]):
    """Gives the chosen action; its letter chooses it at once."""

    BINDINGS = [
        Binding("escape,ctrl+c,ctrl+x", "dismiss(None)", "Close", show=False),
        Binding("up,ctrl+p,ctrl+k", "move(-1)", "Up", show=False),
        Binding("down,ctrl+n,ctrl+j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
        Binding("enter", "choose", "Do it", show=False),
        Binding("ctrl+q", "app.quit", "Quit", show=False),
    ]

    def __init__(self, offered: Sequence[Action], keys: dict[str, str]) -> None:
        """`keys` are what does an action without the menu, by its name."""
        super().__init__()
        self._offered = offered
        self.list = ActionList(keys)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="fitting"):
            yield Static("Press a letter", id="dialog-title", markup=False)
            yield self.list

    def on_mount(self) -> None:
        self.list.show(self._offered)
        self.list.focus()

    def on_resize(self) -> None:
        self.list.styles.height = min(len(self._offered), max(3, self.size.height - DIALOG_ROWS))

    def on_key(self, event: events.Key) -> None:
        """The character decides, as its name differs between terminals."""
        chosen = [action for action in self._offered if event.character in _letters(action)]
        if event.is_printable and chosen:
            event.stop()
            self.dismiss(chosen[0])

    def action_choose(self) -> None:
        self.dismiss(self.list.card)

    def on_card_list_chosen(self) -> None:
        self.action_choose()


def _letters(action: Action) -> list[str]:
    return [show_key(letter) for letter in action.letters.split(",")]


def show_menu(app: App[Any], session: Session, *, on_search: bool) -> None:
    """Offer the actions that can be done on the present screen, and do the chosen one."""
    screen = app.screen
    offered = [
        replace(one, title=session.title(one)) for one in in_menu() if on_search or one.where == "anywhere"
    ]
    keys = {one.name: keys_of(one, session.keymap)[0] for one in offered}

    def chosen(action: Action | None) -> None:
        if action is not None:
            app.call_later(screen.run_action, action.does)

    app.push_screen(MenuScreen(offered, keys), chosen)
