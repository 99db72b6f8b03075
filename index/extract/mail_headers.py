"""Header lines of mail as text: folded lines, encoded words (RFC 2047), bytes that nothing declares.

Owns decoding the value behind a header's name. Addresses stay as they are written.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import parsedate_to_datetime

from index.errors import FileSkipped
from index.extract.charsets import codec_of
from index.extract.decode import decode_text
from index.extract.document_builder import one_line

LONGEST = 8_000
"""Characters of a header that are read: a longer one names hundreds of people."""
_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,20})?\?([BbQq])\?([^?\n]{0,4000})\?=")
_BETWEEN = re.compile(r"\s*")


def header(message: Message, name: str) -> str:
    """The first header of that name as one line of text; empty where there is none."""
    wanted = name.lower()
    for given, value in message.raw_items():
        if given.lower() == wanted:
            return one_line(decoded(str(value)))[:1000]
    return ""


def decoded(value: str) -> str:
    """A header's value with its encoded words and its undeclared bytes as characters."""
    value = _bytes_decoded(value[:LONGEST])
    return "".join(_pieces(value)) if "=?" in value else value


def date(message: Message) -> str:
    """The day and time of a message in words; as it is written where it is no date."""
    raw = header(message, "Date")
    try:
        return parsedate_to_datetime(raw).strftime("%A %d %B %Y, %H:%M") if raw else ""
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return raw


def _bytes_decoded(value: str) -> str:
    """Python's parser keeps bytes beyond ASCII as surrogates; they are in some encoding."""
    try:
        data = value.encode("ascii", "surrogateescape")
        return value if data.isascii() and b"\x1b" not in data else decode_text(data)
    except (UnicodeEncodeError, FileSkipped):
        return value.encode("utf-8", "replace").decode("utf-8")


def _pieces(value: str) -> Iterator[str]:
    """Text, and runs of encoded words in one charset: a character may be divided between two words."""
    at = 0
    charset, held = "", b""
    for word in _WORD.finditer(value):
        adjoins = bool(held) and bool(_BETWEEN.fullmatch(value, at, word.start()))
        if held and not (adjoins and word[1].lower() == charset):
            yield _text(held, charset)
            held = b""
        if not adjoins:
            yield value[at : word.start()]
        charset, at = word[1].lower(), word.end()
        held += _payload(word[2].upper(), word[3])
    if held:
        yield _text(held, charset)
    yield value[at:]


def _payload(encoding: str, words: str) -> bytes:
    data = words.encode("ascii", "ignore")
    if encoding == "Q":
        return quopri.decodestring(data, header=True)
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return b""


def _text(data: bytes, charset: str) -> str:
    try:
        return decode_text(data, charset if codec_of(charset) else "utf-8")
    except FileSkipped:
        return data.decode("utf-8", "replace")
