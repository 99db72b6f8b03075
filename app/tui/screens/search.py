"""The first screen: a query, its results and a preview.

Owns which answer is shown: queries are numbered, words answer at once and meaning a moment later, and no
answer ever replaces that of a later query. Its parts own the rest: `ResultsPane` the lists, `PreviewPane`
the document, `Panes` their places, `HitActions` what is done with a result.
"""

from __future__ import annotations

import time
from typing import Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from app import query as syntax
from app.api import Answer
from app.errors import TITLED_ERRORS, DaemonError
from app.tui import actions, completion, remarks
from app.tui.after_burst import AfterBurst
from app.tui.messages import Answered
from app.tui.preview_loader import matched_words
from app.tui.screens.filter_actions import FilterActions
from app.tui.screens.hit_actions import HitActions
from app.tui.screens.search_requests import Request, SearchRequests, with_meaning_below
from app.tui.session import Finished, Session
from app.tui.toasts import say
from app.tui.widgets.filter_bar import FilterBar
from app.tui.widgets.list_view import CardList
from app.tui.widgets.panes import Panes
from app.tui.widgets.preview_pane import PreviewPane
from app.tui.widgets.query import QueryInput
from app.tui.widgets.results_pane import ResultsPane
from app.tui.widgets.status_line import NoticeLine, StatusLine
from index.types import Hit

REFRESH_SECONDS = 2.0  # between two times the query is asked again while files are being indexed
PREVIEW_ROWS = 3  # by which a key scrolls the preview


class SearchScreen(Screen[None]):
    """Query, results, preview."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (56, "-narrow"), (104, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
    BINDINGS = [*actions.bindings("search"), Binding("ctrl+c", "copy_or_clear", show=False)]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.requests = SearchRequests(self, session, lambda late: self.app.late(late))  # type: ignore[attr-defined]
        self.input = QueryInput(
            lambda text: completion.complete(text, session.roots, session.ui_state.questions), id="query"
        )
        self.filters = FilterBar(id="filters")
        self.left = ResultsPane(session, id="left")
        self.right = PreviewPane(session, id="right")
        self.panes = Panes(self.left, self.right, id="body")
        self.notices = NoticeLine(id="notices")
        self.line = StatusLine(id="status")
        self.home, self.results, self.preview = self.left.home, self.left.results, self.right.preview
        self.answer: Answer | None = None
        self.like: Hit | None = None
        """The passage whose like is shown; None where a query is."""
        self._actions = HitActions(self, session)
        self._narrowing = FilterActions(self.input, session)
        self._refreshed = 0.0
        self._asked = ""
        """The text of the query that was asked last."""
        self._typing = AfterBurst(self, self.ask)
        self._opens: str | None = None
        """The query whose first hit is opened as soon as it has its answer."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static("❯", id="prompt")
            yield self.input
            yield Static("ken", id="name")
        yield self.filters
        yield self.panes
        yield self.notices
        yield self.line

    def on_mount(self) -> None:
        for pane in (self.home, self.results, self.preview):
            pane.take_key, pane.take_paste = self.take_key, self.input.take_paste
        self.input.focus()
        self.show_home()
        self._tell_filters()

    def on_unmount(self) -> None:
        self.requests.close()

    @property
    def parsed(self) -> syntax.Query:
        """The query taken apart into words and filters."""
        return syntax.parse(self.input.value)

    @property
    def hit(self) -> Hit | None:
        """The highlighted result."""
        return self.left.hit

    def on_input_changed(self, event: Input.Changed) -> None:
        self.like = None
        self.results.touched = False
        self.right.hold()
        self._typing.changed()

    def ask(self) -> None:
        """Search for what is in the line now; an empty line shows the home list."""
        self._tell_filters()
        query = syntax.parse(completion.without_open_filter(self.input.value))
        if not query.text.strip() and query.filter == syntax.NO_FILTER:
            self.requests.give_up()
            self.show_home()
            self.left.remark(remarks.on_query(self.input.value, self.session))
            return
        self._asked = self.input.value
        order = query.sort or self.left.order
        self.requests.ask(Request(query.text, query.filter, query.mode, order, room=self.left.room))
        if problem := remarks.on_query(self.input.value, self.session):
            self.left.remark(problem)

    def on_answered(self, message: Answered) -> None:
        if not self.requests.accept(message):
            return
        if isinstance(message.outcome, Exception):
            self._show_failure(message.outcome)
        elif message.outcome.hits or message.final:
            answer = message.outcome
            self.answer = answer if message.final else with_meaning_below(answer, self.answer)
            self.show_answer(self.answer, final=message.final)
        if message.final and self._opens is not None and self._is_answered:
            opens, self._opens = self._opens, None
            if opens == self.input.value:
                self.action_open_hit()

    @property
    def _is_answered(self) -> bool:
        return self.requests.answered and self._asked == self.input.value

    def show_answer(self, answer: Answer, *, final: bool) -> None:
        if final or not self.results.cards:
            filtered = self.parsed.filter != syntax.NO_FILTER
            said = remarks.on_answer(answer, self.session, filtered=filtered, like=self.like)
            problem = remarks.on_query(self.input.value, self.session)
            self.left.remark(problem or (said if final else Content("")))
        self.left.show(answer)
        self._swap(home=False)
        self.filters.summarize(remarks.summary(answer, final=final, width=self.app.size.width))

    def _show_failure(self, error: Exception) -> None:
        if isinstance(error, DaemonError):
            self.app.lose()  # type: ignore[attr-defined]  # what was found stays; it is asked again
            return
        self.left.remark(remarks.on_failure(error, self.session))
        self.filters.summarize("")
        if not isinstance(error, TITLED_ERRORS) or self.answer is None:
            self.answer = None
            self.left.show(None)
        self._swap(home=False)

    def show_home(self) -> None:
        """No query: pins, earlier queries, what to try."""
        self.answer = None
        self.like = None
        self.input.forget_recall()
        self.left.remark(Content(""))
        self.filters.summarize("")
        self.left.show_home()
        self._swap(home=True)
        self.right.clear()

    def tell_status(self) -> None:
        """The index is another now: a query that nothing could answer, or only in part, is asked again."""
        if self.session.status is not None:
            self.notices.tell(self.session.status.notices)
        if self.home.display:
            self.left.show_home()
        elif not self.session.reading or time.monotonic() - self._refreshed > REFRESH_SECONDS:
            self.refresh_answer()

    def refresh_answer(self) -> None:
        """Files have changed, or may have: ask again, with what is highlighted kept where it is."""
        self._refreshed = time.monotonic()
        if not self.home.display:
            self.requests.again(quietly=True)

    def on_screen_resume(self) -> None:
        if self.home.display:
            self.left.show_home()

    def _swap(self, *, home: bool) -> None:
        self.panes.show_home(home)
        if home and self.focused in (self.results, self.preview):
            self.input.focus()
        self._hint()

    def on_card_list_highlighted(self, message: CardList.Highlighted) -> None:
        if message.cards is not self.results:
            return
        if self.hit is None:
            self.right.clear()
            return
        answer = self.answer
        by_meaning = answer is not None and answer.mode != "words"
        words = matched_words(answer.hits) if answer else frozenset()
        self.right.show_hit(self.hit, words, self.parsed.text if by_meaning else "")
        if answer is not None and self.left.near_end:
            self.requests.more(len(answer.hits))

    def on_card_list_chosen(self, message: CardList.Chosen) -> None:
        self.action_open_hit()

    def on_finished(self, message: Finished) -> None:
        message.then(message.outcome)

    def action_move(self, steps: int) -> None:
        current = self.left.current
        if self.focused is self.preview:
            self.right.scroll(steps)
        elif steps > 0 and self.input.has_draft and not current.touched:
            self.input.restore_draft()
        elif current is self.home and not self.home.touched and steps > 0:
            self.home.highlight(self.home.cursor)
            self.home.refresh()
        elif not current.move(steps) and steps < 0 and self.focused is self.input:
            self.input.recall(self.session.ui_state.questions)

    def take_key(self, event: events.Key) -> bool:
        """Type into the query also from a list or the preview, unless the keymap uses letters."""
        typed = event.character if event.is_printable else ""
        if not (typed or event.key == "backspace"):
            return False
        action = actions.by_letter(event.key) if self.session.has_letters else None
        if action is not None:
            self.call_later(self.run_action, action.does)
        else:
            self.input.go_on(typed or "")
        return True

    def action_scroll(self, by: Literal["rows", "page", "edge"], direction: int) -> None:
        """The preview by some rows; or a page on, or to the edge, in the preview if it has the focus, else in
        the list."""
        pane = self.right if self.focused is self.preview else self.left.current
        if by == "rows":
            self.right.scroll(direction * PREVIEW_ROWS)
        elif by == "page":
            pane.page(direction)
        else:
            pane.edge(direction)

    def action_expand(self, opened: bool) -> None:
        self.left.show_places(opened)

    def action_place(self, direction: int) -> None:
        """To the next or previous passage of the file that answers."""
        if (file := self.left.file) is not None:
            self.right.step(file, direction)

    def action_outline(self) -> None:
        """Choose a heading or page of the previewed document to go to."""
        from app.tui.screens.outline import choose_heading  # the first paint does not need it

        self.right.once_read(lambda: choose_heading(self, self.right))

    def action_toggle_preview(self) -> None:
        self.panes.toggle_preview()

    def action_focus_query(self) -> None:
        self.input.focus()

    def action_back(self) -> None:
        """From a pane to the query; in the query, up to where it was and then to nothing."""
        if self.focused is not self.input:
            self.panes.show_only_list()
            self.input.focus()
        elif self.like is not None:
            self.like = None
            self.ask()
        else:
            self.remember()
            self.input.set("")

    def action_copy_or_clear(self) -> None:
        """As in a shell: what is selected is copied, a query is given up, an empty line ends the program."""
        if text := self.input.selected_text or self.get_selected_text():
            self._actions.copy(text, "What is selected")
            self.clear_selection()
        elif self.input.value or self.like is not None:
            self.remember()
            self.input.focus()
            self.like = None
            self.input.set("")
        else:
            self.app.call_later(self.app.run_action, "quit")

    def remember(self) -> None:
        """Keep the query among the earlier ones, if it had an answer."""
        self.session.remember(self.input.value if self.answer is not None else "")

    def action_next_pane(self) -> None:
        """Complete the filter or the earlier query being typed, else go on to the next pane."""
        candidates = completion.candidates(self.input.value, self.session.roots)
        if self.focused is self.input and self.input.completion and (candidates or self.answer is None):
            self.input.set(self.input.completion)
        else:
            self.action_pane(1)

    def action_pane(self, direction: int) -> None:
        """To the next or previous of query, list and preview."""
        self.panes.neighbour(self.input, self.focused, direction).focus()

    def on_descendant_focus(self) -> None:
        self._hint()
        self._tell_filters()

    def _hint(self) -> None:
        if not self.is_mounted:
            return
        where: remarks.Where = "query" if self.focused is self.input else "list"
        self.line.hint(remarks.hints("home" if self.home.display else where, self.session))

    def _tell_filters(self) -> None:
        before = self.input.value[: self.input.cursor_position]
        candidates = completion.candidates(before, self.session.roots) if ":" in before[-40:] else []
        self.filters.tell(self.input.value, self.left.sort, candidates if self.input.has_focus else [])

    def action_toggle_sort(self) -> None:
        self.left.toggle_sort()
        self.ask()

    def action_choose(self, key: str) -> None:
        """Choose the value of a filter from a list."""
        self._narrowing.choose(key)

    def action_clear_filters(self) -> None:
        self.input.set(completion.without_filters(self.input.value))

    def on_query_input_cut(self, message: QueryInput.Cut) -> None:
        say(self.app, f"The question is cut at {message.kept:,} characters")

    def action_open_hit(self) -> None:
        home = self.home.display and self.home.touched and not self.input.value
        entry = self.home.card if home else None
        if entry is not None and (pin := entry.pin) is not None:
            self.open_place(pin.path, pin.line, pin.page, "pdf" if pin.page else "text")
        elif entry is not None:
            self.input.set(entry.text)
            self.input.focus()
        elif self.input.value and not self._is_answered:
            self._opens = self.input.value  # what is highlighted answers an earlier query
        elif self.hit is not None:
            self.session.remember(self.input.value)
            self.open_place(self.hit.path, self.hit.line, self.hit.page, self.hit.kind)

    def open_place(self, path: str, line: int, page: int | None, kind: str) -> None:
        self._actions.open_place(path, line, page, kind)
        self.refresh_answer()

    def action_on_hit(self, name: str) -> None:
        """Do one of `HitActions` with the highlighted result."""
        pinned = self.home.card.pin if self.home.display and self.home.card is not None else None
        if name == "pin" and pinned is not None:
            self._actions.unpin(pinned)
            self.left.show_home()
            self._hint()
            return
        if name.startswith("copy"):
            self.session.remember(self.input.value)
        self._actions.run(name, self.hit, self.parsed)
        if name == "pin":
            self.left.show(self.answer)

    def action_similar(self) -> None:
        if self.hit is not None:
            self.session.remember(self.input.value)
            self.like = self.hit
            self.requests.ask_similar(self.hit)
