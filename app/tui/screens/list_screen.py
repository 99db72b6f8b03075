"""What screens with one list have in common: a title, a note, the list, and moving about in it."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from app.tui.screens.closing import ClosingScreen
from app.tui.session import Finished, Session
from app.tui.toasts import say, say_error
from app.tui.widgets.list_view import CardList, ListMoves
from app.tui.widgets.status_line import StatusLine

C = TypeVar("C")


class ListScreen(ListMoves, ClosingScreen[list[str] | None], Generic[C]):
    """A title, a note below it, one list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("question_mark", "app.show_help", "Help", show=False),
    ]
    HEADING = ""
    HINTS: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, session: Session, cards: CardList[C]) -> None:
        super().__init__()
        self.session = session
        self.list = cards

    def compose(self) -> ComposeResult:
        yield Static(self.HEADING, classes="title", markup=False)
        yield Static(id="note", classes="note", markup=False)
        yield self.list
        yield StatusLine()

    def tell_status(self) -> None:
        """The status of the library is another."""

    def on_mount(self) -> None:
        self.list.focus()
        self.query_one(StatusLine).hint((*self.HINTS, ("esc", "back")))
        self.app.say_again()  # type: ignore[attr-defined]
        self.tell_status()

    def note(self, text: Content | str) -> None:
        """Say something below the title."""
        self.query_one("#note", Static).update(text)

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    def say_outcome(self, outcome: object, done: str) -> None:
        """Tell how something ended: `done`, or the error."""
        if isinstance(outcome, Exception):
            say_error(self.app, outcome)
        elif done:
            say(self.app, done)
