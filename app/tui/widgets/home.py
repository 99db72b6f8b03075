"""The content of the list while there is no query: pins, earlier queries, a line of help."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.style import Style

from app.sanitize import plain_line
from app.tui import formatting
from app.tui.actions import list_bindings
from app.tui.ui_state import Pin, UiState
from app.tui.widgets.list_view import CardList

QUESTIONS_SHOWN = 8

TRIES = (
    ("Ask as you would ask a friend", "the notes need not use your words"),
    ("in:notes  type:pdf  since:2w", "narrow it down while you type"),
    ('"exact words"', "only where these words stand"),
)


@dataclass(frozen=True)
class HomeEntry:
    """A line of the home list: a caption, a hint, an earlier query or a pin."""

    kind: str
    text: str
    note: str = ""
    pin: Pin | None = None


class HomeList(CardList[HomeEntry]):
    """Pins and earlier queries, ready to be chosen."""

    BINDINGS = list_bindings()
    SHY = True
    FOCUS_ON_CLICK = False
    COMPONENT_CLASSES = CardList.COMPONENT_CLASSES | {
        "home--caption", "home--question", "home--note", "home--pin",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(
            key=lambda entry: (entry.kind, entry.text, entry.note),
            height=lambda entry: 2 if entry.kind == "caption" else 1,
            paint=self.paint,
            selectable=lambda entry: entry.kind in ("question", "pin"),
            id=id,
        )

    def tell(self, ui_state: UiState, roots: tuple[str, ...], about: str) -> None:
        """Show what is remembered; `about` says what is indexed."""
        entries = [HomeEntry("caption", about)] if about else []
        if ui_state.pins:
            entries.append(HomeEntry("caption", "Pinned"))
            entries += [
                HomeEntry(
                    "pin",
                    plain_line(pin.title),
                    formatting.short_path(pin.path, roots) + formatting.within(pin.page, pin.line),
                    pin,
                )
                for pin in ui_state.pins[:QUESTIONS_SHOWN]
            ]
        if ui_state.questions:
            entries.append(HomeEntry("caption", "Asked before"))
            entries += [
                HomeEntry("question", plain_line(text)) for text in ui_state.questions[:QUESTIONS_SHOWN]
            ]
        else:
            entries.append(HomeEntry("caption", "Try"))
            entries += [HomeEntry("try", text, note) for text, note in TRIES]
        self.show(entries)

    def paint(self, card: HomeEntry, width: int) -> list[Content]:
        def style(name: str) -> Style:
            return self.part(f"home--{name}")

        if card.kind == "caption":
            return [Content(""), Content.assemble((" " + card.text, style("caption")))]
        mark = {"pin": " ◆ ", "question": "   ", "try": "   "}[card.kind]
        text = Content.assemble((mark, style("pin")), (card.text, style("question")))
        if card.note:
            text += Content.assemble(("   " + card.note, style("note")))
        return [text.truncate(max(1, width), ellipsis=True)]
