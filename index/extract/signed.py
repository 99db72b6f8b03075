"""Documents and mail inside a signature (`.p7m`: CAdES and S/MIME, RFC 8551), read as they would be outside.

Owns as much of BER and of the Cryptographic Message Syntax (RFC 5652) as leads to the content. Checks no
signature and decrypts nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial
from pathlib import PurePath

from index.errors import FileSkipped
from index.extract.document_builder import DocumentBuilder
from index.extract.inside import Inside
from index.extract.source import Source
from index.types import Document

_IN_TEXT = re.compile(rb"-----[A-Z0-9 ]+-----|\s+")
"""What is around base64 where the signature is a file of text."""
_SIGNED = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")
"""The object identifiers of signed data, and of the content that is wrapped."""
_EXPLICIT, _OCTETS, _OCTETS_IN_PARTS = 0xA0, 0x04, 0x24
_MOST_PIECES = 1_000_000


def read(source: Source) -> Document:
    """The document that is signed. Raises FileSkipped where there is none in it."""
    data = source.content()
    content = find_signed_content(_from_text(data) if data[:1] in b"M-" else data)
    if not content:
        raise FileSkipped("It is encrypted, or a signature without the document.")
    name = PurePath(source.name).stem
    if content[:8].lower() == b"content-" and not name.lower().endswith(".eml"):
        name += ".eml"
    builder = DocumentBuilder()
    inside = Inside(source, builder, 1)
    inside.add(name, len(content), partial(bytes, content))
    inside.close()
    return builder.document("signed", name)


def _from_text(data: bytes) -> bytes:
    try:
        return base64.b64decode(_IN_TEXT.sub(b"", data))
    except binascii.Error:
        return b""


def find_signed_content(data: bytes) -> bytes:
    """The content of signed data; empty where the data are encrypted, damaged, or hold a signature alone."""
    signed = data.find(_SIGNED, 0, 64)
    named = data.find(_DATA, signed) + len(_DATA) if signed >= 0 and _DATA in data[signed:] else 0
    if not named or data[named : named + 1] != bytes([_EXPLICIT]):
        return b""
    at, _ = _bounds(data, named)
    tag = data[at : at + 1]
    if tag not in (bytes([_OCTETS]), bytes([_OCTETS_IN_PARTS])):
        return b""
    begin, end = _bounds(data, at)
    return data[begin:end] if tag[0] == _OCTETS else b"".join(_pieces(data, begin, end))


def _bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends; to the end of all where it has no length."""
    first = data[at + 1] if at + 1 < len(data) else 0
    if first < 0x80:
        return at + 2, min(len(data), at + 2 + first)
    count = first - 0x80
    if not count or count > 8:
        return at + 2, len(data)
    begin = at + 2 + count
    return begin, min(len(data), begin + int.from_bytes(data[at + 2 : begin], "big"))


def _pieces(data: bytes, at: int, end: int) -> list[bytes]:
    """Octets that are written in parts, up to what is none."""
    found: list[bytes] = []
    while at < end and data[at] == _OCTETS and len(found) < _MOST_PIECES:
        begin, after = _bounds(data, at)
        found.append(data[begin:after])
        at = after
    return found
