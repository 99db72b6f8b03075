"""Order and filters of the search screen: toggles that edit the question."""

from __future__ import annotations

from app.tui import completion
from app.tui.screens.search_base import AskedScreen
from index import kinds


class Narrowing(AskedScreen):
    """Filters live in the question's text; what toggles do is edit it."""

    def tell_filters(self) -> None:
        before = self.input.value[: self.input.cursor_position]
        candidates = completion.candidates(before, self.session.roots) if ":" in before[-40:] else []
        self.filters.tell(self.input.value, self.sort, candidates if self.input.has_focus else [])

    def action_cycle_sort(self) -> None:
        self.sort = "relevance" if self.sort == "date" else "date"
        self.session.memory.sort = self.sort
        self.session.memory.save()
        self.tell_filters()
        self.show_rows()

    def action_cycle_kind(self) -> None:
        self._cycle("type", kinds.OFFERED)

    def action_cycle_time(self) -> None:
        self._cycle("since", completion.TIMES)

    def action_cycle_folder(self) -> None:
        self._cycle("in", completion.folder_names(self.session.roots))

    def _cycle(self, key: str, values: tuple[str, ...] | list[str]) -> None:
        text = self.input.value
        self.input.set(completion.with_filter(text, key, completion.next_value(text, key, values)))

    def action_clear_filters(self) -> None:
        self.input.set(completion.without_filters(self.input.value))
