"""Shows new answers to saved searches while the interface is open.

The daemon runs the searches and writes down what it reported; this compares that with what was there before.
"""

from __future__ import annotations

from typing import Any

from textual.app import App

from app import amounts
from app.answers import saved_searches
from app.answers.saved_searches import SavedSearch
from app.api import Status
from app.tui.session import Session, background
from app.tui.toasts import say_news

MOST_SAID = 3
"""Saved searches that are named: more would cover a small screen."""


class SavedMatches:
    """What was reported so far, of every saved search."""

    def __init__(self, app: App[Any], session: Session) -> None:
        self._app = app
        self._session = session
        self._revision: int | None = None
        self._told: dict[str, frozenset[str]] | None = None
        """By query, the digests of what was reported; None before the first look."""

    def look(self, status: Status) -> None:
        """Read the saved searches where they have changed since the last look."""
        if status.saved_searches != self._revision:
            self._revision = status.saved_searches
            background(self._app, saved_searches.read, self._compare)

    def _compare(self, outcome: object) -> None:
        if not isinstance(outcome, tuple):  # F4 says what is wrong with the file
            return
        before, searches = self._told, [one for one in outcome if isinstance(one, SavedSearch)]
        self._told = {search.query: frozenset(search.told) for search in searches}
        if before is None:
            return
        new = {one.query: len(self._told[one.query] - before.get(one.query, frozenset())) for one in searches}
        found = [(query, number) for query, number in new.items() if number]
        key = self._session.key("standing")
        if len(found) > MOST_SAID:
            say_news(self._app, f"{len(found)} saved searches: {key} lists them")
            return
        for query, number in found:
            say_news(self._app, f"{query}: {amounts.count(number, 'answer')} · {key} shows it")
