"""One row below the query: order and filters as toggles, what completes the filter being typed, and
how many results there are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from app.sanitize import plain_line
from app.tui import completion
from app.tui.result_rows import Sort

CHIPS = ("sort", "type", "since", "in")


class Chip(Static):
    """An order or a filter; a click changes it."""

    def __init__(self, name: str, does: str) -> None:
        super().__init__(id=f"chip-{name}", markup=False)
        self.does = does
        self._said = ""

    def say(self, text: str, *, on: bool) -> None:
        """Show this text; the same text again lays nothing out."""
        if text != self._said:
            self._said = text
            self.update(text)
        self.set_class(on, "-on")

    async def on_click(self) -> None:
        await self.run_action(self.does)


class FilterBar(Horizontal):
    """Shows the filters of the query: they are kept in its text and nowhere else."""

    def compose(self) -> ComposeResult:
        for name in CHIPS:
            yield Chip(name, "screen.toggle_sort" if name == "sort" else f"screen.choose({name!r})")
        yield Static(id="completions", markup=False)
        yield Static(id="summary", markup=False)

    def tell(self, query: str, sort: Sort, candidates: list[str]) -> None:
        """Show the filters of a query and what may complete it."""
        by_date = sort == "date"
        self.query_one("#chip-sort", Chip).say("newest first" if by_date else "best first", on=by_date)
        for key in CHIPS[1:]:
            value = completion.value_of(query, key)
            said = plain_line(f"{key}:{value}")[:24] if value else completion.ANY[key]
            self.query_one(f"#chip-{key}", Chip).say(said, on=bool(value))
        self.query_one("#completions", Static).update(_format_candidates(candidates), layout=False)
        self.set_class(bool(candidates), "-completing")

    def summarize(self, text: Content | str) -> None:
        """Say how many results there are, and how fast they came."""
        self.query_one("#summary", Static).update(text, layout=False)


def _format_candidates(candidates: list[str]) -> Content:
    if not candidates:
        return Content("")
    first, *rest = [plain_line(candidate) for candidate in candidates]
    return Content.assemble(
        ("tab  ", "$ken-faint"), (first, "bold $accent"), ("   " + "  ".join(rest), "$ken-dim")
    )
