"""One row below the question: order and filters as toggles, what completes the filter being typed, and
how many results there are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from app.plain import plain_line
from app.tui import completion
from app.tui.rows import Sort

CHIPS = (("sort", "screen.cycle_sort"), ("type", "screen.cycle_kind"), ("since", "screen.cycle_time"),
         ("in", "screen.cycle_folder"))  # fmt: skip
_ANY = {"type": "any kind", "since": "any time", "in": "everywhere"}


class Chip(Static):
    """A toggle; a click turns it on."""

    def __init__(self, name: str, does: str) -> None:
        super().__init__(id=f"chip-{name}", markup=False)
        self.does = does

    async def on_click(self) -> None:
        await self.run_action(self.does)


class FilterBar(Horizontal):
    """Shows what the question's text says: filters live there and nowhere else."""

    def compose(self) -> ComposeResult:
        for name, does in CHIPS:
            yield Chip(name, does)
        yield Static(id="completions", markup=False)
        yield Static(id="summary", markup=False)

    def tell(self, query: str, sort: Sort, candidates: list[str]) -> None:
        """Show the filters of a question and what may complete it."""
        chip = self.query_one("#chip-sort", Chip)
        chip.update("newest first" if sort == "date" else "best first")
        chip.set_class(sort == "date", "-on")
        for key, nothing in _ANY.items():
            value = completion.value_of(query, key)
            chip = self.query_one(f"#chip-{key}", Chip)
            chip.update(plain_line(f"{key}:{value}")[:24] if value else nothing)
            chip.set_class(bool(value), "-on")
        shown = self.query_one("#completions", Static)
        shown.update(_listed(candidates))
        self.set_class(bool(candidates), "-completing")

    def summarise(self, text: Content | str) -> None:
        """Say how many results there are, and how fast they came."""
        self.query_one("#summary", Static).update(text)


def _listed(candidates: list[str]) -> Content:
    if not candidates:
        return Content("")
    first, *rest = [plain_line(candidate) for candidate in candidates]
    return Content.assemble(
        ("tab  ", "$ken-faint"), (first, "bold $accent"), ("   " + "  ".join(rest), "$ken-dim")
    )
