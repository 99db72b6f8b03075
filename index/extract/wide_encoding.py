"""UTF-16 and UTF-32 without a byte order mark, told from bytes that are no text.

Owns how they are recognized: read with its bytes in the right order, a text holds blanks and stops, and
hardly a character that Unicode does not assign.
"""

from __future__ import annotations

import re
import unicodedata

from index.errors import FileSkipped

_SAMPLE = 4_096
"""Bytes that are looked at: at most two thousand characters."""
_USUAL = re.compile("[ \t\n\r.,;:!?\"'()0-9A-Za-z、。，！？：；「」（）।؟،-]")
_ALONE = re.compile("(?<=[\u2e80-\ud7a3])[A-Za-z](?=[\u2e80-\ud7a3])")
_NO_TEXT = frozenset({"Cn", "Co", "Cs", "Cc"})
_NAMES = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_STOPS = (b"\x02\x30", b"\x30\x02", b"\x0c\xff", b"\xff\x0c", b"\x01\x30")
"""Chinese and Japanese full stops and commas, in either order."""
_MOST_OF_ONE = 0.6
_MOST_ODD = 0.02
_LEAST_USUAL = 0.005
_LONGEST_UNBROKEN = 60
_ASCII = bytes(range(0x20, 0x7F)) + b"\t\n\r\f\x1b"
_MOST_HOLES = 0.05
"""NULs and other bytes among ASCII, which a crash or a fault left there: in UTF-16 NULs are half of it."""


def decode_wide(data: bytes, declared: str) -> str | None:
    """The text where it is one of these; None where the bytes are of another encoding.

    Raises FileSkipped where bytes hold NUL and are none of these.
    """
    nul = b"\0" in data
    if not nul and not _could_be(data):
        return None
    if nul and len(data.translate(None, _ASCII)) < _MOST_HOLES * len(data):
        return None
    sample = data[:_SAMPLE]
    marks = {name: _mark(sample, name) for name in _NAMES}
    best = max(marks, key=lambda name: (marks[name], name == declared.replace("_", "-")))
    if marks[best] > 0:
        return data.decode(best, "replace")
    if nul and data.count(0) <= len(data) // 1000 and len(data) > _SAMPLE:
        return None  # a text with a hole in it: what a crash leaves in a log
    if nul:
        raise FileSkipped("It holds NUL bytes, so it is not text.")
    return None


def _could_be(data: bytes) -> bool:
    """Whether bytes without NUL are worth a look: Chinese and Japanese may have none."""
    sample = data[:_SAMPLE]
    if len(sample) % 2 and len(data) <= _SAMPLE:
        return False
    return any(stop in sample for stop in _STOPS) or any(_one_block(sample[half::2]) for half in (0, 1))


def _one_block(bytes_: bytes) -> bool:
    """Whether most characters are of one block of an alphabet, whose number is no byte of text."""
    block = max(set(bytes_), key=bytes_.count, default=0xFF)
    return block < 0x20 and block not in b"\t\n\r\x1b" and bytes_.count(block) > _MOST_OF_ONE * len(bytes_)


def _mark(sample: bytes, name: str) -> float:
    """The share of blanks and stops, 0 where it does not read as text under this name."""
    width = int(name[4:6]) // 8
    sample = sample[: len(sample) // width * width]
    text = sample.decode(name, "surrogatepass" if width == 2 else "replace")
    if not text:
        return 0.0
    odd = sum(map(_is_odd, text)) + len(_ALONE.findall(text))
    usual = len(_USUAL.findall(text)) / len(text)
    least = _LEAST_USUAL if len(text) > _LONGEST_UNBROKEN else 0.0
    return usual + 1e-6 if odd <= max(1, _MOST_ODD * len(text)) and usual >= least else 0.0


def _is_odd(character: str) -> bool:
    if character in "\t\n\r\f\x1b":
        return False
    rare = "\u3400" <= character <= "\u4dbf" or character == "\ufffd"
    return rare or unicodedata.category(character) in _NO_TEXT
