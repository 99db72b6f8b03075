"""The preview: a document around a place, its sentences marked by how much each answers.

Shows a stretch of the document and asks for the next one when it is scrolled to an end (`Wanted`), so
that a document's size never matters. Reading and styling happen elsewhere: it is handed a `Page`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual.content import Content, Span
from textual.geometry import Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from app.tui.actions import list_bindings
from app.tui.preview_lines import Page, Span3
from app.tui.styled_lines import PreviewLine
from app.tui.tables import table_rows
from app.tui.widgets.scroll_pane import Pane

_STYLES = ("title", "heading", "strong", "emphasis", "code", "link", "quote", "bullet", "faint", "page",
           "comment", "keyword", "string", "number", "name")  # fmt: skip


class Preview(Pane, can_focus=True):
    """A page of a document, scrollable in both directions beyond what is loaded."""

    BINDINGS = list_bindings()
    FOCUS_ON_CLICK = False
    ALLOW_SELECT = True
    COMPONENT_CLASSES = {f"preview--{name}" for name in _STYLES} | {
        "preview--word", "preview--number-column", "preview--focus", "preview--selected",
        "preview--mark-1", "preview--mark-2", "preview--mark-3",
    }  # fmt: skip

    @dataclass
    class Wanted(Message):
        """The stretch of the document about `position` is wanted, to stay where the reader is."""

        position: int

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Preview.Wanted)

    @dataclass
    class Moved(Message):
        """Another line is at the top."""

        line: int

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Preview.Moved)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.page: Page | None = None
        self._rows: list[tuple[int, int]] = []
        self._rows_width = 0
        """The width that `_rows` counts rows at: a line is drawn before a resize is handled."""
        self._laid: dict[int, list[Content]] = {}
        self._asked: tuple[int, int] | None = None

    def show(self, page: Page | None, *, at: int | None = None) -> None:
        """Show a page, its passage in sight, or the position `at` on the row where it was."""
        kept = None if at is None else self._row_of(at) - self.scroll_offset.y
        self.page = page
        self._asked = None
        self._lay_out()
        if page is None:
            return
        if at is not None and kept is not None:
            self._scroll(self._row_of(at) - kept)
        else:
            self._scroll(self._row_of(page.focus[0]) - max(1, self.size.height // 5))

    def mark(self, marks: Sequence[Span3]) -> None:
        """Mark sentences; what is in sight stays where it is."""
        if self.page is not None:
            self.page = Page(
                self.page.excerpt,
                self.page.lines,
                self.page.focus,
                self.page.words,
                self.page.heading,
                tuple(marks),
            )
            self._laid.clear()
            self.refresh()

    def go_to(self, position: int) -> None:
        """Bring a position to the top third."""
        self._scroll(self._row_of(position) - self.size.height // 5)

    @property
    def top_line(self) -> int:
        """The document's line at the top."""
        if self.page is None or not self._rows:
            return 1
        for index, _ in self._rows[min(self.scroll_offset.y, len(self._rows) - 1) :]:
            if self.page.lines[index].number:
                return self.page.lines[index].number
        return self.page.excerpt.line

    def render_line(self, y: int) -> Strip:
        base = self.visual_style
        width = self.size.width
        row = y + self.scroll_offset.y
        if self.page is None or row >= len(self._rows):
            return Strip.blank(width, base.rich_style)
        index, sub = self._rows[row]
        line = self.page.lines[index]
        parts = [self._margin(line, base), *self._numbers(line, sub, base)]
        content = self._content_rows(index)[sub]
        if (selection := self.text_selection) is not None and (span := selection.get_span(row)) is not None:
            start, end = span
            content = content.stylize(self.part("preview--selected"), start, len(content) if end < 0 else end)
        text = Strip(content.render_segments(base)).apply_offsets(0, row)
        return Strip([*parts, *text]).adjust_cell_length(width, base.rich_style)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, with wrapped lines joined again."""
        chosen: list[str] = []
        for row, (index, sub) in enumerate(self._rows):
            if (span := selection.get_span(row)) is not None:
                shown = self._content_rows(index)[sub].plain
                start, end = span
                chosen += ["\n" if sub == 0 else " "] if chosen else []
                chosen.append(shown[start : len(shown) if end < 0 else end])
        return "".join(chosen), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def _margin(self, line: PreviewLine, base: Style) -> Segment:
        assert self.page is not None
        start, end = self.page.focus
        inside = line.start < end and line.end >= start and line.number and line.end > line.start
        style = base + self.part("preview--focus") if inside else base
        return Segment("▎ " if inside else "  ", style.rich_style)

    def _numbers(self, line: PreviewLine, sub: int, base: Style) -> list[Segment]:
        assert self.page is not None
        if not self.page.numbered:
            return []
        digits = self._digits
        shown = f"{line.number:>{digits}}  " if sub == 0 and line.number else " " * (digits + 2)
        return [Segment(shown, (base + self.part("preview--number-column")).rich_style)]

    @property
    def _digits(self) -> int:
        assert self.page is not None
        return max(3, len(str(self.page.lines[-1].number)))

    @property
    def _text_width(self) -> int:
        margin = 3 + (self._digits + 2 if self.page is not None and self.page.numbered else 0)
        return max(10, self.size.width - margin)

    def _lay_out(self) -> None:
        self._laid.clear()
        self._rows = []
        if self.page is not None and self.size.width:
            width = self._rows_width = self._text_width
            for index, line in enumerate(self.page.lines):
                simple = len(line.text) <= width and line.text.isascii() and line.table is None
                self._rows += [(index, n) for n in range(1 if simple else len(self._content_rows(index)))]
        self.virtual_size = Size(self.size.width, len(self._rows))
        self.refresh()

    def _content_rows(self, index: int) -> list[Content]:
        if index not in self._laid:
            assert self.page is not None
            line, width = self.page.lines[index], self._rows_width
            content = self._style_line(line)
            rows = table_rows(line, content, width, self.part("preview--faint"))
            self._laid[index] = rows or _wrap(content, line, width)
        return self._laid[index]

    def _style_line(self, line: PreviewLine) -> Content:
        assert self.page is not None
        spans: list[Span] = []
        offset = 0
        for piece in line.pieces:
            if piece.style:
                style = self.part(f"preview--{piece.style}")
                spans.append(Span(offset, offset + len(piece.text), style))
            offset += len(piece.text)
        for start, end, strength in self.page.marks:
            style = self.part(f"preview--mark-{strength}")
            spans += [Span(a, b, style) for a, b in line.shown(start, end)]
        word = self.part("preview--word")
        for start, end in self.page.words:
            if start < line.end and end > line.start:
                spans += [Span(a, b, word) for a, b in line.shown(start, end)]
        return Content(line.text, spans, strip_control_codes=False)

    def on_resize(self) -> None:
        if self.page is not None:
            row = min(self.scroll_offset.y, len(self._rows) - 1)
            position = self.page.lines[self._rows[row][0]].start if self._rows else self.page.focus[0]
            fresh = not self._rows
            self._lay_out()
            self._scroll(self._row_of(position) - (self.size.height // 5 if fresh else 0))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._laid.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.page is None or round(old_value) == round(new_value):
            return
        self.post_message(self.Moved(self.top_line))
        excerpt = self.page.excerpt
        ahead = 2 * self.size.height
        if new_value > old_value and new_value + self.size.height + ahead > len(self._rows):
            self._want(excerpt.start + len(excerpt.text), excerpt.start + len(excerpt.text) < excerpt.length)
        elif new_value < old_value and new_value < ahead:
            self._want(excerpt.start, excerpt.start > 0)

    def _want(self, position: int, there_is_more: bool) -> None:
        """Ask once for each end of each stretch."""
        assert self.page is not None
        asked = (self.page.excerpt.start, position)
        if there_is_more and self._asked != asked:
            self._asked = asked
            self.post_message(self.Wanted(position))

    @property
    def top_position(self) -> int:
        """The position in the document of the row at the top."""
        if self.page is None or not self._rows:
            return 0
        return self.page.lines[self._rows[min(self.scroll_offset.y, len(self._rows) - 1)][0]].start

    def _row_of(self, position: int) -> int:
        if self.page is None:
            return 0
        for row, (index, sub) in enumerate(self._rows):
            if self.page.lines[index].end >= position and self.page.lines[index].number:
                line = self.page.lines[index]
                within = max(0, position - line.start)
                return row + (within // max(1, self._text_width) if sub == 0 else 0)
        return max(0, len(self._rows) - 1)

    def _scroll(self, row: int) -> None:
        self.scroll_to(y=max(0, row), animate=False, force=True, immediate=True)


def _wrap(content: Content, line: PreviewLine, width: int) -> list[Content]:
    """Rows of a line, what wraps hanging below its text."""
    hang = line.hang
    if not hang or hang >= width - 10 or content.cell_length <= width:
        return content.wrap(width) or [content]
    first, rest = content[:hang], content[hang:]
    indent = Content(" " * first.cell_length)
    rows = rest.wrap(width - first.cell_length) or [rest]
    return [first + rows[0], *(indent + row for row in rows[1:])]
