"""What a terminal sends, made fit for Textual's parser: a paste is text whatever it holds, chords arrive.

Owns the stream of characters between the terminal and Textual, and which terminal that is. Knows no action
and no widget.
"""

from __future__ import annotations

import os
import re
import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

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
_LINES = r"(?:[\r\n\t]+[^\x00-\x1f\x7f]+)*"
_BURST = re.compile(r"[^\x00-\x1f\x7f]{40,}" + _LINES)
"""Characters that came at once, more than hands type: a paste from a terminal that does not mark it."""
_REST = re.compile(r"[\r\n\t]*[^\x00-\x1f\x7f]+" + _LINES)
"""What can be the rest of a paste that came in two parts."""
_REST_SECONDS = 0.05
"""After a part of a paste, within which its rest comes: a terminal writes as fast as it is read."""


class TerminalParser(XTermParser):
    """Textual's parser, but nothing inside a paste is a key: Textual reads an escape there as one."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held_at = self._escape_at = self._burst_at = 0.0
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
        if "\x1b" in data:
            self._escape_at = time.monotonic()
        elif time.monotonic() - self._escape_at >= constants.ESCAPE_DELAY:
            return self._bursts(data)
        return super().feed(data) if data else ()

    def _bursts(self, data: str) -> Iterator[Message]:
        """The keys of `data`, which holds no part of a sequence, and what was pasted in it as a paste.

        As keys, each character asks a question of its own, and each end of a line opens a result.
        """
        at = 0
        late = time.monotonic() - self._burst_at >= _REST_SECONDS
        if not late and (rest := _REST.match(data)):
            yield events.Paste(rest[0][:MOST_PASTED])
            at = rest.end()
        for burst in _BURST.finditer(data, at):
            if burst.start() > at:
                yield from super().feed(data[at : burst.start()])
            yield events.Paste(burst[0][:MOST_PASTED])
            at = burst.end()
        if at < len(data):
            yield from super().feed(data[at:])
        elif at:
            self._burst_at = time.monotonic()

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        """Textual gives Meta and a letter the letter as its character, which a line of text would take."""
        for key in super()._sequence_to_key_events(sequence, alt):
            if key.key.startswith("alt+"):
                key.character = None
            yield key

    def _keep(self, text: str) -> None:
        assert self._pasted is not None
        self._pasted.append(text[: self._room])
        self._room -= min(len(text), self._room)

    def _paste(self) -> events.Paste:
        text, self._pasted, self._room = "".join(self._pasted or ()), None, MOST_PASTED
        return events.Paste(text)


def terminal_path() -> str | None:
    """The terminal that the process is run from, by its own name where a standard stream leads to it.

    The name `/dev/tty` is only for where none does: macOS cannot wait for input on it with kqueue.
    """
    for stream in (sys.__stdin__, sys.__stderr__, sys.__stdout__):
        if stream is not None and stream.isatty():
            return os.ttyname(stream.fileno())
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return None
    return os.ctermid()


class KenDriver(linux_driver.LinuxDriver):
    """Textual's driver with this module's parser, on the terminal wherever the standard streams lead."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if sys.__stdin__ is None:  # closed (`<&-`), and Textual asks it where the terminal is
            sys.__stdin__ = Path(os.devnull).open(encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115
        super().__init__(*args, **kwargs)
        if not self.input_tty:
            self.fileno = os.open(terminal_path() or os.ctermid(), os.O_RDWR | os.O_CLOEXEC)
            self.input_tty = True
        error = sys.__stderr__
        if error is None or not error.isatty() or error.encoding.lower() != "utf-8":
            self._file = os.fdopen(os.dup(self.fileno), "w", encoding="utf-8", errors="replace")

    @property
    def can_suspend(self) -> bool:
        """Not while a program waits for what is printed: a shell could not bring both back."""
        return sys.__stdout__ is not None and sys.__stdout__.isatty()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Textual asks standard output, which may be a pipe."""
        size = os.get_terminal_size(self.fileno)
        return size.columns or 80, size.lines or 25

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
