"""One message: subject, people, date, body, the messages and files attached to it.

Owns the parts of a message and which of them are its text. Headers are `mail_headers`', lines of plain text
`mail_text`'s; files attached are read as files inside a file.
"""

from __future__ import annotations

import base64
import email
import quopri
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import EmailPolicy
from functools import partial
from typing import cast

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import codec_of, declared_in_markup
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.html import add_html
from index.extract.inside import Inside
from index.extract.mail_headers import LONGEST, date, decoded, header
from index.extract.mail_text import unflowed, unquoted, without_files
from index.extract.signed import find_signed_content
from index.extract.source import Source
from index.extract.text import paragraphs

_PEOPLE = ("From", "To", "Cc")
_MOST_PARTS = 500
_DEEPEST = 20
"""Messages attached to messages."""
BROKEN = (ArithmeticError, AttributeError, LookupError, MessageError, TypeError, ValueError)
"""What Python's parser of mail raises on headers and parts that break the rules."""
_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,60})(?=[?*])")
_WORD = re.compile(r"\w{3,}")
_COVERED = 0.5
"""A plain part that has less than this share of its HTML's words is no version of it."""
_LOCKED = ("application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_BODY_TEXT = ("text/plain", "text/html", "text/enriched", "text/richtext")
_TAGS = re.compile(r"<[^<>\n]{0,200}>")


class _Policy(EmailPolicy):
    """Header lines no longer than any that mean something: to parse them takes many times their memory."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, _ENCODED_WORD.sub(_in_a_charset, value[:LONGEST])


def _in_a_charset(word: re.Match[str]) -> str:
    """The beginning of an encoded word (RFC 2047); UTF-8 where what it names is no character set."""
    return f"=?{word[1] if codec_of(word[1]) else 'utf-8'}"


_POLICY = _Policy()


def parse_message(data: bytes) -> EmailMessage:
    """A message as Python's parser sees it."""
    return cast("EmailMessage", email.message_from_bytes(data, policy=_POLICY))


def add_message(builder: DocumentBuilder, data: bytes, source: Source) -> str:
    """Put one message into `builder` under its subject; returns the subject.

    `source` is the file that it is in. Raises FileFailed where it cannot be made out.
    """
    try:
        return _MessageReader(builder, source).add(parse_message(data), 1)
    except BROKEN:
        raise FileFailed("It is damaged: its headers cannot be made out.") from None


class _MessageReader:
    """A message and those attached to it into a builder."""

    def __init__(self, builder: DocumentBuilder, source: Source) -> None:
        self._builder = builder
        self._source = source
        self._parts_left = _MOST_PARTS

    def add(self, message: EmailMessage, level: int) -> str:
        subject = header(message, "Subject")
        self._builder.open(level, subject or "(no subject)", shown=False)
        body, files, messages = self._sort_parts(message)
        self._about(message, subject, [*filter(None, map(_file_name, files))])
        attached = Inside(self._source, self._builder, level + 1)
        for part in body:
            self._body(part, level, attached)
        seen: set[bytes] = set()
        for part in files:
            name = _file_name(part) or f"attachment.{part.get_content_subtype()}"
            content = _payload(part)
            if content in seen:  # an invitation is a part of the text, and attached again
                continue
            seen.add(content)
            attached.add(name, len(content), partial(bytes, content))
        attached.close()
        for inner in messages if level < _DEEPEST else ():
            self.add(inner, level + 1)
        return subject

    def _about(self, message: EmailMessage, subject: str, names: list[str]) -> None:
        """The block that says who wrote to whom, when and about what."""
        about = [f"{name}: {value}" for name in _PEOPLE if (value := header(message, name))]
        sent = date(message)
        lines = [f"Subject: {subject}" if subject else "", *about, f"Date: {sent}" if sent else ""]
        if names:
            lines.append(f"Attachments: {', '.join(names[:50])}")
        self._builder.add("\n".join(line for line in lines if line), "message")

    def _sort_parts(
        self, message: EmailMessage
    ) -> tuple[list[EmailMessage], list[EmailMessage], list[EmailMessage]]:
        """The parts that are the message's own text, its files, and the messages attached to it."""
        body: list[EmailMessage] = []
        files: list[EmailMessage] = []
        messages: list[EmailMessage] = []
        waiting = [message]
        while waiting and self._parts_left > 0:
            self._parts_left -= 1
            part = waiting.pop(0)
            kind = part.get_content_type()
            inner = _parts(part)
            if kind in _LOCKED:
                if content := find_signed_content(_payload(part)):
                    waiting[:0] = [parse_message(content)]
                else:
                    self._builder.notes.append("A message in it is encrypted and not read.")
            elif kind == "message/rfc822" or (kind == "message/global" and inner):
                messages += [_unpack_message(one, _encoding(part)) for one in inner]
            elif kind == "multipart/alternative" and inner:
                waiting[:0] = _chosen(inner)
            elif inner:
                waiting[:0] = inner
            elif _is_body(part, kind):
                body.append(part)
            elif part.get_content_maintype() == "text" or _file_name(part):
                files.append(part)
        return body, files, messages

    def _body(self, part: EmailMessage, level: int, attached: Inside) -> None:
        content = _payload(part)
        try:
            text = _text(part, content)
        except FileSkipped:
            return
        if part.get_content_type() == "text/html":
            add_html(self._builder, text, base_level=level)
            return
        shown, written = without_files(text)
        shown = _plain(part, shown)
        for block in paragraphs(shown):
            self._builder.add(shown[block.start : block.end], "prose")
        for name, data in written:
            attached.add(name, len(data), partial(bytes, data))


def _encoding(part: EmailMessage) -> str:
    return str(part.get("Content-Transfer-Encoding") or "").strip().lower()


def _unpack_message(inner: EmailMessage, encoding: str) -> EmailMessage:
    """A message attached that is in base64 or quoted-printable, which the standard forbids."""
    try:
        if encoding == "base64" and not inner.keys():
            return parse_message(base64.b64decode(inner.as_bytes().lstrip()))
        if encoding == "quoted-printable":
            return parse_message(quopri.decodestring(inner.as_bytes().lstrip()))
    except BROKEN:
        pass
    return inner


def _is_body(part: EmailMessage, kind: str) -> bool:
    """Text that is no file; also a part whose boundary is nowhere, so that all of it is one text."""
    shown = kind in _BODY_TEXT and part.get_content_disposition() != "attachment"
    return shown or part.get_content_maintype() == "multipart"


def _chosen(choices: list[EmailMessage]) -> list[EmailMessage]:
    """The plain alternative, unless it is blank or much shorter than the HTML; with it, an invitation."""
    invitations = [p for p in choices if p.get_content_type() == "text/calendar"]
    plain = [p for p in choices if p.get_content_type() == "text/plain" and _payload(p).strip()]
    rich = [p for p in choices if p.get_content_type() == "text/html"]
    other = [p for p in choices if p.is_multipart()]
    rest = other or rich[-1:]
    if not plain:
        return [*rest, *invitations] or choices[-1:]
    text = rest if rest and _is_stub(plain[0], _html_in(rest[0])) else plain[:1]
    return [*text, *invitations]


def _html_in(part: EmailMessage) -> EmailMessage | None:
    """The HTML of an alternative that may hold pictures beside it."""
    found = (p for p, _ in zip(part.walk(), range(_MOST_PARTS), strict=False))
    return next((p for p in found if p.get_content_type() == "text/html"), None)


def _is_stub(plain: EmailMessage, rich: EmailMessage | None) -> bool:
    """Whether the plain part has few of the words that the HTML has."""
    if rich is None:
        return False
    try:
        page = DocumentBuilder()
        add_html(page, _text(rich, _payload(rich)))
        words = {*_WORD.findall(page.document("html").text.lower())}
        held = {*_WORD.findall(_text(plain, _payload(plain)).lower())}
    except FileSkipped:
        return False
    return bool(words) and len(words & held) < _COVERED * len(words)


def _parts(message: EmailMessage) -> list[EmailMessage]:
    payload = message.get_payload() if message.is_multipart() else []
    return [part for part in payload if isinstance(part, EmailMessage)]


def _payload(part: EmailMessage) -> bytes:
    """A part's content; what declares base64 and is none comes as it is."""
    try:
        payload = part.get_payload(decode=True)
    except BROKEN:
        return b""
    if payload is None and isinstance(whole := part.get_payload(), str):
        return whole.encode("utf-8", "surrogateescape")
    return payload if isinstance(payload, bytes) else b""


def _text(part: EmailMessage, content: bytes) -> str:
    try:
        declared = part.get_content_charset() or ""
    except BROKEN:
        declared = ""
    if not codec_of(declared) and part.get_content_type() == "text/html":
        declared = declared_in_markup(content)
    return decode_text(content, declared)


def _plain(part: EmailMessage, text: str) -> str:
    if part.get_content_type() in ("text/enriched", "text/richtext"):
        text = _TAGS.sub("", text)
    if _parameter(part, "format") == "flowed":
        return unflowed(text, delete_space=_parameter(part, "delsp") == "yes")
    return unquoted(text)


def _parameter(part: EmailMessage, name: str) -> str:
    try:
        return str(part.get_param(name) or "").lower()
    except BROKEN:
        return ""


def _file_name(part: EmailMessage) -> str:
    try:
        return one_line(decoded(str(part.get_filename() or "")))[:300]
    except BROKEN:
        return ""


def walked(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts of a message that hold no others, as many as are read."""
    for number, part in enumerate(message.walk()):
        if number > _MOST_PARTS:
            return
        if not part.is_multipart():
            yield part


def text_of(part: EmailMessage) -> str:
    """The text of a part; raises FileSkipped where it is none."""
    return _text(part, _payload(part))
