"""A list of cards of any height: the base of every list in the interface.

Owns the highlight, scrolling, the mouse, and the promise that new cards never move what the user has
chosen away from under the cursor. Knows nothing of what a card is: three functions that it is given say
what makes a card the same card, how many rows it takes and what they are. Cards are painted only when they
come into sight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, TypeVar

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.style import Style

from app.tui.widgets.scroll_pane import Pane

C = TypeVar("C")


class CardList(Pane, Generic[C], can_focus=True):
    """Shows cards; one of them is highlighted unless the list is empty."""

    COMPONENT_CLASSES = {"cards--selected", "cards--focused", "cards--bar", "cards--bar-blurred"}

    ALLOW_SELECT = False  # a drag over cards means the card
    SHY = False
    """Whether the highlight shows only once the user has moved it."""

    CLICK_CHOOSES = False
    """Whether the first click chooses a card, and not only a further one."""

    @dataclass
    class Highlighted(Message):
        """Another card is highlighted; `index` is None where the list is empty."""

        cards: CardList[object]
        index: int | None

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, CardList.Highlighted) and message.cards is self.cards

        @property
        def control(self) -> CardList[object]:
            return self.cards

    @dataclass
    class Chosen(Message):
        """A card was clicked a second time."""

        cards: CardList[object]
        index: int

        @property
        def control(self) -> CardList[object]:
            return self.cards

    def __init__(
        self,
        *,
        key: Callable[[C], Hashable],
        height: Callable[[C], int],
        paint: Callable[[C, int], list[Content]],
        selectable: Callable[[C], bool] = lambda card: True,
        id: str | None = None,  # noqa: A002
    ) -> None:
        """`key` is equal for the same card in another list. `height` is in rows. `paint` gives the rows of a
        card for a width in cells; a missing row is blank. The highlight rests on `selectable` cards only.
        """
        super().__init__(id=id)
        self._key = key
        self._height = height
        self._paint = paint
        self._selectable = selectable
        self.cards: Sequence[C] = ()
        self.cursor: int | None = None
        self.touched = False
        """Whether the user has chosen where the highlight is; until then the first card has it."""
        self._tops: list[int] = [0]
        self._painted: dict[int, list[Content]] = {}

    def find(self, key: Hashable) -> int | None:
        """The index of the card with this key."""
        return next((i for i, card in enumerate(self.cards) if self._key(card) == key), None)

    @property
    def card(self) -> C | None:
        """The highlighted card."""
        return None if self.cursor is None else self.cards[self.cursor]

    def show(self, cards: Sequence[C]) -> None:
        """Replace the cards; a card the user chose stays highlighted and on its row of the screen."""
        chosen = self.card if self.touched else None
        before = None if self.cursor is None else self._tops[self.cursor] - self.scroll_offset.y
        old = self.cursor
        self.cards = cards
        self.cursor = None
        self._measure()
        if chosen is not None and before is not None:
            self.cursor = self.find(self._key(chosen))
            if self.cursor is not None:
                self.scroll_to(y=self._tops[self.cursor] - before, animate=False, force=True, immediate=True)
            elif old is not None and cards:
                self.cursor = self._nearest(min(old, len(cards) - 1), 1)
        if self.cursor is None:
            self.touched = False
            self.cursor = self._nearest(0, 1)
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.post_message(self.Highlighted(self, self.cursor))  # type: ignore[arg-type]

    def move(self, steps: int) -> bool:
        """Move the highlight; returns False where there is nothing further that way."""
        if self.cursor is None:
            return False
        target = self._nearest(self.cursor + steps, 1 if steps > 0 else -1)
        if target is None:
            return False
        self.highlight(target)
        return True

    def page(self, pages: int) -> None:
        """Move the highlight by about a screenful."""
        if self.cursor is not None:
            row = self._tops[self.cursor] + pages * max(1, self.size.height - 2)
            index = max(0, min(len(self.cards) - 1, self._index_at(row)))
            target = self._nearest(index, 1 if pages > 0 else -1)
            self.highlight(self._nearest(index, 1) if target is None else target)

    def edge(self, direction: int) -> None:
        """Move the highlight to the first (-1) or last (1) card."""
        self.highlight(self._nearest(0 if direction < 0 else len(self.cards) - 1, -direction))

    def highlight(self, index: int | None) -> None:
        """Highlight a card and bring it into sight."""
        if index is None:
            return
        self.touched = True
        if index != self.cursor:
            self.cursor = index
            self.refresh()
            self.post_message(self.Highlighted(self, index))  # type: ignore[arg-type]
        self._reveal(index)

    def repaint(self) -> None:
        """Paint again what may look different now."""
        self._painted.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        row = y + self.scroll_offset.y
        index = self._index_at(row)
        base = self.visual_style
        if index >= len(self.cards):
            return Strip.blank(width, base.rich_style)
        selected = index == self.cursor and (self.touched or not self.SHY)
        if selected:
            focused = self.has_focus and self.can_focus
            base = base + self.part("cards--focused" if focused else "cards--selected")
        lines = self._painted.get(index)
        if lines is None:
            lines = self._painted[index] = self._paint(self.cards[index], width - 3)
        line = row - self._tops[index]
        inside = line < len(lines)
        bar = self._bar(base, selected and inside)
        if not inside:
            return Strip([bar], 1).adjust_cell_length(width, self.visual_style.rich_style)
        content = lines[line]
        return Strip([bar, *content.render_segments(base)]).adjust_cell_length(width, base.rich_style)

    def _bar(self, base: Style, selected: bool) -> Segment:
        if not selected:
            return Segment(" ", self.visual_style.rich_style)
        if self.has_focus or not self.can_focus:
            return Segment("▌", (base + self.part("cards--bar")).rich_style)
        return Segment("▏", (base + self.part("cards--bar-blurred")).rich_style)

    def on_resize(self) -> None:
        self._measure()
        if self.cursor is not None:
            self._reveal(self.cursor)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted.clear()

    def on_click(self, event: events.Click) -> None:
        index = self._index_at(event.y + self.scroll_offset.y)
        if index >= len(self.cards) or not self._selectable(self.cards[index]):
            return
        again = index == self.cursor and self.touched
        self.highlight(index)
        if again or event.chain > 1 or self.CLICK_CHOOSES:
            self.post_message(self.Chosen(self, index))  # type: ignore[arg-type]

    def _measure(self) -> None:
        self._painted.clear()
        self._tops = [0, *accumulate(self._height(card) for card in self.cards)]
        self.virtual_size = Size(self.size.width, self._tops[-1])
        self.refresh()

    def _index_at(self, row: int) -> int:
        return bisect_right(self._tops, row) - 1 if row < self._tops[-1] else len(self.cards)

    def _nearest(self, index: int, direction: int) -> int | None:
        while 0 <= index < len(self.cards):
            if self._selectable(self.cards[index]):
                return index
            index += direction
        return None

    def _reveal(self, index: int) -> None:
        top, bottom = self._tops[index], self._tops[index + 1]
        if top < self.scroll_offset.y or index == self._nearest(0, 1):
            self.scroll_to(
                y=0 if index == self._nearest(0, 1) else top, animate=False, force=True, immediate=True
            )
        elif bottom > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=bottom - self.size.height, animate=False, force=True, immediate=True)


class ListMoves:
    """The actions of a screen that move the highlight of its list."""

    list: CardList[Any]

    def action_move(self, steps: int) -> None:
        self.list.move(steps)

    def action_page(self, pages: int) -> None:
        self.list.page(pages)

    def action_edge(self, direction: int) -> None:
        self.list.edge(direction)
