"""The line where queries are typed: history above, completion at its end, and safe pasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.suggester import Suggester

from app.sanitize import plain_line
from app.tui import actions
from app.tui.widgets.ordered_input import OrderedInput

LONGEST = 2000
"""Characters of a query: what the model can take in, with room to spare."""


class _Completion(Suggester):
    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return self._complete(value)


class QueryInput(OrderedInput):
    """A query. Pasted pages become one line, cut at what can be asked."""

    virtual_size = Reactive(Size(0, 0))
    """As in `Input`, without laying out the screen for each letter."""

    BINDINGS = [
        *actions.bindings("search"),  # here too: `Input` has meanings of its own for some of the keys
        Binding("ctrl+c", "screen.copy_or_clear", "Copy, clear or quit", show=False),
        Binding("alt+backspace", "delete_left_word", "Delete the word before", show=False),
        Binding("alt+d", "delete_right_word", "Delete the word behind", show=False),
    ]

    @dataclass
    class Cut(Message):
        """A paste was longer than a query can be."""

        kept: int

    def __init__(self, complete: Callable[[str], str | None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(
            placeholder="Ask in your own words",
            suggester=_Completion(complete),
            max_length=LONGEST,
            select_on_focus=False,
            id=id,
        )
        self.cursor_blink = False
        self._recalled: int | None = None
        """Which of the earlier queries is shown."""
        self._shown_recalled = ""
        self._draft = ""
        """What was being typed before an earlier query was shown."""

    def recall(self, earlier: Sequence[str]) -> None:
        """Show the query before the present one; `earlier` holds them, the newest first."""
        if self._recalled is None:
            self._draft = self.value
        following = 0 if self._recalled is None else self._recalled + 1
        if self._recalled is None and earlier and earlier[0] == self.value.strip():
            following = 1
        if following < len(earlier):
            self._show_recalled(earlier[following], following)

    @property
    def has_draft(self) -> bool:
        """Whether an earlier query is shown in place of one that was being typed."""
        return self._recalled is not None and bool(self._draft) and self.value == self._shown_recalled

    def restore_draft(self) -> None:
        """Show again what was being typed."""
        self.set(self._draft)
        self.forget_recall()

    def forget_recall(self) -> None:
        """The next `recall` begins with the newest again."""
        self._recalled, self._draft = None, ""

    def _show_recalled(self, text: str, number: int) -> None:
        self._recalled, self._shown_recalled = number, text
        self.set(text)

    def set(self, text: str) -> None:
        """Replace the query, the cursor at its end."""
        self.value = text
        self.cursor_position = len(text)

    def go_on(self, typed: str) -> None:
        """Take the focus, and a character that was typed elsewhere; without one, take the last away."""
        self.focus()
        if typed:
            self.insert_text_at_cursor(typed)
        else:
            self.action_delete_left()

    @property
    def completion(self) -> str | None:
        """The whole query as completion would have it, where there is one."""
        suggestion = self._suggestion
        return suggestion if suggestion and len(suggestion) > len(self.value) else None

    def take_paste(self, event: events.Paste) -> None:
        """Take the focus, and a text that was pasted elsewhere."""
        self.focus()
        self._on_paste(event)

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = plain_line(event.text[: 4 * LONGEST])
        room = LONGEST - len(self.value) + len(self.selected_text)
        if len(text) > room or len(event.text) > 4 * LONGEST:
            self.post_message(self.Cut(room))
        if text:
            self.replace(text[:room], *sorted(self.selection))

    async def _on_key(self, event: events.Key) -> None:
        """A question mark on an empty line asks for help: no query begins with one."""
        if event.character == "?" and not self.value:
            event.stop()
            event.prevent_default()
            await self.run_action("app.show_help")
        else:
            await super()._on_key(event)
