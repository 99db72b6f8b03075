"""The plain text of a mail's body: paragraphs that were broken into lines, quotes, files written as letters.

Owns what mail programs do to plain text: format=flowed (RFC 3676), `>` before quoted lines, uuencode.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

_QUOTED = re.compile(r"^(?:>[ >]*)+", re.MULTILINE)
_DEPTH = re.compile(r">*")
_UUENCODED = re.compile(
    r"^begin [0-7]{3,4} (?P<name>[^\n]{1,200})\n(?P<body>(?:[\x20-\x60]{1,90}\n)*?)(?:`\n| ?\n)?end[ \t]*$",
    re.MULTILINE,
)
_SIGNATURE = "-- "


def unquoted(text: str) -> str:
    """Without the marks before lines of other people's."""
    return _QUOTED.sub("", text)


def unflowed(text: str, *, delete_space: bool) -> str:
    """Lines that end in a blank joined with the next of the same depth of quotation (RFC 3676, 4)."""
    found: list[str] = []
    depth, open_ = 0, False
    for line in text.split("\n"):
        marks = _DEPTH.match(line)
        own = marks.end() if marks else 0
        words = line[own:].removeprefix(" ")
        if open_ and own == depth and words != _SIGNATURE:
            found[-1] += words
        else:
            found.append(words)
        depth, open_ = own, words.endswith(" ") and words != _SIGNATURE
        if open_ and delete_space:
            found[-1] = found[-1][:-1]
    return "\n".join(found)


def without_files(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text without the files that are written in it as letters (uuencode), and those files."""
    if "begin" not in text:
        return text, []
    files = [(found["name"].strip(), b"".join(_lines(found["body"]))) for found in _UUENCODED.finditer(text)]
    return _UUENCODED.sub("", text) if files else text, files


def _lines(body: str) -> Iterator[bytes]:
    for line in body.splitlines():
        try:
            yield binascii.a2b_uu(line)
        except binascii.Error:
            size = (((ord(line[0]) - 32) & 63) * 4 + 5) // 3  # some programs write too much at the end
            try:
                yield binascii.a2b_uu(line[:size])
            except binascii.Error:
                return
