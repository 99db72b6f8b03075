"""Mailboxes (MBOX): where one message ends and the next begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.errors import FileFailed
from index.extract.content_kind import MAILBOX_LINE
from index.extract.document_builder import DocumentBuilder
from index.extract.mail_message import add_message
from index.extract.source import MEBIBYTE, Source
from index.types import Document

_MOST_MESSAGE = 24 * MEBIBYTE
_HEADER_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9-]{1,60}:|>?From ")


def read(source: Source) -> Document:
    """Each message under its subject."""
    builder = DocumentBuilder()
    damaged = 0
    for number, message in enumerate(_messages(source), 1):
        if builder.full or source.past_deadline:
            builder.notes.append(f"Messages from the {number}th on are not read.")
            break
        try:
            add_message(builder, message, source)
        except FileFailed:
            damaged += 1
    if damaged:
        builder.notes.append(f"Damaged messages are not read: {damaged}.")
    return builder.document("mbox")


def _messages(source: Source) -> Iterator[bytes]:
    """The messages, one in memory at a time; what is beyond the largest size is cut.

    A message begins at a line with a sender and a time, behind a blank line and before a header: a paragraph
    that begins with "From" is none, whether or not a program has put `>` before it.
    """
    source.stream.seek(0)
    lines: list[bytes] = []
    size, blank, begun = 0, True, b""
    for line in iter(lambda: source.stream.readline(MEBIBYTE), b""):
        if begun:
            if _HEADER_LINE.match(line):
                if lines:
                    yield b"".join(lines)
                lines, size = [], 0
            else:
                lines.append(begun)
            begun = b""
        if blank and MAILBOX_LINE.match(line):
            begun = line
        elif size < _MOST_MESSAGE:
            lines.append(line)
            size += len(line)
        blank = not line.strip()
    if lines:
        yield b"".join(lines)
