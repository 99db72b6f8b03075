"""What a terminal sends, made fit for Textual's parser: a paste is text whatever it holds, chords arrive.

Owns the stream of characters between the terminal and Textual. Knows no action and no widget.
"""

from __future__ import annotations

import re
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable
from functools import partial

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
MOST_PASTED = 1 << 16
"""Characters of a paste that are handed on: a query takes far fewer, and terminals paste megabytes."""
_META_DIGIT = re.compile(r"\x1b([0-9])")
"""Meta and a digit. Textual reads it as the character that macOS types for Option and that digit."""
_META_ARROW = re.compile(r"\x1b\x1b[\[O]([ABCD])")
"""Meta and an arrow, as Terminal.app sends it. Textual reads an escape and an arrow."""


class TerminalParser(XTermParser):
    """Textual's parser, but nothing inside a paste is a key: Textual reads an escape there as one."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held_at = 0.0
        self._held = ""
        """The end of what came, where it may be the beginning of a marker."""
        self._pasted: list[str] | None = None
        self._room = MOST_PASTED

    def feed(self, data: str) -> Iterable[Message]:
        if not data:
            yield from super().feed(data)
            return
        data, self._held = self._held + data, ""
        while data:
            marker = PASTE_BEGINS if self._pasted is None else PASTE_ENDS
            before, found, data = data.partition(marker)
            if not found:
                before, self._held = _without_beginning(before, marker)
                self._held_at = time.monotonic()
            if self._pasted is None:
                yield from self._keys(before)
                self._pasted = [] if found else None
            else:
                self._keep(before)
                if found:
                    yield self._paste()

    def tick(self) -> Iterable[Message]:
        late = time.monotonic() - self._held_at >= constants.ESCAPE_DELAY
        if self._held and self._pasted is None and late:
            held, self._held = self._held, ""
            yield from self._keys(held)
            self._timeout_time = 0.0  # a lone escape has waited long enough
        yield from super().tick()

    def _keys(self, data: str) -> Iterable[Message]:
        data = _META_ARROW.sub("\x1b[1;3\\1", data)
        data = _META_DIGIT.sub(lambda found: f"\x1b[{ord(found[1])};3u", data)
        return super().feed(data) if data else ()

    def _keep(self, text: str) -> None:
        assert self._pasted is not None
        self._pasted.append(text[: self._room])
        self._room -= min(len(text), self._room)

    def _paste(self) -> events.Paste:
        text, self._pasted, self._room = "".join(self._pasted or ()), None, MOST_PASTED
        return events.Paste(text)


class KenDriver(linux_driver.LinuxDriver):
    """Textual's driver with this module's parser."""

    def run_input_thread(self) -> None:
        names = vars(linux_driver)  # the driver takes its parts from nowhere else
        names["XTermParser"] = TerminalParser
        names["getincrementaldecoder"] = lambda name: partial(getincrementaldecoder(name), "replace")
        super().run_input_thread()


def _without_beginning(text: str, marker: str) -> tuple[str, str]:
    """`text` without the beginning of `marker` at its end, and that beginning."""
    for length in range(len(marker) - 1, 0, -1):
        if text.endswith(marker[:length]):
            return text[:-length], marker[:length]
    return text, ""
