"""Two-speed search: words on every keystroke, meaning as soon as its vector is there.

Owns the numbers of requests and the two threads, one for words and one for meaning. Knows no widget.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from textual.message_pump import MessagePump
from textual.timer import Timer

from app.api import Answer, Library
from app.tui.latest_only import LatestOnly
from app.tui.messages import Answered, tell
from app.tui.session import Session
from index.types import Filter, Hit, Mode, Sort

FIRST = 20
"""Files requested while a query is typed: what a screen shows, and some more."""
ALL = 100
"""Files requested once the highlight reaches the last of the first ones."""
REST = 0.04
"""Seconds from a keystroke to a search by meaning at most: it begins as soon as words have answered, which
have the processor until then."""
HELD = 0.06
"""Seconds between keystrokes below which a search by meaning always waits for `REST`: a held key would only
waste vectors."""
LATE_SECONDS = 2.0
"""Seconds without any answer after which the screen says so."""
EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Request:
    """A search: words and filters, or what is like a passage."""

    text: str
    filter: Filter = EVERYTHING
    mode: Mode | None = None
    sort: Sort = "score"
    like: tuple[str, int] | None = None
    limit: int = FIRST
    embed_pending: bool = False
    """Whether the best pending passages are embedded first: it takes longer than a keystroke."""
    room: int = FIRST
    """Files that the screen has room for: no more are found by words while the others are on their way."""


Numbered = tuple[int, Request]


def with_meaning_below(answer: Answer, before: Answer | None) -> Answer:
    """What words alone found, and below it what meaning had found before, until meaning answers again."""
    if before is None or before.mode == "words":
        return answer
    there = {hit.path for hit in answer.hits}
    below = [hit for hit in before.hits if hit.path not in there and hit.similarity is not None]
    return replace(answer, hits=(*answer.hits, *below))


class SearchRequests:
    """The searches of a screen, which gets `Answered` and shows what `accept` lets through."""

    def __init__(self, screen: MessagePump, session: Session, late: Callable[[bool], None]) -> None:
        """`late` is called with True if no answer comes, and with False once one has come."""
        self._tell_late = late
        self._late: Timer | None = None
        self._screen = screen
        self._session = session
        self.number = 0
        self._shown = (0, False)
        self._last: Request | None = None
        self._asked_at = float("-inf")
        self._is_held = False
        self._words: LatestOnly[Numbered, Answer] = LatestOnly("words", self._ask_words, self._words_done)
        self._meaning: LatestOnly[Numbered, Answer] = LatestOnly(
            "meaning", self._ask_meaning, self._meaning_done
        )

    def ask(self, request: Request) -> None:
        """Ask, in place of whatever waits to be asked."""
        self.number += 1
        self._last = request
        before, self._asked_at = self._asked_at, time.monotonic()
        self._is_held = self._asked_at - before < HELD
        if self._session.library is None:
            return
        if self._late is None:
            self._late = self._screen.set_timer(LATE_SECONDS, lambda: self._tell_late(True))
        if request.mode == "words":
            self._meaning.drop()
        else:
            self._meaning.ask((self.number, request), REST)
        if request.mode in (None, "words", "hybrid"):
            self._words.ask((self.number, request))

    def ask_similar(self, hit: Hit) -> None:
        """Ask what is like a passage."""
        self._words.drop()
        self._ask_in_full(Request("", like=(hit.path, hit.start)))

    @property
    def answered(self) -> bool:
        """Whether what is shown answers the last query."""
        return self._shown[0] == self.number

    def again(self, *, quietly: bool = False) -> None:
        """Ask the last query once more: the library was not there, or changed.

        `quietly`: what is shown stays, and stays the answer, until the new one is there.
        """
        if self._last is None:
            return
        if quietly:
            shown = self.answered
            self._ask_in_full(self._last)
            self._shown = (self.number, False) if shown else self._shown
        elif self._last.like is None:
            self.ask(self._last)
        else:
            self._ask_in_full(self._last)

    def more(self, there: int) -> None:
        """Ask for all files: the highlight is at the end of the `there` first ones."""
        if self._last is not None and there >= self._last.limit < ALL:
            self._ask_in_full(replace(self._last, limit=ALL))

    def _ask_in_full(self, request: Request) -> None:
        """Ask without words first: what is there stays until the answer comes."""
        self.number += 1
        self._last = request
        thread = self._words if request.mode == "words" else self._meaning
        thread.ask((self.number, request))

    def give_up(self) -> None:
        """Want no answer any more."""
        self.number += 1
        self._shown = (self.number, True)
        self._last = None
        self._words.drop()
        self._meaning.drop()

    def accept(self, message: Answered) -> bool:
        """Whether an answer is to be shown: never one of an earlier request than the one that is shown."""
        if self._late is not None:
            self._late.stop()
            self._late = None
            self._tell_late(False)
        at = (message.number, message.final)
        if at <= self._shown:
            return False
        if isinstance(message.outcome, Exception) and message.number != self.number:
            return False
        self._shown = at
        if message.final and self.answered and isinstance(message.outcome, Answer):
            self._ask_with_vectors(message.outcome)
        return True

    def _ask_with_vectors(self, answer: Answer) -> None:
        """If a hit is approximate, ask the query again and embed the best pending passages first."""
        last = self._last
        if last is not None and not last.embed_pending and any(hit.approximate for hit in answer.hits):
            self._last = replace(last, embed_pending=True)
            self.again(quietly=True)

    def close(self) -> None:
        self._words.close()
        self._meaning.close()

    def _ask_words(self, numbered: Numbered) -> Answer:
        request = numbered[1]
        if request.mode != "words":
            request = replace(request, limit=min(request.limit, request.room))
        return self._search(request, "words")

    def _ask_meaning(self, numbered: Numbered) -> Answer:
        request = numbered[1]
        if request.like is not None:
            path, start = request.like
            return self._library.similar(path, start=start, limit=request.limit)
        return self._search(request, request.mode or "hybrid")

    def _search(self, request: Request, mode: Mode) -> Answer:
        return self._library.search(
            request.text,
            limit=request.limit,
            mode=mode,
            filter=request.filter,
            typing=True,
            embed_pending=request.embed_pending,
            sort=request.sort,
        )

    @property
    def _library(self) -> Library:
        library = self._session.library
        assert library is not None
        return library

    def _words_done(self, request: Numbered, outcome: Answer | Exception) -> None:
        found_nothing = isinstance(outcome, Answer) and not outcome.hits
        if request[0] == self.number and (found_nothing or not self._is_held):
            self._meaning.hurry()
        tell(self._screen, Answered(request[0], outcome, final=request[1].mode == "words"))

    def _meaning_done(self, request: Numbered, outcome: Answer | Exception) -> None:
        tell(self._screen, Answered(request[0], outcome, final=True))
