"""The body of the search screen: results and preview side by side, stacked, or one at a time.

Owns where the two are for a size of the terminal and whether the preview is hidden.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from app.tui.widgets.preview_pane import PreviewPane
from app.tui.widgets.results_pane import ResultsPane

WIDE_FROM = 104
"""Columns from which both are side by side."""
STACKED_FROM = 34
"""Rows from which a narrower terminal shows one below the other."""


class Panes(Horizontal):
    """Results and preview."""

    def __init__(self, left: ResultsPane, right: PreviewPane, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._left = left
        self._right = right
        self._hidden = False

    def compose(self) -> ComposeResult:
        yield self._left
        yield self._right

    def on_mount(self) -> None:
        self.place()

    def on_resize(self) -> None:
        self.place()

    @property
    def arrangement(self) -> str:
        """`wide`, `stacked` or `single`."""
        size = self.app.size
        if size.width >= WIDE_FROM:
            return "wide"
        return "stacked" if size.height >= STACKED_FROM else "single"

    @property
    def preview_shown(self) -> bool:
        """Whether there is a preview to see or go to."""
        return bool(self._right.display) and self._right.preview.page is not None

    def neighbour(self, query: Widget, here: Widget | None, direction: int) -> Widget:
        """The next or previous of the query, the list and the preview."""
        panes: list[Widget] = [query, self._left.current]
        if self.preview_shown:
            panes.append(self._right.preview)
        return panes[((panes.index(here) if here in panes else 0) + direction) % len(panes)]

    def show_home(self, home: bool) -> None:
        """The home list has no preview."""
        self._left.swap(home=home)
        self.set_class(home, "-home")

    def toggle_preview(self) -> None:
        """Side by side or stacked: show it or not. One at a time: swap it with the list."""
        self._hidden = not self._hidden
        self.place()
        if self.arrangement == "single" and not self._hidden:
            self._right.preview.focus()

    def show_only_list(self) -> None:
        """Show the list again if there is room for one pane only."""
        if self.arrangement == "single" and not self._hidden:
            self._hidden = True
            self.place()

    def place(self) -> None:
        """Put list and preview where the size of the terminal allows."""
        arrangement = self.arrangement
        if arrangement == "single" and not self.has_class("-single"):
            self._hidden = True
        elif arrangement != "single" and self.has_class("-single"):
            self._hidden = False
        for name in ("wide", "stacked", "single"):
            self.set_class(arrangement == name, f"-{name}")
        self.set_class(self._hidden, "-no-preview")
