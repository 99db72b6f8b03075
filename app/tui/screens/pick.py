"""The search screen as a chooser: what is chosen is printed for another program, not opened.

Owns what is marked, in fzf's manner: tab marks, enter takes what is marked or else what is highlighted.
"""

from __future__ import annotations

from app.tui.screens.search import SearchScreen
from app.tui.session import Picking, Place, Session

INTERRUPTED = 130
"""The exit status after ^c, as fzf and shells have it."""


class PickScreen(SearchScreen):
    """Chooses places. They are in `Picking.chosen` when the interface has ended."""

    def __init__(self, session: Session, picking: Picking) -> None:
        super().__init__(session)
        self._picking = picking
        self.results.ticked = picking.marked

    def on_mount(self) -> None:
        self.input.set(self._picking.query)

    def action_open_hit(self) -> None:
        if self._picking.marked:
            self._choose(list(self._picking.marked.values()))
        else:
            super().action_open_hit()

    def open_place(self, path: str, line: int, page: int | None, kind: str) -> None:
        self._choose([(path, line)])

    def _choose(self, places: list[Place]) -> None:
        self.remember()
        self._picking.chosen = places
        self.app.exit()

    def action_pane(self, direction: int) -> None:
        """Mark the highlighted result, or take the mark back, and go to the next or the previous."""
        row = self.results.card if self.results.display else None
        if row is None:
            return
        if self._picking.marked.pop(row.key, None) is None:
            self._picking.marked[row.key] = (row.hit.path, row.hit.line)
        self.results.repaint()
        self.results.move(direction)
        self._hint()

    def action_back(self) -> None:
        """As on the search screen; on an empty line, leave without a choice."""
        if self.focused is self.input and not self.input.value and self.like is None:
            self.app.exit()
        else:
            super().action_back()

    def action_copy_or_clear(self) -> None:
        """Copy the selection; without one, choose nothing."""
        if self.input.selected_text or self.get_selected_text():
            super().action_copy_or_clear()
        else:
            self.remember()
            self.app.exit(return_code=INTERRUPTED)
