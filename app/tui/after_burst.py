"""What is typed faster than anybody types: a paste that the terminal does not mark, or what was typed ahead.

Owns when a burst of changes has ended. Knows nothing of what is done then.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer

SECONDS = 0.02
"""Seconds between two letters of a burst; a held key repeats each 0.03."""


class AfterBurst:
    """Calls `then` for each change at once, and for a burst of changes at its end instead."""

    def __init__(self, owner: MessagePump, then: Callable[[], None]) -> None:
        self._owner = owner
        self._then = then
        self._changed_at = 0.0
        self._end: Timer | None = None

    def changed(self) -> None:
        before, self._changed_at = self._changed_at, time.monotonic()
        if self._end is not None:
            self._end.stop()
            self._end = None
        if self._changed_at - before < SECONDS:
            self._end = self._owner.set_timer(SECONDS, self._then)
        else:
            self._then()
