"""The line where questions are typed: history above, completion at its end, and safe pasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.suggester import Suggester
from textual.widgets import Input

from app.sanitize import plain_line

LONGEST = 2000
"""Characters of a question: what the model can take in, with room to spare."""


class _Completion(Suggester):
    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return self._complete(value)


class QueryInput(Input):
    """A question. Pasted pages become one line, cut at what can be asked."""

    virtual_size = Reactive(Size(0, 0))
    """As in `Input`, without laying out the screen for each letter."""

    BINDINGS = [Binding("ctrl+c", "copy_or_clear", "Copy, clear or quit", show=False)]

    @dataclass
    class Cut(Message):
        """A paste was longer than a question can be."""

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

    def recall(self, earlier: Sequence[str]) -> None:
        """Show the query asked before the present one; `earlier` holds them, the newest first."""
        following = 0 if self._recalled is None else self._recalled + 1
        if self._recalled is None and earlier and earlier[0] == self.value.strip():
            following = 1
        if following < len(earlier):
            self.set(earlier[following])
            self._recalled = following

    def forget_recall(self) -> None:
        """The next `recall` begins with the newest again."""
        self._recalled = None

    def set(self, text: str) -> None:
        """Replace the question, the cursor at its end."""
        self.value = text
        self.cursor_position = len(text)

    @property
    def completion(self) -> str | None:
        """The whole question as completion would have it, where there is one."""
        suggestion = self._suggestion
        return suggestion if suggestion and len(suggestion) > len(self.value) else None

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = plain_line(event.text[: 4 * LONGEST])
        room = LONGEST - len(self.value) + len(self.selected_text)
        if len(text) > room or len(event.text) > 4 * LONGEST:
            self.post_message(self.Cut(room))
        if text:
            self.replace(text[:room], *sorted(self.selection))

    async def action_copy_or_clear(self) -> None:
        """As in a shell: a selection is copied, a question is given up, an empty line ends the program."""
        if self.selected_text:
            self.app.copy_to_clipboard(self.selected_text)
        elif self.value:
            self.set("")
        else:
            await self.app.run_action("quit")
