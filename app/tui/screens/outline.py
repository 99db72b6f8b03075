"""The outline of a document: its headings or pages, to go to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from app.api import OutlineEntry
from app.sanitize import plain_line
from app.tui.screens.closing import ClosingDialog
from app.tui.widgets.list_view import CardList, ListMoves
from app.tui.widgets.preview_pane import PreviewPane


class OutlineList(CardList[OutlineEntry]):
    """Headings, indented by their depth."""

    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {"entry--page"}

    def __init__(self) -> None:
        super().__init__(key=lambda entry: entry.start, height=lambda entry: 1, paint=self.paint)

    def paint(self, card: OutlineEntry, width: int) -> list[Content]:
        text = Content(" " + "  " * min(card.depth, 8) + plain_line(card.title))
        page = f"{card.page} " if card.page else ""
        left = text.truncate(max(1, width - len(page) - 1), ellipsis=True)
        gap = " " * max(1, width - left.cell_length - len(page))
        return [left + Content.assemble((gap + page, self.part("entry--page")))]


class OutlineScreen(ListMoves, ClosingDialog[int | None]):
    """Gives the position of the chosen heading."""

    BINDINGS = [
        Binding("escape,e,q,ctrl+c", "dismiss(None)", "Close", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("enter,o", "choose", "Go there", show=False),
        Binding("ctrl+q", "app.quit", "Quit", show=False),
    ]

    def __init__(self, title: str, landmarks: Sequence[OutlineEntry], position: int) -> None:
        super().__init__()
        self._title = title
        self._landmarks = landmarks
        self._position = position
        self.list = OutlineList()

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="tall"):
            yield Static(plain_line(self._title), id="dialog-title", markup=False)
            yield self.list

    def on_mount(self) -> None:
        self.list.show(self._landmarks)
        here = [i for i, entry in enumerate(self._landmarks) if entry.start <= self._position]
        self.list.highlight(here[-1] if here else 0)
        self.list.focus()

    def action_choose(self) -> None:
        card = self.list.card
        self.dismiss(None if card is None else card.start)

    def on_card_list_chosen(self) -> None:
        self.action_choose()


def choose_heading(screen: Screen[None], pane: PreviewPane) -> None:
    """Let the user choose a heading of the previewed document, and bring it into sight."""
    if not screen.is_current:  # the user went on while the document was read
        return
    page = pane.preview.page
    if page is None or not page.excerpt.outline:
        screen.app.notify("This document has no headings", timeout=3, markup=False)
        return

    def chosen(position: int | None) -> None:
        if position is not None:
            pane.go_to(position)

    excerpt = page.excerpt
    title = excerpt.title or PurePath(excerpt.path).name
    screen.app.push_screen(OutlineScreen(title, excerpt.outline, pane.preview.top_position), chosen)
