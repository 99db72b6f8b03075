"""Bytes to text in whatever encoding they are, or the finding that they are not text.

Owns the choice of an encoding and the form of line ends. Knows no format. What is declared is believed where
it decodes; else the bytes decide. One byte that is wrong never changes how the others are read.
"""

from __future__ import annotations

import codecs
import re

from index.errors import FileSkipped
from index.extract.charsets import codec_of
from index.extract.guess_encoding import guess
from index.extract.seven_bit import decode_seven_bit
from index.extract.terminal_text import without_codes
from index.extract.wide_encoding import decode_wide

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 32_768
_CONTROLS = bytes(range(0x08)) + bytes(range(0x0E, 0x1B)) + bytes(range(0x1C, 0x20)) + b"\x7f"
_NOT_TEXT = "It holds bytes that are no text."
_ASCII_LABELS = frozenset({"ascii", "us-ascii", "ansi_x3.4-1968", "iso-ir-6", "646"})
_BAD = re.compile("[\udc80-\udcff]")
_WIDE_CHARACTER = re.compile("[^\x00-\x7f\udc80-\udcff]")
_CUT_OFF = re.compile(rb"(?:[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{1,2})\Z")
_HALVES = re.compile(rb"\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])")
"""A character beyond the first plane as two halves of three bytes each (CESU-8, Java, databases)."""
_HOLES = re.compile(rb"\0{8,}")
"""What a crash or a rotated log leaves in a file. No text in UTF-16 or UTF-32 has so many NULs together."""
_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_LATIN = re.compile("[\u00a0-\u017f\u2010-\u203a\u20ac]*")
_LONE_LETTER = re.compile(
    "(?<=[A-Za-z])[\udcc0-\udcff](?![\udc80-\udcff])|(?<![\udc80-\udcff])[\udcc0-\udcff](?=[A-Za-z])"
)
_HIGH_LETTERS = re.compile("[^\x00-\x7f\\W\\d_]")
_LETTERS = re.compile("[^\\W\\d_]")
_MOST_HIGH = 0.5
"""No language that Windows-1252 writes has more letters beyond ASCII, of all its letters."""
_WESTERN = frozenset({"cp1252", "iso8859-15", "mac-roman"})
_MOST_BROKEN = 0.01
_UNKNOWN = "\ufffd"


def decode_text(data: bytes, declared: str = "") -> str:
    """The text of `data` with `\\n` line ends: by its mark, 7-bit escapes, UTF-8, `declared`, or a guess.

    Raises FileSkipped where the bytes are not text.
    """
    return without_codes(_line_ends(_decode(data, declared)))


def _decode(data: bytes, declared: str) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            data = data[len(mark) :]
            return _utf_8(data, "") if name == "utf-8" else data.decode(name, "replace")
    if b"\0" in data:
        data = _without_holes(data)
    sample = data[:_SAMPLE]
    if (wide := decode_wide(data, codec_of(declared))) is not None:
        return wide
    if data.isascii() and (text := decode_seven_bit(data, codec_of(declared))) is not None:
        return text
    if len(sample.translate(None, _CONTROLS)) < 0.9 * len(sample):
        raise FileSkipped(_NOT_TEXT)
    return _utf_8(data, declared)


def _without_holes(data: bytes) -> bytes:
    """The bytes without runs of NUL and without those that fill up the end, if there are no others."""
    left = _HOLES.sub(b"", data)
    if left.endswith(b"\0\0"):
        left = left.rstrip(b"\0")
    return data if b"\0" in left else left


def _utf_8(data: bytes, declared: str) -> str:
    """UTF-8 where the bytes are that, or nearly; else what is declared, or a guess."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        data = _HALF.sub(_UNKNOWN.encode(), _HALVES.sub(_join_surrogates, data))
    text = data.decode("utf-8", "surrogateescape")
    bad, good = len(_BAD.findall(text)), len(_WIDE_CHARACTER.findall(text))
    if not bad:
        return text
    cut_off = _CUT_OFF.search(data)
    if cut_off and bad == len(cut_off.group()):
        return data[: cut_off.start()].decode("utf-8") + _UNKNOWN
    if good >= bad or _by_lines(text, bad):
        return _repair(text, declared)
    return _other(data, declared)


def _join_surrogates(halves: re.Match[bytes]) -> bytes:
    return (
        halves.group()
        .decode("utf-8", "surrogatepass")
        .encode("utf-16", "surrogatepass")
        .decode("utf-16")
        .encode()
    )


def _by_lines(text: str, bad: int) -> bool:
    """Whether lines of UTF-8 are beside lines of another encoding: hardly a line holds both.

    Two bytes of Chinese may be a character of UTF-8 by chance, so a few such lines say something only where
    all of them hold what Western languages use.
    """
    clean: list[str] = []
    torn = 0
    for line in text.split("\n"):
        if not line.isascii():
            wide = _WIDE_CHARACTER.findall(line)
            if _BAD.search(line):
                torn += len(wide)
            else:
                clean += wide
    many = len(clean) >= 4 and len(clean) * 5 >= bad
    return torn * 10 <= len(clean) and (many or bool(clean and _LATIN.fullmatch("".join(clean))))


def _repair(text: str, declared: str) -> str:
    """Text in UTF-8 with bytes that are not: lines wholly in another encoding are read in it, else U+FFFD."""
    lines = text.split("\n")
    foreign = [i for i, line in enumerate(lines) if _BAD.search(line) and not _WIDE_CHARACTER.search(line)]
    other = b"\n".join(_bytes(lines[i]) for i in foreign)
    if other and _reads_as_letters(other):
        for i, line in zip(foreign, _other(other, declared).split("\n"), strict=True):
            lines[i] = line
    return "\n".join(
        line if line.isascii() or not _BAD.search(line) else _replace_bad_bytes(line) for line in lines
    )


def _reads_as_letters(data: bytes) -> bool:
    """Whether each byte above 127 has a letter beside it: else it is damage, and no letter."""
    return not re.search(rb"(?<![A-Za-z\x80-\xff])[\x80-\xff](?![A-Za-z\x80-\xff])", data)


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")


def _replace_bad_bytes(line: str) -> str:
    """A line with U+FFFD for what is not UTF-8; among Latin letters a lone byte is Windows-1252."""
    if _LATIN.fullmatch("".join(_WIDE_CHARACTER.findall(line))):
        line = _LONE_LETTER.sub(lambda found: bytes([ord(found[0]) - 0xDC00]).decode("cp1252"), line)
    return _bytes(line).decode("utf-8", "replace")


def _other(data: bytes, declared: str) -> str:
    """The text in the declared encoding if that gives words, else in the encoding that does."""
    codec = _narrow(declared)
    if codec:
        text = data.decode(codec, "replace")
        if text.count(_UNKNOWN) <= _MOST_BROKEN * len(text) and (codec not in _WESTERN or _western(text)):
            return text
    if not (codec := guess(data)):
        raise FileSkipped(_NOT_TEXT)
    return data.decode(codec, "replace")


def _western(text: str) -> bool:
    return len(_HIGH_LETTERS.findall(text)) <= _MOST_HIGH * len(_LETTERS.findall(text))


def _narrow(declared: str) -> str:
    """The declared codec, unless it cannot be: two bytes a character without a NUL, seven bits, UTF-8."""
    if declared.strip().strip("\"'").lower() in _ASCII_LABELS:
        return ""
    codec = codec_of(declared)
    wrong = codec.startswith(("utf", "iso2022", "ascii")) or codec == "hz"
    return "" if wrong or not codec else codecs.lookup(codec).name


def _line_ends(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text
