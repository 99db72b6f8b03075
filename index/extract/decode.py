"""Bytes to text in whatever encoding they are, or the finding that they are not text.

Owns the choice of an encoding and the form of line ends. Knows no format.
"""

from __future__ import annotations

import codecs
import re

from index.errors import FileSkipped
from index.extract.charsets import codec_of

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 32_768
_CONTROLS = bytes(range(0x09)) + bytes(range(0x0E, 0x1B)) + bytes(range(0x1C, 0x20)) + b"\x7f"
_NOT_TEXT = "It holds bytes that are no text."


def decode(data: bytes, declared: str = "") -> str:
    """The text of `data` with `\\n` line ends: a byte order mark, UTF-8, `declared`, then a guess.

    Raises FileSkipped where the bytes are not text.
    """
    return _line_ends(_decode(data, declared))


def _decode(data: bytes, declared: str) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    sample = data[:_SAMPLE]
    if b"\0" in sample or data.find(b"\0") >= 0:
        return _wide(data, sample)
    if len(sample.translate(None, _CONTROLS)) < 0.9 * len(sample):
        raise FileSkipped(_NOT_TEXT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_narrow(declared) or _guess(data), "replace")


def _wide(data: bytes, sample: bytes) -> str:
    """UTF-16 without a mark: almost every second byte of Western text is NUL."""
    half = max(1, len(sample) // 2)
    for name, nuls in (("utf-16-le", sample[1::2].count(0)), ("utf-16-be", sample[0::2].count(0))):
        if nuls > 0.7 * half and sample.count(0) < 1.1 * half:
            return data.decode(name, "replace")
    raise FileSkipped("It holds NUL bytes, so it is not text.")


def _narrow(declared: str) -> str:
    """The declared codec, unless it is one of two bytes and more a character: there is no NUL in the data."""
    codec = codec_of(declared)
    return "" if codec.startswith(("utf-16", "utf-32")) else codec


def _guess(data: bytes) -> str:
    """The encoding charset-normalizer finds likeliest; Windows-1252 where it finds none, or none likelier."""
    from charset_normalizer import from_bytes

    first = re.search(rb"[\x80-\xff]", data)
    start = max(0, (first.start() if first else 0) - _SAMPLE // 8)
    found = from_bytes(data[start : start + _SAMPLE], steps=4, chunk_size=2048)
    if not found:
        return "cp1252"
    likeliest = found[0].chaos, found[0].coherence
    alike = [one.encoding for one in found if (one.chaos, one.coherence) == likeliest]
    return "cp1252" if "cp1252" in alike else alike[0]


def _line_ends(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text
