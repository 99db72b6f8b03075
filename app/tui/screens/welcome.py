"""The first run: which folders to read, what that means, and then the model where it is missing."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from textual.binding import Binding
from textual.content import Content
from textual.message import Message

from app import amounts, paths
from app.folders import onboarding
from app.folders.onboarding import Estimate
from app.sanitize import plain_path
from app.tui.messages import tell
from app.tui.screens.dialog import PathPrompt
from app.tui.screens.list_screen import ListScreen
from app.tui.session import Session, background
from app.tui.widgets.list_view import CardList
from app.tui.widgets.results import spread

KINDS_SHOWN = 4
ROOM_FOR_GREETING = 20
"""Rows from which there is room for more than the folders."""
GREETING = (
    "ken finds your own files by what they mean. It reads the folders you choose, on this machine, "
    "and nothing leaves it."
)


@dataclass(frozen=True)
class FolderChoice:
    """A folder that may be read, and what is known of it so far."""

    path: str
    chosen: bool = False
    estimate: Estimate | None = None
    done: bool = False
    time: str = ""
    """How long reading it takes."""


@dataclass
class Estimated(Message):
    """A better estimate of a folder."""

    estimate: Estimate
    done: bool


class FolderChoiceList(CardList[FolderChoice]):
    """A folder a card, with a box to tick."""

    CLICK_CHOOSES = True
    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"list--title", "list--dim", "list--good", "list--faint"}

    def __init__(self) -> None:
        super().__init__(
            key=lambda choice: choice.path, height=lambda choice: self.card_height, paint=self.paint
        )

    @property
    def card_height(self) -> int:
        return 4 if self.app.size.height >= 30 else 3

    def paint(self, card: FolderChoice, width: int) -> list[Content]:
        box = ("◉ ", self.part("list--good")) if card.chosen else ("○ ", self.part("list--faint"))
        name = Content.assemble(" ", box, (plain_path(paths.short(card.path)), self.part("list--title")))
        return [
            spread(name.truncate(max(8, width - 34), ellipsis=True), self._amount(card), width),
            Content.assemble(("   " + _read(card.estimate), self.part("list--dim"))).truncate(
                width, ellipsis=True
            ),
            Content.assemble(("   " + _left_out(card.estimate), self.part("list--faint"))).truncate(
                width, ellipsis=True
            ),
        ]

    def _amount(self, card: FolderChoice) -> Content:
        if card.estimate is None:
            return Content.styled("counting…", self.part("list--faint"))
        files = amounts.count(card.estimate.files, "file")
        more = "" if card.done else "…" if card.estimate.whole else "+"
        time = f" · {card.time}" if card.estimate.files else ""
        return Content.styled(files + more + time, self.part("list--dim"))


def _read(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    if not estimate.files:
        return "nothing that ken reads"
    kinds = sorted(estimate.kinds.items(), key=lambda item: -item[1])
    named = [f"{number:,} {kind}" for kind, number in kinds[:KINDS_SHOWN]]
    rest = len(kinds) - KINDS_SHOWN
    return (
        f"reads {amounts.size(estimate.bytes)}: "
        + ", ".join(named)
        + (f", {amounts.count(rest, 'more kind')}" if rest > 0 else "")
    )


def _left_out(estimate: Estimate | None) -> str:
    if estimate is None or not estimate.left_out:
        return ""
    reasons = sorted(estimate.left_out.items(), key=lambda item: -item[1])[:KINDS_SHOWN]
    return plain_path("leaves out: " + ", ".join(f"{number:,} {reason}" for reason, number in reasons))


class WelcomeScreen(ListScreen[FolderChoice]):
    """Folders to choose from; enter begins. Gives the folders that are kept now."""

    HEADING = "Welcome to ken"
    HINTS = (("space", "choose"), ("a", "another folder"), ("enter", "begin"))
    BINDINGS = [
        Binding("space,x", "tick", "Choose it, or not", show=False),
        Binding("a,plus", "add", "Another folder", show=False),
        Binding("enter", "begin", "Begin", show=False),
        Binding("escape,q", "later", "Later", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session, FolderChoiceList())
        self._left = threading.Event()
        self.choices: list[FolderChoice] = []
        self._speed: float | None = None
        """Tokens a second, once this machine was measured."""

    def on_mount(self) -> None:
        background(self, onboarding.suggestions, self._show_suggestions)
        library = self.session.library
        if library is not None:
            background(self, lambda: onboarding.measured_speed(library), self._show_speed)
        self._say()

    def _show_speed(self, outcome: object) -> None:
        """Without the model nothing can be measured: the guess stays, and is called one."""
        if isinstance(outcome, float):
            self._speed = outcome
            self._show()

    def _time(self, estimates: Iterable[Estimate]) -> str:
        tokens = sum(estimate.tokens for estimate in estimates)
        if self._speed is None:
            return f"roughly {amounts.rough_duration(tokens / onboarding.GUESSED_SPEED)}"
        return f"about {amounts.rough_duration(tokens / self._speed)}"

    def on_unmount(self) -> None:
        self._left.set()

    def _show_suggestions(self, outcome: object) -> None:
        if isinstance(outcome, list):
            self.choices = [FolderChoice(path, chosen=index == 0) for index, path in enumerate(outcome)]
            self._show()
            self._count([choice.path for choice in self.choices])

    def _count(self, wanted: list[str]) -> None:
        """Count folders one after another, so that the first ones are known soon."""

        def work() -> None:
            for path in wanted:
                last = None
                for last in onboarding.estimate(path, self.session.config.reading, self._left.is_set):
                    tell(self, Estimated(last, done=False))
                if last is not None:
                    tell(self, Estimated(last, done=True))

        background(self, work, lambda outcome: None)

    def on_estimated(self, message: Estimated) -> None:
        self.choices = [
            replace(choice, estimate=message.estimate, done=message.done)
            if choice.path == message.estimate.path
            else choice
            for choice in self.choices
        ]
        self._show()

    def _show(self) -> None:
        self.list.touched = True
        self.list.show(
            [replace(c, time=self._time([c.estimate]) if c.estimate else "") for c in self.choices]
        )
        self._say()

    def _say(self) -> None:
        chosen = [choice for choice in self.choices if choice.chosen]
        known = [choice.estimate for choice in chosen if choice.estimate is not None]
        if not self.choices:
            rest = "\n\nPress a and name a folder to begin with."
        elif not chosen:
            rest = "\n\nChoose folders with space, then press enter."
        else:
            files = amounts.count(sum(estimate.files for estimate in known), "file")
            guess = "" if self._speed else " (a guess: not timed on this machine yet)"
            time = f", {self._time(known)} in the background{guess}" if known else ""
            folders = amounts.count(len(chosen), "folder")
            rest = f"\n\nEnter begins with {folders}: {files}{time}. Search works meanwhile."
        self.note(GREETING + rest if self.app.size.height >= ROOM_FOR_GREETING else rest.strip())

    def action_tick(self) -> None:
        card = self.list.card
        if card is not None:
            self.choices = [
                replace(choice, chosen=not choice.chosen) if choice.path == card.path else choice
                for choice in self.choices
            ]
            self._show()

    def on_card_list_chosen(self) -> None:
        self.action_tick()

    def action_add(self) -> None:
        self.app.push_screen(PathPrompt("Another folder"), self._add_typed_folder)

    def _add_typed_folder(self, path: str | None) -> None:
        if path is not None:
            self.choices = [FolderChoice(path, chosen=True), *(c for c in self.choices if c.path != path)]
            self._show()
            self.list.edge(-1)
            self._count([path])

    def action_later(self) -> None:
        self.dismiss(None)

    def action_begin(self) -> None:
        chosen = [choice.path for choice in self.choices if choice.chosen]
        library = self.session.library
        if not chosen or library is None:
            self.say_outcome(None, "Choose a folder first: space ticks it")
            return
        background(self, lambda: library.add(chosen), lambda outcome: self._close_when_added(outcome, chosen))

    def _close_when_added(self, outcome: object, chosen: list[str]) -> None:
        if isinstance(outcome, Exception):
            self.say_outcome(outcome, "")
            return
        self.dismiss(chosen)
