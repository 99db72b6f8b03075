"""What threads tell the interface. Plain data; the receiver decides whether it is still wanted."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from textual.message import Message
from textual.message_pump import MessagePump

from app.api import Answer, Library, Progress, Status, SyncReport
from app.tui.preview_lines import Page, Span3


@dataclass
class Answered(Message):
    """The answer to request `number`, or the error; `final` where no better one follows."""

    number: int
    outcome: Answer | Exception
    final: bool


@dataclass
class PageRead(Message):
    """What was asked for preview `number`; `at` is the position that shall not move."""

    number: int
    outcome: Page | Exception
    at: int | None


@dataclass
class Weighed(Message):
    """How much each sentence in preview `number` answers."""

    number: int
    marks: tuple[Span3, ...]


@dataclass
class Connected(Message):
    """The library is open, or why not."""

    outcome: Library | Exception


@dataclass
class StatusTold(Message):
    """The status of the library, or the error that prevented it."""

    outcome: Status | Exception

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StatusTold)


@dataclass
class Progressed(Message):
    """The progress of a sync."""

    progress: Progress

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Progressed)


@dataclass
class Synced(Message):
    """A sync ended."""

    outcome: SyncReport | Exception


def tell(receiver: MessagePump, message: Message) -> None:
    """Post a message from any thread; one that comes after the end is dropped."""
    with contextlib.suppress(RuntimeError):
        receiver.post_message(message)
