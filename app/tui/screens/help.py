"""Help: every action with its keys, the filters, and what the marks mean; made from the registry."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.query import KEYS
from app.tui import actions
from app.tui.screens.closing import ClosingScreen
from app.tui.session import Session
from app.tui.widgets.status_line import StatusLine

NAMED_FROM = 150
"""Columns from which actions are shown with their names in the configuration."""
OPERATORS = (
    ('"…"', "only where exactly these words are"),
    ("-…", "without this word, or without what passes this filter"),
    ("OR", "where one of two is"),
    ("/…/", "where this regular expression matches"),
)
MARKS = (
    ("━━━━━", "how sure ken is of a result"),
    ("words", "words of the question stand there"),
    ("meaning", "it means what you ask, in other words"),
    ("▎", "the passage in its document; brighter sentences answer more"),
    ("◆", "pinned"),
)


class HelpScreen(ClosingScreen[None]):
    """One page of help."""

    BINDINGS = [
        Binding("escape,q,question_mark", "dismiss(None)", "Back", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space", "scroll(15)", "Page down", show=False),
        Binding("pageup", "scroll(-15)", "Page up", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def compose(self) -> ComposeResult:
        yield Static("Help", classes="title", markup=False)
        named = self.app.size.width >= NAMED_FROM
        letters = self.session.has_letters
        tables = {
            group: [
                (
                    " ".join(actions.keys_of(one, self.session.keymap, letters=letters)),
                    self.session.title(one),
                    one.name if named else "",
                )
                for one in actions.ACTIONS
                if one.group == group
            ]
            for group in actions.GROUPS
        }
        with VerticalScroll(id="help"), Horizontal(id="help-columns"):
            with Vertical():
                for group in actions.GROUPS[::2]:
                    yield from _table(group, tables[group])
            with Vertical():
                for group in actions.GROUPS[1::2]:
                    yield from _table(group, tables[group])
                yield from _legend(self.session)
        yield StatusLine()

    def on_mount(self) -> None:
        self.query_one("#help").focus()
        self.query_one(StatusLine).hint(
            (("↑↓", "scroll"), (self.session.key("menu"), "actions"), ("esc", "back"))
        )
        self.app.say_again()  # type: ignore[attr-defined]

    def action_scroll(self, rows: int) -> None:
        self.query_one("#help").scroll_relative(y=rows, animate=False)


def _legend(session: Session) -> ComposeResult:
    filters = [(f"{key}:", does, "") for key, does in KEYS.items()]
    filters += [(typed, does, "") for typed, does in OPERATORS]
    yield from _table("Filters, typed in the query", filters)
    yield from _table("Marks", [(mark, meaning, "") for mark, meaning in MARKS])
    menu = session.key("menu")
    notes = (
        f"{menu} and a letter does what alt and the function keys do, on every terminal. On macOS, Option "
        "types characters unless the terminal sends it as Meta.",
        "Keys are set in config.toml under [tui.keys], by the actions' names (shown on wide screens).",
    )
    yield Static(Content.styled("\n".join(notes), "$ken-dim"))


def _table(title: str, rows: list[tuple[str, str, str]]) -> ComposeResult:
    yield Static(Content.styled(title, "bold $accent"))
    with Grid():
        for keys, does, name in rows:
            yield Static(Content.styled(keys, "bold"))
            yield Static(Content.assemble(does, (f"  {name}" if name else "", "$ken-faint")))
