"""What the parts of the search screen share: its widgets, what is asked, and what stands in the list."""

from __future__ import annotations

from textual.screen import Screen

from app import query as syntax
from app.api import Answer
from app.tui import completion, result_rows
from app.tui.session import Session
from app.tui.widgets.filter_bar import FilterBar
from app.tui.widgets.home import HomeList
from app.tui.widgets.list_view import CardList
from app.tui.widgets.preview import Preview
from app.tui.widgets.query import QueryInput
from app.tui.widgets.results import ResultList
from app.tui.widgets.status_line import StatusLine
from index.types import Hit


class AskedScreen(Screen[None]):
    """A question and its answer."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.input = QueryInput(self.complete, id="query")
        self.filters = FilterBar(id="filters")
        self.home = HomeList(id="home")
        self.results = ResultList(id="results")
        self.preview = Preview(id="preview")
        self.line = StatusLine(id="status")
        self.sort: result_rows.Sort = "date" if session.memory.sort == "date" else "relevance"
        self.expanded: frozenset[str] = frozenset()
        self.answer: Answer | None = None
        self.like: Hit | None = None
        """The passage whose like is shown; None where a question is."""

    def complete(self, text: str) -> str | None:
        return completion.complete(text, self.session.roots, self.session.memory.questions)

    @property
    def parsed(self) -> syntax.Query:
        """The question taken apart into words and filters."""
        return syntax.parse(self.input.value)

    @property
    def question(self) -> str:
        """What is asked, without filters."""
        return self.parsed.text.strip()

    @property
    def current(self) -> CardList[object]:
        """The list in sight."""
        return self.home if self.home.display else self.results  # type: ignore[return-value]

    @property
    def hit(self) -> Hit | None:
        """The highlighted result."""
        row = self.results.card if self.results.display else None
        return row.hit if row is not None else None

    def show_rows(self) -> None:
        """The rows of the answer as it is sorted and opened now."""
        if self.answer is not None:
            pinned = frozenset((pin.path, pin.line) for pin in self.session.memory.pins)
            self.results.roots = self.session.roots
            self.results.show(result_rows.build(self.answer, self.sort, self.expanded, pinned))
