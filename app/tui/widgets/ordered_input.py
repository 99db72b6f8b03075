"""A line of text in which keys act in the order in which they came.

Textual handles characters where the focus is, and all other keys later, once they have bubbled up to the
application. What is typed fast, or while the machine is busy, is mixed up then.
"""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class OrderedInput(Input):
    """An `Input` that runs what is bound to a key itself, before it takes the next character."""

    async def _on_key(self, event: events.Key) -> None:
        bound = None if event.is_printable else self.screen.active_bindings.get(event.key)
        if bound is None or not bound.enabled:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        # A key pressed next may have put another screen over this one already.
        await self.app.run_action(bound.binding.action, bound.node, {"screen": self.screen})
