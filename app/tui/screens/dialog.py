"""A small box over a screen: something to know, to confirm, or to be asked for one line of text."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from app.tui.screens.closing import ClosingDialog
from app.tui.widgets.ordered_input import OrderedInput


class Dialog(ClosingDialog[str | None]):
    """Shows text over buttons; gives the chosen button's name, or None when left with esc."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def __init__(
        self, title: str, body: Content | str, buttons: Sequence[tuple[str, str]] = (("ok", "OK"),), *,
        kind: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._body = body
        self._buttons = buttons
        self._kind = kind

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes=self._kind):
            yield Static(self._title, id="dialog-title", markup=False)
            with VerticalScroll(id="dialog-body", can_focus=False):
                yield Static(self._body, markup=False)
            with Horizontal(id="dialog-buttons"):
                for name, label in self._buttons:
                    yield Button(label, id=name, compact=True)

    def on_mount(self) -> None:
        self.query_one("#dialog-buttons").query(Button).first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)


class Prompt(ClosingDialog[str | None]):
    """Asks for one line of text."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "Close", show=False),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def __init__(self, title: str, note: str, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._note = note
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._title, id="dialog-title", markup=False)
            line = OrderedInput(self._value, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static(self._note, id="dialog-note", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)
