"""What the screens share: the library once it is open, settings, memory, and work beside the interface."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from textual.message import Message
from textual.message_pump import MessagePump

from app.api import Library, Progress, Status
from app.config import Config
from app.tui import actions
from app.tui.messages import tell
from app.tui.result_rows import RowKey
from app.tui.ui_state import UiState

Place = tuple[str, int]
"""A path, and a line of it; 0 where its format has no lines."""


@dataclass
class Picking:
    """What the interface is asked to choose, where it is run as a chooser."""

    query: str
    """What the query's line holds at first."""
    marked: dict[RowKey, Place] = field(default_factory=dict)
    """In the order in which they were marked."""
    chosen: list[Place] = field(default_factory=list)


@dataclass
class Session:
    """The state of one run of the interface."""

    config: Config = field(default_factory=Config)
    ui_state: UiState = field(default_factory=UiState)
    library: Library | None = None
    status: Status | None = None
    progress: Progress | None = None
    """The progress of this process's own sync; None while there is none."""
    lost: bool = False
    """Whether the daemon stopped answering."""
    picking: Picking | None = None
    """None where results are opened, not chosen."""

    @property
    def reading(self) -> bool:
        """Whether there may soon be more to find."""
        busy = self.status is not None and self.status.progress.phase in ("scanning", "reading", "embedding")
        return busy or self.progress is not None

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that are kept."""
        return tuple(folder.path for folder in self.status.folders) if self.status else ()

    @property
    def keymap(self) -> dict[str, str]:
        """What differs from the default keys."""
        return actions.keymap(self.config.tui.keymap, self.config.tui.keys)

    @property
    def has_letters(self) -> bool:
        """Whether letters act in the list and the preview, instead of going to the query."""
        return self.config.tui.keymap in actions.WITH_LETTERS

    def key(self, name: str) -> str:
        """A key of an action that every terminal sends, as it is shown."""
        return actions.sure_key(actions.BY_NAME[name], self.keymap)

    def title(self, action: actions.Action) -> str:
        """What menu, palette and help call an action."""
        return action.title if self.picking is None else actions.AS_CHOOSER.get(action.name, action.title)

    def remember(self, query: str) -> None:
        """Keep a query in the history."""
        if query.strip():
            self.ui_state.update(lambda state: state.remember(query))


@dataclass
class Finished(Message, bubble=False):
    """Work beside the interface ended; `then` is called with its outcome by the receiver."""

    then: Callable[[object], None]
    outcome: object


def background(receiver: MessagePump, work: Callable[[], object], then: Callable[[object], None]) -> None:
    """Do something that may take a while in a thread of its own, then `then(outcome or error)` in `receiver`.

    The receiver handles `Finished`. The thread never keeps the program from ending.
    """

    def run() -> None:
        try:
            outcome: object = work()
        except Exception as error:  # noqa: BLE001 -- every failure is shown
            outcome = error
        tell(receiver, Finished(then, outcome))

    threading.Thread(target=run, name="ken-beside", daemon=True).start()


def shown_content(status: Status) -> tuple[object, ...]:
    """The parts of a status whose change makes screens ask the library again."""
    complete = not status.pending
    return (
        complete, status.revision, status.files, status.folders, status.progress.phase, status.notices,
        status.saved_searches,
    )  # fmt: skip
