"""Mail: subject, people, date, body and the names of what is attached, for one message or a mailbox.

Owns reading messages; attachments are named and not read.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parsedate_to_datetime
from typing import cast

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import codec_of
from index.extract.decode import decode
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.html import add_html
from index.extract.source import MEBIBYTE, Source
from index.extract.text import paragraphs
from index.types import Document

_PEOPLE = ("From", "To", "Cc")
_MOST_MESSAGE = 24 * MEBIBYTE
_MOST_PARTS = 500
_LONGEST_HEADER = 8_000
_HEADER = re.compile(rb"^[A-Za-z][A-Za-z0-9-]{1,40}:", re.MULTILINE)
_BROKEN = (ArithmeticError, AttributeError, LookupError, MessageError, TypeError, ValueError)
"""What Python's parser of mail raises on headers and parts that break the rules."""
_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,60})(?=[?*])")
_QUOTED = re.compile(r"^(?:>[ >]*)+", re.MULTILINE)


class _Policy(EmailPolicy):
    """Header lines no longer than any that mean something: to parse them takes many times their memory."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, _ENCODED_WORD.sub(_in_a_charset, value[:_LONGEST_HEADER])


def _in_a_charset(word: re.Match[str]) -> str:
    """The beginning of an encoded word (RFC 2047); UTF-8 where what it names is no character set."""
    return f"=?{word[1] if codec_of(word[1]) else 'utf-8'}"


_POLICY = _Policy()


def read(source: Source) -> Document:
    """One message (EML, or Apple Mail's EMLX, which counts its bytes in the first line)."""
    data = source.content()
    first, _, rest = data.partition(b"\n")
    if first.strip().isdigit():
        data = rest[: int(first.strip()[:12])]
    if not _HEADER.search(data[:4096]):
        raise FileFailed("It is no message: it has no header.")
    builder = DocumentBuilder()
    subject = add_message(builder, data)
    return builder.document("mail", subject)


def read_mailbox(source: Source) -> Document:
    """A mailbox (MBOX): each message under its subject."""
    builder = DocumentBuilder()
    damaged = 0
    for number, message in enumerate(_messages(source), 1):
        if builder.full or source.past_deadline:
            builder.notes.append(f"Messages from the {number}th on are not read.")
            break
        try:
            add_message(builder, message)
        except FileFailed:
            damaged += 1
    if damaged:
        builder.notes.append(f"Damaged messages are not read: {damaged}.")
    return builder.document("mbox")


def add_message(builder: DocumentBuilder, data: bytes) -> str:
    """Put one message into `builder` under its subject; returns the subject.

    Raises FileFailed where it cannot be made out.
    """
    try:
        return _add(builder, data)
    except _BROKEN:
        raise FileFailed("It is damaged: its headers cannot be made out.") from None


def _add(builder: DocumentBuilder, data: bytes) -> str:
    message = cast("EmailMessage", email.message_from_bytes(data, policy=_POLICY))
    subject = _header(message, "Subject")
    builder.open(1, subject or "(no subject)", shown=False)
    about = [f"{name}: {value}" for name in _PEOPLE if (value := _header(message, name))]
    date = _date(message)
    names = list(_attachments(message))
    lines = [f"Subject: {subject}" if subject else "", *about, f"Date: {date}" if date else ""]
    if names:
        lines.append(f"Attachments: {', '.join(names[:50])}")
    builder.add("\n".join(line for line in lines if line), "message")
    _body(message, builder)
    return subject


def _messages(source: Source) -> Iterator[bytes]:
    """The messages of a mailbox, one in memory at a time; what is beyond the largest size is cut."""
    source.stream.seek(0)
    lines: list[bytes] = []
    size, blank = 0, True
    for line in iter(lambda: source.stream.readline(MEBIBYTE), b""):
        if blank and line.startswith(b"From "):
            if lines:
                yield b"".join(lines)
            lines, size = [], 0
        elif size < _MOST_MESSAGE:
            lines.append(line)
            size += len(line)
        blank = not line.strip()
    if lines:
        yield b"".join(lines)


def _body(message: EmailMessage, builder: DocumentBuilder) -> None:
    """The text of a message: plain where it has one, else from its HTML."""
    for part in _texts(message):
        try:
            payload = part.get_payload(decode=True)
        except _BROKEN:
            continue
        if not isinstance(payload, bytes) or not payload:
            continue
        try:
            text = decode(payload, part.get_content_charset() or "")
        except FileSkipped:
            continue
        if part.get_content_type() == "text/html":
            add_html(builder, text, base_level=1)
        else:
            shown = _QUOTED.sub("", text)
            for block in paragraphs(shown):
                builder.add(shown[block.start : block.end], "prose")


def _texts(message: EmailMessage) -> list[EmailMessage]:
    """The parts that are the message: of alternatives the plain one, unless it is blank."""
    found: list[EmailMessage] = []
    waiting: list[EmailMessage] = [message]
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        part = waiting.pop(0)
        if part.get_content_type() == "multipart/alternative":
            choices = _parts(part)
            plain = [
                p
                for p in choices
                if p.get_content_type() == "text/plain" and str(p.get_payload() or "").strip()
            ]
            waiting[:0] = plain[:1] or choices[-1:]
        elif part.is_multipart():
            waiting[:0] = _parts(part)
        elif part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            found.append(part)
    return found


def _parts(message: EmailMessage) -> list[EmailMessage]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, EmailMessage)] if isinstance(payload, list) else []


def _attachments(message: EmailMessage) -> Iterator[str]:
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            return
        try:
            name = part.get_filename()
        except _BROKEN:
            continue
        if name:
            yield one_line(str(name))


def _header(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message.get(name) or ""))[:1000]
    except _BROKEN:
        return ""


def _date(message: EmailMessage) -> str:
    raw = _header(message, "Date")
    try:
        return parsedate_to_datetime(raw).strftime("%A %d %B %Y, %H:%M") if raw else ""
    except _BROKEN:
        return raw
