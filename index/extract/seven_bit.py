"""Encodings of seven bits: ISO-2022 (Japanese, Korean, Chinese), HZ and UTF-7.

Owns how they are recognized and decoded. Every byte of them is ASCII, so that they pass for UTF-8: the first
two are told by their escapes, the others by what is declared, or by every one of their runs meaning letters.
Sources: ISO-2022-JP https://encoding.spec.whatwg.org/#iso-2022-jp, -KR RFC 1557, -CN RFC 1922, HZ RFC 1843,
UTF-7 RFC 2152.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_DESIGNATION = re.compile(rb"\x1b(?:\$[@AB]|\$[()*][A-D]|\([BIJH])")
_TELLING = re.compile(rb"\x1b(?:\$[@AB]|\$[()][A-D]|\(I)")
"""An escape that selects a set of two bytes, or katakana. `ESC ( B` alone is what terminals print."""
_SHIFTED = re.compile(rb"\x0e([^\x0f\n]*)\x0f?")
_HZ = re.compile(rb"~\{((?:[!-}][!-~])+)~\}")
_HZ_ESCAPE = re.compile(rb"~(?:\{([^\n]*?)(?:~\}|(?=\n|\Z))|(~)|(\r?\n))")
_UTF_7 = re.compile(rb"\+([A-Za-z0-9/+]+)-?")
_LEAST_RUNS = 2
"""Runs of UTF-7 or HZ in a text that declares nothing: one may be chance."""
_TELLING_RUN = 12
"""Characters of HZ in one run that are no chance."""


def decode_seven_bit(data: bytes, codec: str) -> str | None:
    """The text where it is in one of these encodings, `codec` being what is declared; else None."""
    if b"\x1b" in data and _TELLING.search(data):
        return _iso_2022(data)
    if codec == "hz" or (b"~{" in data and _all_chinese(data)):
        return _hz(data)
    if codec == "utf-7" or (not codec and b"+" in data and _all_letters(data)):
        return data.decode("utf-7", "replace")
    return None


def _iso_2022(data: bytes) -> str:
    parts: list[str] = []
    read: Callable[[bytes], str]
    for line in data.splitlines(keepends=True):
        at, read = 0, _ascii
        for escape in _DESIGNATION.finditer(line):
            run = line[at : escape.start()]
            parts.append(_read_shifted(run, data) if read is _ascii else read(run))
            at, read = escape.end(), _READERS.get(escape.group(), _ascii)
        rest = line[at:]
        parts.append(_read_shifted(rest, data) if read is _ascii else _read_cut_run(rest, read))
    return "".join(parts)


def _read_cut_run(rest: bytes, read: Callable[[bytes], str]) -> str:
    """A run that its line's end cuts off; the line end itself stays."""
    body = rest.rstrip(b"\r\n")
    return read(body) + rest[len(body) :].decode("ascii")


def _read_shifted(line: bytes, data: bytes) -> str:
    """ASCII with runs between SO and SI, whose set the document's own escape names."""
    codec = "cp949" if b"\x1b$)C" in data else "gb18030"
    parts: list[str] = []
    at = 0
    for run in _SHIFTED.finditer(line):
        parts += (_ascii(line[at : run.start()]), _high(run[1], codec))
        at = run.end()
    return "".join([*parts, _ascii(line[at:])])


def _ascii(run: bytes) -> str:
    return run.decode("utf-8", "replace")


def _high(run: bytes, codec: str) -> str:
    return bytes(byte | 0x80 if byte > 0x20 else byte for byte in run).decode(codec, "replace")


def _japanese(run: bytes) -> str:
    """JIS X 0208 with the rows that NEC and IBM added, by way of Shift_JIS."""
    out = bytearray()
    for first, second in zip(run[::2], run[1::2], strict=False):
        if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
            out += bytes((first, second)) if first < 0x80 and second < 0x80 else b"?"
            continue
        lead = ((first - 0x21) >> 1) + (0x81 if first < 0x5F else 0xC1)
        trail = second + (0x1F if second < 0x60 else 0x20) if first & 1 else second + 0x7E
        out += bytes((lead, trail))
    return out.decode("cp932", "replace")


def _supplement(run: bytes) -> str:
    """JIS X 0212, by way of EUC-JP."""
    pairs = (b"\x8f" + bytes(byte | 0x80 for byte in run[i : i + 2]) for i in range(0, len(run), 2))
    return b"".join(pairs).decode("euc_jp", "replace")


_READERS: dict[bytes, Callable[[bytes], str]] = {
    b"\x1b$@": _japanese,
    b"\x1b$B": _japanese,
    b"\x1b$(@": _japanese,
    b"\x1b$(B": _japanese,
    b"\x1b$(D": _supplement,
    b"\x1b$A": lambda run: _high(run, "gb18030"),
    b"\x1b$(A": lambda run: _high(run, "gb18030"),
    b"\x1b$(C": lambda run: _high(run, "cp949"),
    b"\x1b(I": lambda run: _high(run, "cp932"),
}


def _hz(data: bytes) -> str:
    parts: list[str] = []
    at = 0
    for found in _HZ_ESCAPE.finditer(data):
        parts.append(_ascii(data[at : found.start()]))
        parts.append(_high(found[1], "gb18030") if found[1] else "~" if found[2] else "")
        at = found.end()
    return "".join([*parts, _ascii(data[at:])])


def _all_chinese(data: bytes) -> bool:
    """Whether every run is one of characters, most of them usual ones (rows 16 to 55 of GB 2312)."""
    runs = [found[1] for found in _HZ.finditer(data)]
    usual = sum(0x30 <= byte <= 0x57 for run in runs for byte in run[::2])
    characters = sum(len(run) // 2 for run in runs)
    return (len(runs) >= _LEAST_RUNS or characters >= _TELLING_RUN) and usual > 0.6 * characters


def _all_letters(data: bytes) -> bool:
    """Whether the text is UTF-7 to the last of its runs, each letters beyond ASCII or a sign."""
    runs = [found.group() for found in _UTF_7.finditer(data)]
    if len(runs) < _LEAST_RUNS:
        return False
    try:
        text = b" ".join(runs).decode("utf-7")
        data.decode("utf-7")
    except UnicodeDecodeError:
        return False
    written = [c for c in text if not c.isspace()]
    return all(c > "\x7f" or c in "+&@#~^\\{}|=\"'<>*" for c in written) and any(c > "\x7f" for c in written)
