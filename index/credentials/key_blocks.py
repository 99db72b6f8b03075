"""Private keys in text armour, from the first line of a block to the last.

Owns the recognition of the beginning and end of a block. Sources of the forms: RFC 7468 (PEM), RFC 1421
(headers), RFC 4880 (OpenPGP), RFC 4716 (SSH2), PuTTY's manual, appendix C,
OpenVPN's manual (`--genkey`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DASHES = r"(?:[-–—−‐‑]|&#45;|&\#x2d;){2,10}"
_NAME = (
    r"(?:(?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?"
    r"|OpenVPN (?:[a-z0-9-]{1,20} ){0,3}(?:[Ss]tatic|client|server) key(?: V\d)?)"
)
_BEGIN = re.compile(rf"{_DASHES} ?BEGIN {_NAME} ?{_DASHES}")
_END = re.compile(rf"END {_NAME}(?: ?{_DASHES})?")
_LONGEST = 100_000
"""Characters from the beginning of a block to its end; a key of 16,384 bits has about 13,000."""
_BODY = re.compile(r"[A-Za-z0-9+/=]{16}")
_SHORTENED = re.compile(r"[A-Za-z0-9+/]{4}\.{3}|EXAMPLE[A-Za-z0-9+/]")
"""Parts of a block that only illustrates the format."""
_LINE = re.compile(
    r"[\s>|#*/\"'+,\\-]{0,20}+(?:"
    r"[A-Za-z-]{1,40}: [^\n]{0,200}"  # a header
    r"|(?=[^\n]{0,80}?[\d+/=]|[^\s]{24})(?:\\[nr]|&#1[03];|[A-Za-z0-9+/=]){4,}+[\\\"',;]{0,4}"
    r"|)[^\S\n]*(?:\n|\Z)"
)
"""A line of a block that has no last line: a header, a line of the body or a blank line, also quoted."""
_REST = re.compile(r"(?:\\[nr]|\s|[A-Za-z0-9+/=]{20,}){1,2000}+")
_PUTTY = "PuTTY-User-Key-File-"
_PUTTY_END = re.compile(r"Private-(?:MAC|Hash): *[0-9a-fA-F]*")


def key_blocks(text: str) -> Iterator[tuple[int, int]]:
    """The spans of private keys in `text`; a first line without a body does not count."""
    if "PRIVATE KEY" in text or "OpenVPN" in text:
        yield from _armoured_blocks(text)
    at = text.find(_PUTTY)
    while at >= 0:
        following = text.find(_PUTTY, at + 1)
        limit = min(at + _LONGEST, following if following > 0 else len(text))
        last = _PUTTY_END.search(text, at, limit)
        end = last.end() if last else _rest(text, text.find("\n", at, limit) + 1 or limit, limit)
        if _BODY.search(text, at + len(_PUTTY), end):
            yield at, end
        at = following


def _armoured_blocks(text: str) -> Iterator[tuple[int, int]]:
    begun = list(_BEGIN.finditer(text))
    for i, begin in enumerate(begun):
        following = begun[i + 1].start() if i + 1 < len(begun) else len(text)
        limit = min(begin.end() + _LONGEST, following)
        last = _END.search(text, begin.end(), limit)
        end = last.end() if last else _rest(text, begin.end(), limit)
        if _BODY.search(text, begin.end(), end) and not _SHORTENED.search(text, begin.end(), end):
            yield begin.start(), end


def _rest(text: str, start: int, limit: int) -> int:
    """The end of the body of a block that has no last line."""
    same_line = _REST.match(text, start, limit)
    at = end = same_line.end() if same_line else start
    while at < limit:
        line = _LINE.match(text, at, limit)
        if not line or line.end() == at:
            break
        at = line.end()
        if line.group().strip(" \t\n>|#"):
            end = at
    return end
