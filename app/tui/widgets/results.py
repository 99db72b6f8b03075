"""The list of results: each file's title, the sentence that answers, where it is and why it is there."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence

from textual.content import Content, Span
from textual.style import Style

from app.sanitize import plain_line, visible
from app.tui import formatting, result_rows
from app.tui.actions import list_bindings
from app.tui.markdown import QUOTE_MARK, markdown_lines
from app.tui.result_rows import SHORT_WORD, Row, RowKey
from app.tui.widgets.list_view import CardList

METER = 5
"""Cells of the meter of sureness."""
SHORT = {"words + meaning": "both"}
"""Reasons as they are said where there is little room."""
ROOMY_FROM = 30
"""Rows from which results get air and a second line of text."""


class ResultList(CardList[Row]):
    """Rows of an answer. Its letters act on the highlighted row; the screen does what they say."""

    BINDINGS = list_bindings()
    FOCUS_ON_CLICK = False  # what is typed next goes on with the query
    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {
        "results--title", "results--heading", "results--word", "results--faint", "results--dim",
        "results--meter", "results--meter-rest", "results--reason", "results--stale",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(key=lambda row: row.key, height=self.height_of, paint=self.paint, id=id)
        self.roots: tuple[str, ...] = ()
        """The folders that are kept: paths are shown from their names on."""
        self.ticked: Container[RowKey] = ()
        """Rows that are marked to be chosen."""

    def find(self, key: Hashable) -> int | None:
        return result_rows.index_of(self.cards, key)  # type: ignore[arg-type]

    @property
    def roomy(self) -> bool:
        return self.app.size.height >= ROOMY_FROM

    @property
    def file_rows(self) -> int:
        """Rows of a file."""
        return 5 if self.roomy else 3

    def height_of(self, card: Row) -> int:
        return 1 if card.depth else self.file_rows

    def paint(self, card: Row, width: int) -> list[Content]:
        if card.depth:
            return [self._place(card, width)]
        snippet = self._snippet(card, width - 1, 2 if self.roomy else 1)
        return [self._title(card, width), *snippet, self._foot(card, width)]

    def _style(self, name: str) -> Style:
        return self.part(f"results--{name}")

    def _title(self, card: Row, width: int) -> Content:
        room = width - METER - 2
        title = plain_line(card.hit.title) or card.hit.path.rsplit("/", 1)[-1]
        pin = ("✓ " if card.key in self.ticked else "") + ("◆ " if card.pinned else "")
        above = plain_line(result_rows.heading(card.hit))
        parts: list[tuple[str, Style]] = [(" " + pin, self._style("meter")), (title, self._style("title"))]
        if above:
            parts.append(("  " + above, self._style("heading")))
        left = Content.assemble(*parts).truncate(room, ellipsis=True)
        return spread(left, self._meter(card.sure), width)

    def _meter(self, sure: float) -> Content:
        bar = formatting.bar(sure, METER)
        rest = "─" * (METER - len(bar))
        return Content.assemble((bar, self._style("meter")), (rest, self._style("meter-rest")))

    def _snippet(self, card: Row, width: int, lines: int) -> list[Content]:
        content = self.marked(card.hit.snippet, card.hit.matched, width * lines)
        wrapped = content.wrap(max(1, width))
        if len(wrapped) > lines:
            kept = wrapped[lines - 1].plain.rstrip()
            last = wrapped[lines - 1][: len(kept)] + Content(" …")
            wrapped = [*wrapped[: lines - 1], last.truncate(width, ellipsis=True)]
        return [Content(" ") + line for line in wrapped]

    def marked(self, snippet: str, matched: Sequence[tuple[int, int]], width: int) -> Content:
        """A snippet with its matched words styled, begun where most of them show."""
        text, spans = readable(snippet, matched)
        word = self._style("word")
        content = Content(text, [Span(start, end, word) for start, end in spans], strip_control_codes=False)
        first = max(
            (start for start, _ in spans), key=lambda at: _words_from(text, spans, at, width), default=0
        )
        if first > width - 12:
            begin = text.rfind(" ", 0, max(1, first - width // 3)) + 1
            content = Content("… ") + content[begin:]
        return content

    def _foot(self, card: Row, width: int) -> Content:
        hit = card.hit
        facts = [formatting.when(hit.modified_ns), hit.language or hit.kind]
        if hit.page:
            facts.append(f"p. {hit.page}")
        more = f"{'▾' if card.expanded else '▸'} {card.places} places" if card.places > 1 else ""
        more += f"  +{len(card.hit.copies)} like it" if card.hit.copies else ""
        tail = "  ".join(part for part in ("  ".join(facts), more) if part)
        right = Content.assemble(
            ("changed since  " if card.stale else "", self._style("stale")),
            (card.reason if width >= 72 else SHORT.get(card.reason, card.reason), self._style("reason")),
        )
        room = width - 4 - len(tail) - len(right)
        where = formatting.shorten(formatting.short_path(hit.path, self.roots), max(12, room))
        left = Content.assemble((" " + where, self._style("dim")), ("  " + tail, self._style("faint")))
        return spread(left.truncate(max(1, width - len(right) - 1), ellipsis=True), right, width)

    def _place(self, card: Row, width: int) -> Content:
        hit = card.hit
        where = f"p. {hit.page}" if hit.page else f"line {hit.line}" if hit.line else ""
        mark = "✓" if card.key in self.ticked else " "
        lead = Content.assemble((f"  {mark} {where:<10}", self._style("dim")))
        room = max(1, width - lead.cell_length - METER - 2)
        text = self.marked(hit.snippet, hit.matched, room).truncate(room, ellipsis=True)
        return spread(lead + text, self._meter(card.sure), width)


def _words_from(text: str, spans: Sequence[tuple[int, int]], start: int, width: int) -> int:
    """How many of the matched words, each counted once, show where the row begins before `start`."""
    return len({text[a:b].casefold() for a, b in spans if start <= a and b <= start + 2 * width // 3})


def readable(snippet: str, matched: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """A snippet as one line without marks of Markdown, and the places of its matched words there."""
    text = ""
    spans: list[tuple[int, int]] = []
    for line in markdown_lines(visible(snippet).replace("\t", " "), 0, 2):
        if line.text.strip() and not line.is_marks:
            indent = len(line.text) - len(line.text.lstrip(f" {QUOTE_MARK}|"))
            text += " " if text else ""
            begin = len(text) - indent
            text += line.text[indent:].rstrip(" |")
            spans += [(begin + a, begin + b) for start, end in matched for a, b in line.shown(start, end)]
    telling = [
        (start, end) for start, end in spans if end - start > SHORT_WORD or not text[start:end].isascii()
    ]
    return text, sorted(telling or spans)


def spread(left: Content, right: Content, width: int) -> Content:
    """Both on one row, the second at its right edge."""
    gap = max(1, width - left.cell_length - right.cell_length)
    return left + Content(" " * gap) + right
