"""The left pane: the home list while there is no query, else the results with a remark above them.

Owns which of the two lists is in sight, how results are sorted and which files are opened to all their
places. Knows nothing of how an answer is found.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from app import amounts
from app.api import Answer
from app.sanitize import plain_line
from app.tui import completion, result_rows
from app.tui.session import Session
from app.tui.widgets.home import HomeList
from app.tui.widgets.list_view import CardList
from app.tui.widgets.results import ResultList
from index.types import Hit, Sort

NEAR_END = 5
"""Rows before the last one at which the rest of the answer is asked for."""


class ResultsPane(Vertical):
    """The home list or the results."""

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.home = HomeList(id="home")
        self.results = ResultList(id="results")
        self.sort: result_rows.Sort = "date" if session.ui_state.sort == "date" else "relevance"
        self._banner = Static(id="banner", markup=False)
        self._expanded: frozenset[str] = frozenset()
        self._answer: Answer | None = None

    def compose(self) -> ComposeResult:
        yield self._banner
        yield self.home
        yield self.results

    @property
    def current(self) -> CardList[object]:
        """The list in sight."""
        return self.home if self.home.display else self.results  # type: ignore[return-value]

    @property
    def hit(self) -> Hit | None:
        """The highlighted result."""
        row = self.results.card if self.results.display else None
        return row.hit if row is not None else None

    @property
    def file(self) -> Hit | None:
        """The highlighted result's file, with all its places in `more`."""
        hit = self.hit
        files = (row.hit for row in self.results.cards if not row.depth and hit and row.hit.path == hit.path)
        return next(files, hit)

    @property
    def room(self) -> int:
        """Files that can be seen at once, the last of them in part."""
        return 1 + self.app.size.height // self.results.file_rows

    @property
    def near_end(self) -> bool:
        """Whether the user has come near the last result."""
        cursor = self.results.cursor
        at_end = cursor is not None and cursor + NEAR_END >= len(self.results.cards)
        return self.results.touched and at_end

    @property
    def order(self) -> Sort:
        """The order as the library calls it."""
        return "date" if self.sort == "date" else "score"

    def show(self, answer: Answer | None) -> None:
        """Show the rows of an answer, as they are sorted and opened now."""
        self._answer = answer
        if answer is None:
            self.results.show(())
            return
        pinned = frozenset((pin.path, pin.start) for pin in self.session.ui_state.pins)
        self.results.roots = self.session.roots
        self.results.show(result_rows.build(answer, self.sort, self._expanded, pinned))

    def show_home(self) -> None:
        """The state of the index, pins, earlier queries and suggestions."""
        status, roots = self.session.status, self.session.roots
        about = "" if status is None else "Nothing is indexed yet. F2 adds a folder."
        if status is not None and status.folders:
            names = ", ".join(completion.folder_names(roots)[:4])
            about = f"{amounts.count(status.files, 'file')} in {plain_line(names)}"
        self.home.tell(self.session.ui_state, roots, about)

    def swap(self, *, home: bool) -> None:
        """Bring one of the two lists into sight."""
        self.results.display = not home
        self.home.display = home

    def remark(self, text: Content) -> None:
        """Say something above the results; empty text takes it away."""
        if self._banner.content != text:
            self._banner.update(text)
            self._banner.set_class(bool(text), "-said")

    def show_places(self, opened: bool) -> None:
        """Show every place of the highlighted file, or only the best."""
        if self.hit is not None:
            paths = {self.hit.path}
            self._expanded = self._expanded | paths if opened else self._expanded - paths
            self.results.touched = True
            self.show(self._answer)

    def toggle_sort(self) -> None:
        """Best first, or newest first; remembered for the next run."""
        self.sort = "relevance" if self.sort == "date" else "date"
        self.session.ui_state.update(lambda state: setattr(state, "sort", self.sort))
        self.show(self._answer)
