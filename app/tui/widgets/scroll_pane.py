"""A part of the screen that scrolls: the base of the lists and of the preview.

Owns what makes painting cheap: new contents never lay the screen out again, and styles are looked up once.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.geometry import Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.style import Style


class Pane(ScrollView, inherit_bindings=False):
    """A `ScrollView` whose place on the screen never depends on how much it has to show.

    It has no keys of its own: a `ScrollView` would scroll by arrows that are the screen's to handle.
    """

    DEFAULT_CSS = "Pane { overflow-y: scroll; overflow-x: hidden; scrollbar-size: 0 1; }"

    virtual_size = Reactive(Size(0, 0))

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._parts: dict[str, Style] = {}
        self.take_key: Callable[[events.Key], bool] = lambda event: False
        """What has the keys that are typed here; returns whether it took one."""
        self.take_paste: Callable[[events.Paste], None] = lambda event: None
        """What has the text that is pasted here."""

    async def _on_key(self, event: events.Key) -> None:
        if self.take_key(event):
            event.stop()
            event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:
        self.take_paste(event)

    def watch_virtual_size(self, size: Size) -> None:
        self.vertical_scrollbar.window_virtual_size = size.height

    def part(self, name: str) -> Style:
        """What the style sheet says of a component class, and nothing that it does not say.

        `Widget.get_visual_style(partial=True)` would drop the background.
        """
        if name not in self._parts:
            self._parts[name] = self._look_up(name)
        return self._parts[name]

    def _look_up(self, name: str) -> Style:
        styles = self.get_component_styles(name)
        text = styles.text_style
        return Style(
            background=styles.background if styles.has_rule("background") else None,
            foreground=styles.color if styles.has_rule("color") else None,
            bold=text.bold,
            dim=text.dim,
            italic=text.italic,
            underline=text.underline,
            reverse=text.reverse,
        )

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._parts.clear()
