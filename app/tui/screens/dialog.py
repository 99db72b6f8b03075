"""A small box over a screen: something to know, to confirm, or to be asked for one line of text."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from app.folders.typed_paths import completed_folder, indexable_path
from app.tui.screens.closing import ClosingDialog
from app.tui.session import Finished, background
from app.tui.toasts import failure_of
from app.tui.widgets.ordered_input import OrderedInput

HOME = "~/"
DIALOG_ROWS = 6
"""Rows of a dialog that are not its body's."""


class Dialog(ClosingDialog[str | None]):
    """Shows text over buttons; gives the chosen button's name, or None when left with esc."""

    BINDINGS = [
        Binding("escape,ctrl+c", "dismiss(None)", "Close", show=False),
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("up,pageup", "scroll_or_go(-1)", "Up", show=False),
        Binding("down,pagedown", "scroll_or_go(1)", "Down", show=False),
        Binding("ctrl+q", "app.quit", "Quit", show=False),
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
        with Vertical(id="dialog", classes=f"fitting {self._kind}"):
            yield Static(self._title, id="dialog-title", markup=False)
            with VerticalScroll(id="dialog-body", can_focus=False):
                yield Static(self._body, markup=False)
            with Horizontal(id="dialog-buttons"):
                for name, label in self._buttons:
                    yield Button(label, id=name, compact=True)

    def on_mount(self) -> None:
        self.query_one("#dialog-buttons").query(Button).first().focus()

    def on_resize(self) -> None:
        self._scrolled.styles.max_height = max(1, self.size.height - DIALOG_ROWS)

    @property
    def _scrolled(self) -> VerticalScroll:
        return self.query_one("#dialog-body", VerticalScroll)

    def action_scroll_or_go(self, direction: int) -> None:
        """Scroll a text that does not fit; else go to the next or the previous button."""
        if self._scrolled.max_scroll_y:
            self._scrolled.scroll_relative(y=direction, animate=False)
        elif direction > 0:
            self.app.action_focus_next()
        else:
            self.app.action_focus_previous()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)


class PromptInput(OrderedInput):
    """The line of a prompt. `Input` would take ^c to copy."""

    BINDINGS = [Binding("ctrl+c", "screen.dismiss(None)", "Close", show=False)]


class Prompt(ClosingDialog[str | None]):
    """Asks for one line of text."""

    BINDINGS = [
        Binding("escape,ctrl+c", "dismiss(None)", "Close", show=False),
        Binding("ctrl+q", "app.quit", "Quit", show=False),
    ]

    def __init__(self, title: str, note: str, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._note = note
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._title, id="dialog-title", markup=False)
            line = PromptInput(self._value, select_on_focus=False)
            line.cursor_blink = False
            yield line
            yield Static(self._note, id="dialog-note", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)


class PathPrompt(Prompt):
    """Asks for a folder or a file that can be indexed; gives its path as the index stores it."""

    BINDINGS = [Binding("tab", "complete", "Complete", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__(title, "Its path; ~ is your home, and tab completes a folder.", HOME)

    def action_complete(self) -> None:
        line = self.query_one(Input)
        line.value = completed_folder(_own(line.value))
        line.cursor_position = len(line.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.prevent_default()  # a path that cannot be used stays to be mended
        typed = _own(event.value.strip())
        background(self, lambda: indexable_path(typed), self._close_or_explain)

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    def _close_or_explain(self, outcome: object) -> None:
        if isinstance(outcome, Exception):
            note = Content.styled(failure_of(outcome).text, "$error")
            self.query_one("#dialog-note", Static).update(note)
        else:
            self.dismiss(str(outcome))


def _own(typed: str) -> str:
    """A path typed or pasted behind the home that stands there already replaces it, as in Emacs."""
    return typed[len(HOME) :] if typed[len(HOME) :].startswith(("/", "~")) else typed
