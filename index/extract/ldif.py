"""Directories and address books in LDIF (RFC 2849): each entry under its name.

Owns its lines: folded, with values in base64. Of those the ones that are text are read; pictures, keys and
passwords are left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from index.errors import FileSkipped
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark
from index.extract.source import Source
from index.types import Document

_ATTRIBUTE = re.compile(r"([A-Za-z][\w.-]{0,80}(?:;[\w;-]{1,80})?):([:<]?)[ ]*(.*)", re.DOTALL)
_FOLD = re.compile(r"\n ")
_LEFT_OUT = re.compile(
    r"(?i:\w*(?:password|passwd|photo|certificate|logo|guid|sid)\w*|objectclass|changetype|version)(?:;.*)?"
)
_NAMES = ("cn", "displayname", "ou", "o", "uid", "mail", "dn")
"""The attribute that names an entry, the best first."""


def read(source: Source) -> Document:
    """The entries of a directory, an attribute a line."""
    builder = DocumentBuilder()
    for entry in _entries(decode_text(source.content())):
        held = {name.lower(): value for _, name, value in reversed(entry)}
        builder.open(1, next((held[name] for name in _NAMES if name in held), ""), shown=False)
        builder.add("\n".join(f"{mark(line)}{name}: {value}" for line, name, value in entry), "message")
    return builder.document("directory")


def _entries(text: str) -> Iterator[list[tuple[int, str, str]]]:
    """Line, name and value of the attributes of each entry; entries end at blank lines."""
    entry: list[tuple[int, str, str]] = []
    line = 1
    for written in re.split(r"\n(?! )", text):
        found = _ATTRIBUTE.match(_FOLD.sub("", written))
        if not written.strip() and entry:
            yield entry
            entry = []
        elif found and found[2] != "<" and not _LEFT_OUT.fullmatch(found[1]):
            value = _plain(found[3]) if found[2] else found[3].strip()
            entry += [(line, found[1], value)] if value else []
        line += written.count("\n") + 1
    if entry:
        yield entry


def _plain(encoded: str) -> str:
    """The decoded text of a value in base64; empty where the value is not text."""
    try:
        return decode_text(base64.b64decode(encoded.strip())).strip()
    except (FileSkipped, binascii.Error, ValueError):
        return ""
