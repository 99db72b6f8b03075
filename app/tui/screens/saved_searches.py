"""Saved searches: each is asked again whenever files change, and new answers are told."""

from __future__ import annotations

from datetime import datetime

from textual.binding import Binding
from textual.content import Content

from app import amounts
from app.answers import saved_searches
from app.answers.saved_searches import SavedSearch
from app.sanitize import plain_line
from app.tui.screens.dialog import Dialog, Prompt
from app.tui.screens.list_screen import ListScreen
from app.tui.session import Session, background
from app.tui.widgets.list_view import CardList


class SavedSearchList(CardList[SavedSearch]):
    """A saved search a card."""

    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"list--title", "list--dim"}

    def __init__(self) -> None:
        super().__init__(key=lambda search: search.id, height=lambda search: 3, paint=self.paint)

    def paint(self, card: SavedSearch, width: int) -> list[Content]:
        since = datetime.fromtimestamp(card.since_ns / 1e9)
        facts = [f"since {since.day} {since:%b %Y}", amounts.count(len(card.told), "answer")]
        if card.command:
            facts.append("runs " + plain_line(card.command[0]))
        return [
            Content.assemble((" " + plain_line(card.query), self.part("list--title"))).truncate(
                width, ellipsis=True
            ),
            Content.assemble((" " + " · ".join(facts), self.part("list--dim"))).truncate(
                width, ellipsis=True
            ),
        ]


class SavedSearchesScreen(ListScreen[SavedSearch]):
    """The saved searches."""

    HEADING = "Saved searches"
    HINTS = (("enter", "search now"), ("a", "add"), ("d", "remove"))
    BINDINGS = [
        Binding("enter,o", "ask", "Search now", show=False),
        Binding("a,plus", "add", "Save a search", show=False),
        Binding("d,delete", "remove", "Remove it", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session, SavedSearchList())

    def tell_status(self) -> None:
        background(self, saved_searches.read, self._read)

    def _read(self, outcome: object) -> None:
        if not isinstance(outcome, tuple):
            self.say_outcome(outcome, "")
            return
        self.list.show(outcome)
        status = self.session.status
        if status is not None and not status.daemon:
            self.note(
                "The daemon asks them, and it does not run: `ken daemon install` starts it at each login."
            )
        elif outcome:
            self.note(
                "You are told when something newly saved answers one of them. "
                "enter searches now, what came last first."
            )
        else:
            watch = self.session.key("watch")
            self.note(f"None yet. Press a, or {watch} where a query has been typed.")

    def action_ask(self) -> None:
        card = self.list.card
        if card is not None:
            screen = self.app.search_screen  # type: ignore[attr-defined]
            self.dismiss()
            screen.input.set(f"{card.query} sort:date" if card.told else card.query)

    def action_add(self) -> None:
        def given(query: str | None) -> None:
            if query:
                background(self, lambda: saved_searches.add(query), self._changed)

        self.app.push_screen(Prompt("Save a search", "You are told when something new answers it."), given)

    def action_remove(self) -> None:
        card = self.list.card
        if card is None:
            return

        def chosen(name: str | None) -> None:
            if name == "remove":
                background(self, lambda: saved_searches.remove(card.id), self._changed)

        buttons = (("keep", "Keep it"), ("remove", "Remove it"))
        self.app.push_screen(Dialog("Remove this saved search?", plain_line(card.query), buttons), chosen)

    def _changed(self, outcome: object) -> None:
        self.say_outcome(outcome, "")
        self.tell_status()

    def on_card_list_chosen(self) -> None:
        self.action_ask()
