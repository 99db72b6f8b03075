"""A list to choose one value from by typing a part of it: a folder, a kind, a time, a tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from app.sanitize import plain_line
from app.tui.screens.closing import ClosingDialog
from app.tui.session import Finished, background
from app.tui.toasts import say, say_error
from app.tui.widgets.list_view import CardList, ListMoves
from app.tui.widgets.ordered_input import OrderedInput
from app.tui.widgets.results import spread

DIALOG_ROWS = 9
"""Rows of a dialog and around it that are not its list's."""


@dataclass(frozen=True, slots=True)
class FilterValue:
    """A value of a filter, what it is called, and what is said beside it."""

    value: str
    label: str
    note: str = ""


class FilterValueList(CardList[FilterValue]):
    """A choice a row."""

    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"list--faint"}

    def __init__(self) -> None:
        super().__init__(key=lambda choice: choice.value, height=lambda choice: 1, paint=self.paint)
        self.can_focus = False

    def paint(self, card: FilterValue, width: int) -> list[Content]:
        right = Content.assemble((plain_line(card.note) + " ", self.part("list--faint")))
        left = Content(" " + plain_line(card.label)).truncate(
            max(8, width - right.cell_length), ellipsis=True
        )
        return [spread(left, right, width)]


class PickerInput(OrderedInput):
    """The input that narrows the choices; the keys of the list work here too."""

    BINDINGS = [
        Binding("up,ctrl+p,ctrl+k", "screen.move(-1)", "Up", show=False),
        Binding("down,ctrl+n,ctrl+j", "screen.move(1)", "Down", show=False),
        Binding("pageup", "screen.page(-1)", "Page up", show=False),
        Binding("pagedown", "screen.page(1)", "Page down", show=False),
        Binding("tab,enter", "screen.choose", "Take it", show=False),
        Binding("ctrl+c", "screen.dismiss(None)", "Close", show=False),
    ]


class PickerScreen(ListMoves, ClosingDialog[str | None]):
    """Gives the chosen value; the first choice means none and has an empty value."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+q", "app.quit", "Quit", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[FilterValue],
        current: str,
        load: Callable[[], Sequence[FilterValue]] | None = None,
        lacking: str = "",
    ) -> None:
        """`load`, which may take a while, gives more choices; where it gives none, `lacking` says so."""
        super().__init__()
        self._title = title
        self._choices = choices
        self._current = current
        self._load = load
        self._lacking = lacking
        self._is_chosen = False
        """Whether the choice was made before all choices were there."""
        self.list = FilterValueList()

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="fitting"):
            yield Static(self._title, id="dialog-title", markup=False)
            line = PickerInput(placeholder="Type a part of it", select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield self.list

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._offer()
        if self._load is not None:
            background(self, self._load, self._loaded)

    def _offer(self) -> None:
        self.list.show(self._choices)
        here = [index for index, choice in enumerate(self._choices) if choice.value == self._current]
        self.list.highlight(here[0] if here else 0)

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    def _loaded(self, outcome: object) -> None:
        self._load = None
        if isinstance(outcome, Sequence) and outcome:
            self._choices = (*self._choices, *outcome)
            self.on_resize()
            self._offer()
            self._narrow()
            if self._is_chosen:
                self.action_choose()
            return
        if isinstance(outcome, Exception):
            say_error(self.app, outcome)
        else:
            say(self.app, self._lacking)
        self.dismiss(None)

    def on_resize(self) -> None:
        self.list.styles.height = min(len(self._choices), max(3, self.size.height - DIALOG_ROWS))

    def on_input_changed(self) -> None:
        self._narrow()

    def _narrow(self) -> None:
        typed = self.query_one(Input).value.lower().split()
        fitting = [c for c in self._choices if all(part in f"{c.label} {c.note}".lower() for part in typed)]
        if list(fitting) != list(self.list.cards):
            self.list.touched = False
            self.list.show(fitting)
            self.list.edge(-1)

    def action_choose(self) -> None:
        if self._load is not None:
            self._is_chosen = True
            return
        self._narrow()  # what was typed last may not have been told yet
        if (choice := self.list.card) is not None:
            self.dismiss(choice.value)

    def on_card_list_chosen(self) -> None:
        self.action_choose()
