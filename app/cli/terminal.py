"""What every command does with the terminal: where words go, how wide it is, and whether it has colours."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from app.sanitize import plain, plain_line

if TYPE_CHECKING:
    from app.errors import TitledError

WIDEST = 100
"""Lines longer than this are hard to read, however wide the terminal."""


def columns() -> int:
    return max(40, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))


def is_terminal(*streams: Any) -> bool:
    """Whether the streams (standard output unless some are given) are terminals."""
    # A standard stream that was closed (`>&-`) is None.
    return all(stream is not None and stream.isatty() for stream in streams or (sys.stdout,))


def can_draw() -> bool:
    """Whether the terminal takes what moves the cursor and colours text; that of Emacs' shell does not."""
    return os.environ.get("TERM") != "dumb"


def has_colours(stream: Any = None) -> bool:
    """Styles are for terminals that take them, and for people who did not set NO_COLOR (no-color.org)."""
    return is_terminal(stream or sys.stdout) and not os.environ.get("NO_COLOR") and can_draw()


def styled(text: str, stream: Any = None, **style: Any) -> str:
    return click.style(text, **style) if has_colours(stream) else text


def linked(text: str, path: str) -> str:
    """Text that a terminal opens the file by, where it can (OSC 8: github.com/Alhadis/OSC8-Adoption).

    The host is named, so that a terminal on another machine knows that the file is not there.
    """
    if not has_colours():
        return text
    import socket
    from urllib.parse import quote_from_bytes

    url = f"file://{socket.gethostname()}{quote_from_bytes(os.fsencode(path))}"
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


def say(text: str) -> None:
    """Tell the user something that is no result."""
    click.echo(plain(text), err=True)


def tell_error(error: TitledError) -> None:
    """Title, what happened, what to do."""
    title = styled(f"{error.title}.", sys.stderr, fg="red", bold=True)
    lines = [title, *(f"  {plain_line(sentence)}" for sentence in (error.what, error.fix) if sentence)]
    click.echo("\n".join(lines), err=True)


def tell_unexpected(error: Exception) -> None:
    """An error of ken's own: a sentence here, the traceback in the log."""
    import logging

    from app import log, paths
    from app.errors import AppError, PathInvalid

    where = f"{paths.log_path()} says where; please report it."
    try:
        log.start()
        logging.getLogger("ken").error("unexpected error", exc_info=error)
        log.stop()
    except PathInvalid:
        where = "The log could not be written either."
    kind = type(error).__name__
    tell_error(AppError(f"Something unexpected happened ({kind}: {plain(str(error))[:300]}).", where))


def result(text: str) -> None:
    """One result on standard output; whatever cannot be encoded there is replaced."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding))
