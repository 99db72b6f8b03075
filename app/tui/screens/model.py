"""The model: which one is here; or what it is, from whom, under which terms, and how far its fetch is."""

from __future__ import annotations

import threading
import time

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from app import amounts
from app.errors import TITLED_ERRORS
from app.sanitize import plain_line
from app.tui import formatting
from app.tui.messages import tell
from app.tui.screens.closing import ClosingScreen
from app.tui.session import Finished, Session, background
from app.tui.widgets.status_line import StatusLine

BAR = 40


class Fetched(Message):
    """How far the fetch is; `note` instead where something is to be said."""

    def __init__(self, step: str = "", done: int = 0, total: int = 0, note: str = "") -> None:
        super().__init__()
        self.step, self.done, self.total, self.note = step, done, total, note

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Fetched) and not message.note


class Cancelled(Exception):
    """The user cancelled fetching the model; what is there stays for the next time."""


class ModelScreen(ClosingScreen[bool]):
    """Gives whether the model is there now."""

    BINDINGS = [
        Binding("escape", "leave", "Later", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._left = threading.Event()
        self._began = 0.0
        self._fetching = False

    def compose(self) -> ComposeResult:
        with Vertical(id="model"):
            yield Static("The model", classes="title", markup=False)
            yield Static(id="about", classes="note", markup=False)
            yield Static(id="bar", classes="note", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Fetch it now", id="fetch", compact=True)
                yield Button("Later: search by words only", id="later", compact=True)
        yield StatusLine()

    def on_mount(self) -> None:
        self.app.say_again()  # type: ignore[attr-defined]
        if (status := self.session.status) is not None and status.model:
            self._show_present(status.model, status.engine)
        else:
            self._offer()

    def _show_present(self, model: str, engine: str) -> None:
        self.query_one("#about", Static).update(
            Content.assemble(
                "EmbeddingGemma-300M by Google DeepMind is on this machine, as ", (plain_line(model), "bold"),
                f", and runs on {plain_line(engine)}. Files are found by meaning.\n\n"
                "`ken model verify` checks every byte of it.",
            )
        )  # fmt: skip
        self.query_one("#fetch").display = False
        self.query_one("#later", Button).label = "Close"
        self.query_one("#later").focus()
        self.query_one(StatusLine).hint((("esc", "close"),))

    def _offer(self) -> None:
        from embedder.checkpoints.known_models import TERMS, known_model
        from embedder.checkpoints.models import DEFAULT_MODEL

        size = amounts.size(known_model(DEFAULT_MODEL).bytes)
        self.query_one("#about", Static).update(
            Content.assemble(
                "To find by meaning, ken needs EmbeddingGemma-300M by Google DeepMind: ", (size, "bold"),
                ", fetched once and checked byte for byte. It runs on this machine; nothing you index or ask "
                "leaves it.\n\nBy fetching it you agree to its terms of use:\n", (TERMS, "$ken-link"),
            )
        )  # fmt: skip
        self.query_one("#fetch").focus()
        self.query_one(StatusLine).hint((("enter", "choose"), ("esc", "later")))

    def on_unmount(self) -> None:
        self._left.set()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "fetch":
            self._fetch()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self._left.set()
        self.dismiss(False)

    def _fetch(self) -> None:
        if self._fetching:
            return
        self._fetching = True
        self._began = time.monotonic()
        self.query_one("#fetch", Button).disabled = True
        self.query_one("#later", Button).label = "Stop for now"
        self.query_one("#later").focus()
        self._tell(Content("Looking for a source…"))
        screen, left = self, self._left

        def work() -> object:
            from embedder.checkpoints.download import FetchObserver, fetch

            class Telling(FetchObserver):
                def progress(self, step: str, done: int, total: int) -> None:
                    if left.is_set():
                        raise Cancelled
                    tell(screen, Fetched(step, done, total))

                def note(self, text: str) -> None:
                    tell(screen, Fetched(note=text))

            return fetch(observer=Telling())

        background(self, work, self._done)

    def on_fetched(self, message: Fetched) -> None:
        if message.note:
            self.app.notify(plain_line(message.note), timeout=6, markup=False)
            return
        share = message.done / message.total if message.total else 0.0
        bar = formatting.bar(share, BAR)
        seconds = time.monotonic() - self._began
        speed = message.done / seconds if seconds > 1 else 0.0
        facts = f"{amounts.size(message.done)} of {amounts.size(message.total)}"
        if speed:
            facts += f" · {amounts.size(speed)} a second"
            facts += f" · {amounts.rough_duration((message.total - message.done) / speed)} left"
        self._tell(
            Content.assemble(
                plain_line(message.step), "\n", (bar, "$accent"), ("─" * (BAR - len(bar)), "$ken-rule"), "\n",
                (facts, "$ken-dim"),
            )
        )  # fmt: skip

    def _tell(self, text: Content) -> None:
        self.query_one("#bar", Static).update(text)

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    def _done(self, outcome: object) -> None:
        self._fetching = False
        if isinstance(outcome, Cancelled):
            return
        if isinstance(outcome, Exception):
            title = outcome.title if isinstance(outcome, TITLED_ERRORS) else "The model could not be fetched"
            rest = f"{outcome.what}\n{outcome.fix}" if isinstance(outcome, TITLED_ERRORS) else str(outcome)
            self._tell(Content.assemble((title, "bold $error"), "\n", (rest, "$ken-dim")))
            self.query_one("#fetch", Button).disabled = False
            self.query_one("#fetch", Button).label = "Try again"
            self.query_one("#later", Button).label = "Later: search by words only"
            self.query_one("#fetch").focus()
            return
        self.dismiss(True)
