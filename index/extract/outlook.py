"""Outlook's messages (.msg, .oft) and what it attaches to mail for others (winmail.dat, TNEF).

Owns both formats' properties (MS-OXMSG, MS-OXTNEF): who wrote, when, about what, the text, what is attached.
"""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import codec_of
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.html import add_html
from index.extract.inside import Inside
from index.extract.mail_headers import decoded
from index.extract.mail_text import unquoted
from index.extract.ole import Compound
from index.extract.rtf import add_rtf, unpacked
from index.extract.source import Source
from index.extract.text import paragraphs
from index.types import Document

_SUBJECT, _SENDER, _SENDER_ADDRESS, _TO, _CC, _BODY = 0x0037, 0x0C1A, 0x5D01, 0x0E04, 0x0E03, 0x1000
_OLD_ADDRESS, _HTML, _RTF, _SENT, _DELIVERED, _CODEPAGE = 0x0C1F, 0x1013, 0x1009, 0x0039, 0x0E06, 0x3FDE
_LOCATION, _START, _END = 0x8208, 0x820D, 0x820E
_FILE_NAME, _LONG_NAME, _DATA, _DISPLAY_NAME, _MESSAGE_CODEPAGE = 0x3704, 0x3707, 0x3701, 0x3001, 0x3FFD
_STRING_8, _STRING, _BINARY, _TIME, _NUMBER = 0x1E, 0x1F, 0x102, 0x40, 0x03
_PROPERTIES = "__properties_version1.0"
_STREAM_NAME = re.compile(r"__substg1\.0_([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})[^/]*\Z")
_EPOCH = datetime.datetime(1601, 1, 1)
_MOST_ATTACHED = 200
_DEEPEST = 8
_TNEF_ATTRIBUTE = struct.Struct("<BII")
_TNEF_PROPERTIES, _TNEF_ATTACHMENT, _TNEF_NEW, _TNEF_DATA, _TNEF_TITLE = (
    0x9003,
    0x9005,
    0x9002,
    0x800F,
    0x8010,
)
_TNEF_SUBJECT, _TNEF_BODY, _TNEF_CODEPAGE = 0x8004, 0x800C, 0x9007
_FIXED = {2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 2, 20: 8, 64: 8, 72: 16}
"""Bytes of the values of each type that has a fixed size."""


@dataclass(slots=True)
class _StoredMessage:
    """Properties by their number, text in bytes or characters, and what is attached."""

    values: dict[int, bytes | str] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    codec: str = ""
    files: list[_StoredMessage] = field(default_factory=list)
    inner: list[_StoredMessage] = field(default_factory=list)

    def text(self, *numbers: int) -> str:
        """The first of these properties that says anything."""
        for number in numbers:
            value = self.values.get(number, "")
            if isinstance(value, bytes):
                try:
                    value = decode_text(value.rstrip(b"\0"), self.codec)
                except FileSkipped:
                    value = ""
            if value.strip("\0 \r\n"):
                return value.rstrip("\0")
        return ""

    def data(self, number: int) -> bytes:
        value = self.values.get(number, b"")
        return value if isinstance(value, bytes) else value.encode("utf-8", "replace")


def read(source: Source) -> Document:
    """One message with the messages attached to it."""
    try:
        is_tnef = source.head(2) == b"\x78\x9f"
        message = _tnef(source.content()) if is_tnef else _storage(Compound(source), "", 0)
    except (struct.error, IndexError):
        raise FileFailed("It is damaged: what it says cannot be made out.") from None
    builder = DocumentBuilder()
    _add(builder, message, source, 1)
    return builder.document("mail", one_line(message.text(_SUBJECT)))


def _add(builder: DocumentBuilder, message: _StoredMessage, source: Source, level: int) -> None:
    subject = one_line(message.text(_SUBJECT))[:1000]
    if subject or level > 1:
        builder.open(level, subject or "(no subject)", shown=False)
    builder.add("\n".join(_about(message, subject)), "message")
    _add_body(builder, message, level)
    attached = Inside(source, builder, level + 1)
    for file in message.files:
        content = file.data(_DATA)
        attached.add(_name(file) or "attachment", len(content), partial(bytes, content))
    attached.close()
    for inner in message.inner:
        _add(builder, inner, source, level + 1)


def _about(message: _StoredMessage, subject: str) -> Iterator[str]:
    """The lines that say who wrote to whom, when and about what."""
    sender = one_line(message.text(_SENDER))
    address = one_line(message.text(_SENDER_ADDRESS, _OLD_ADDRESS))
    if subject:
        yield f"Subject: {subject}"
    if sender or address:
        known = "@" in address and address not in sender
        yield f"From: {sender} <{address}>" if sender and known else f"From: {sender or address}"
    for name, number in (("To", _TO), ("Cc", _CC), ("Location", _LOCATION)):
        if people := one_line(message.text(number)):
            yield f"{name}: {people}"
    sent = message.times.get(_SENT) or message.times.get(_DELIVERED)
    if sent and 0 < sent < 1 << 62:
        try:
            when = _EPOCH + datetime.timedelta(microseconds=sent // 10)
            yield f"Date: {when.strftime('%A %d %B %Y, %H:%M')}"
        except OverflowError:
            pass
    if names := [name for name in map(_name, message.files) if name]:
        yield f"Attachments: {', '.join(names[:50])}"


def _add_body(builder: DocumentBuilder, message: _StoredMessage, level: int) -> None:
    """The plain text; else the HTML; else what is packed as RTF."""
    if body := message.text(_BODY).replace("\r\n", "\n"):
        shown = unquoted(body)
        for block in paragraphs(shown):
            builder.add(shown[block.start : block.end], "prose")
        return
    if html := message.text(_HTML):
        add_html(builder, html, base_level=level)
        return
    if packed := message.data(_RTF):
        add_rtf(builder, unpacked(packed), base_level=level)


def _name(file: _StoredMessage) -> str:
    return one_line(decoded(file.text(_LONG_NAME, _FILE_NAME, _DISPLAY_NAME)))[:300]


def _storage(file: Compound, folder: str, depth: int) -> _StoredMessage:
    """The properties of a message or of a file attached to it."""
    message = _StoredMessage()
    header = 32 if not folder else 24 if depth and "__substg1.0_3701000D" in folder.rpartition("/")[2] else 8
    if file.has(f"{folder}{_PROPERTIES}"):
        _read_fixed_properties(message, file.stream(f"{folder}{_PROPERTIES}")[header:])
    for path in file.paths:
        name = path.removeprefix(folder)
        if path.startswith(folder) and (stream := _STREAM_NAME.match(name)):
            number, kind = int(stream[1], 16), int(stream[2], 16)
            if kind == _STRING:
                message.values[number] = file.stream(path).decode("utf-16-le", "replace")
            elif kind in (_STRING_8, _BINARY):
                message.values[number] = file.stream(path)
    attached = dict.fromkeys(_attachment_folders(file, folder))
    for place in list(attached)[:_MOST_ATTACHED]:
        inner = f"{folder}{place}/__substg1.0_3701000D/"
        if any(path.startswith(inner) for path in file.paths):
            if depth < _DEEPEST:
                message.inner.append(_storage(file, inner, depth + 1))
        else:
            message.files.append(_storage(file, f"{folder}{place}/", depth + 1))
    return message


def _attachment_folders(file: Compound, folder: str) -> Iterator[str]:
    for path in file.paths:
        name = path.removeprefix(folder).partition("/")[0]
        if path.startswith(folder) and name.startswith("__attach_version1.0"):
            yield name


def _read_fixed_properties(message: _StoredMessage, properties: bytes) -> None:
    """Times and the encoding, which are written in the table of properties itself."""
    for at in range(0, len(properties) - 15, 16):
        kind, number = struct.unpack_from("<HH", properties, at)
        (value,) = struct.unpack_from("<Q", properties, at + 8)
        if kind == _TIME:
            message.times[number] = value
        elif kind == _NUMBER and number in (_CODEPAGE, _MESSAGE_CODEPAGE):
            message.codec = message.codec or _codec(value & 0xFFFFFFFF)


def _codec(page: int) -> str:
    return "utf-8" if page == 65001 else codec_of(f"cp{page}") or codec_of("windows-1252")


def _tnef(data: bytes) -> _StoredMessage:
    """A message as attributes one after the other (MS-OXTNEF 2.1.3.3)."""
    message = _StoredMessage()
    file: _StoredMessage | None = None
    at = 6
    while at + _TNEF_ATTRIBUTE.size <= len(data):
        _, name, size = _TNEF_ATTRIBUTE.unpack_from(data, at)
        content = data[at + _TNEF_ATTRIBUTE.size : at + _TNEF_ATTRIBUTE.size + size]
        at += _TNEF_ATTRIBUTE.size + size + 2
        match name & 0xFFFF:
            case 0x9007 if len(content) >= 4:
                message.codec = _codec(struct.unpack_from("<I", content)[0])
            case 0x8004:
                message.values.setdefault(_SUBJECT, content)
            case 0x800C:
                message.values.setdefault(_BODY, content)
            case 0x9003:
                _tnef_properties(message, content)
            case 0x9002 if len(message.files) < _MOST_ATTACHED:
                file = _StoredMessage(codec=message.codec)
                message.files.append(file)
            case 0x8010 if file is not None:
                file.values.setdefault(_FILE_NAME, content)
            case 0x800F if file is not None:
                file.values[_DATA] = content
            case 0x9005 if file is not None:
                _tnef_properties(file, content)
    return message


def _tnef_properties(message: _StoredMessage, data: bytes) -> None:
    """Properties one after the other (MS-OXTNEF 2.1.3.4); as far as they can be made out."""
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(min(count, 10_000)):
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= 0x8000:  # a property with a name of its own
            at += 16
            named, size = struct.unpack_from("<II", data, at)
            at += 8 + (-(-size // 4) * 4 if named else 0)
        if size := _FIXED.get(kind & 0xFFF):
            if kind == _TIME:
                message.times[number] = struct.unpack_from("<Q", data, at)[0]
            elif kind == _NUMBER and number in (_CODEPAGE, _MESSAGE_CODEPAGE):
                message.codec = message.codec or _codec(struct.unpack_from("<I", data, at)[0])
            at += max(4, size)
            continue
        (values,) = struct.unpack_from("<I", data, at)
        at += 4
        for _ in range(min(values, 10_000)):
            (size,) = struct.unpack_from("<I", data, at)
            value = data[at + 4 : at + 4 + size]
            at += 4 + -(-size // 4) * 4
            if kind & 0xFFF == _STRING:
                message.values[number] = value.decode("utf-16-le", "replace")
            elif not (number == _DATA and value[:16] == b""):
                message.values.setdefault(number, value)
