"""Small files that unfold to more than any machine has: each is to be refused with a reason, or read in part."""

from __future__ import annotations

import base64
import functools
import io
import quopri
import struct
import zipfile
from collections.abc import Callable

from support import workbooks
from support.documents import zipped

_BLANKS = 256 << 20
"""Bytes: more than any part of a document may unpack to."""


def _members(data: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _changed(data: bytes, member: str, old: bytes, new: bytes) -> bytes:
    members = _members(data)
    content = members[member]
    assert isinstance(content, bytes) and old in content
    return zipped({**members, member: content.replace(old, new, 1)})


def _sheet(rows: str) -> bytes:
    """A workbook whose first sheet has these rows."""
    members = _members(workbooks.xlsx())
    name = next(name for name in members if "sheet1" in name)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return zipped({**members, name: f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'})


def _cell(place: str, value: str = "1") -> str:
    return f'<c r="{place}"><v>{value}</v></c>'


def _blown_up(data: bytes, member: str) -> bytes:
    """A member that has hundreds of megabytes of blanks in it."""
    members = _members(data)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            if name != member:
                archive.writestr(name, content)
                continue
            assert isinstance(content, bytes)
            first, rest = content[: content.index(b">") + 1], content[content.index(b">") + 1 :]
            with archive.open(name, "w", force_zip64=True) as out:
                out.write(first)
                for _ in range(_BLANKS >> 24):
                    out.write(b" " * (1 << 24))
                out.write(rest)
    return held.getvalue()


def _lying_sizes(data: bytes) -> bytes:
    """An archive whose directory says that every member is small."""
    changed = bytearray(data)
    at = 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<I", changed, at + 24, 1000)
        at += 4
    return bytes(changed)


def _overlapping(member: str, count: int) -> bytes:
    """An archive whose members are all the same bytes under names of their own (D. Fifield, "A better zip bomb")."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, b"<html><body><p>" + b"words " * 200_000)
    data = held.getvalue()
    start = data.index(b"PK\x01\x02")
    entry = data[start : data.index(b"PK\x05\x06")]
    plain = member.encode()
    entries = [entry.replace(plain, str(i).zfill(len(plain)).encode()) for i in range(count)]
    directory = entry + b"".join(entries)
    number = min(0xFFFF, count + 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, number, number, len(directory), start, 0)
    return data[:start] + directory + end


def _mail(depth: int, wrap: Callable[[bytes], tuple[str, bytes]]) -> bytes:
    """A letter attached to a letter attached to a letter."""
    letter = b"Subject: The innermost\n\nThe ferry leaves at six.\n"
    for level in range(depth):
        encoding, body = wrap(letter)
        head = (
            f"Subject: Level {level}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b{level}\n\n"
        )
        part = f"--b{level}\nContent-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\n"
        letter = head.encode() + part.encode() + body + f"\n--b{level}--\n".encode()
    return letter


def every() -> dict[str, Callable[[], bytes]]:
    """What makes each, by the name of a file: some take a second."""
    blown_xlsx = functools.cache(lambda: _blown_up(workbooks.xlsx(), "xl/sharedStrings.xml"))
    blown_ods = functools.cache(lambda: _blown_up(workbooks.ods(), "content.xml"))
    repeated = b'table:number-columns-repeated="'
    return {
        "corners.xlsx": lambda: _sheet(
            f'<row r="1">{_cell("A1")}</row><row r="1048576">{_cell("XFD1048576")}</row>'
        ),
        "far.xlsx": lambda: _sheet(
            f'<row r="1">{_cell("A1")}</row><row r="1048576">{_cell("A1048576")}</row>'
        ),
        "wide.xlsx": lambda: _sheet(f'<row r="1">{_cell("A1")}{_cell("XFD1")}</row>' * 3),
        "beyond.xlsx": lambda: _sheet(f'<row r="4294967295">{_cell("ZZZZZZ4294967295")}</row>'),
        "strings.xlsx": blown_xlsx,
        "lying.xlsx": lambda: _lying_sizes(blown_xlsx()),
        "laughs.xlsx": lambda: _changed(
            workbooks.xlsx(), "xl/workbook.xml", b"<workbook", _laughs() + b"<workbook"
        ),
        "rows.ods": lambda: _changed(
            workbooks.ods(),
            "content.xml",
            b"<table:table-row",
            b'<table:table-row table:number-rows-repeated="1048576"',
        ),
        "cells.ods": lambda: _changed(
            workbooks.ods(),
            "content.xml",
            b"<table:table-cell",
            b"<table:table-cell " + repeated + b'1000000000"',
        ),
        "blank.ods": blown_ods,
        "lying.ods": lambda: _lying_sizes(blown_ods()),
        "laughs.ods": lambda: _changed(
            workbooks.ods(),
            "content.xml",
            b"<office:document-content",
            _laughs() + b"<office:document-content",
        ),
        "overlapping.epub": lambda: _overlapping("META-INF/container.xml", 15_000),
        "overlapping.zip": lambda: _overlapping("a.xml", 60_000),
        "lying.zip": lambda: _lying_sizes(zipped({"a": b"0" * 100_000})),
        "seven.eml": lambda: _mail(7, lambda letter: ("7bit", letter)),
        "seventy.eml": lambda: _mail(70, lambda letter: ("7bit", letter)),
        "thousand.eml": lambda: _mail(1_000, lambda letter: ("7bit", letter)),
        "quoted.eml": lambda: _mail(12, lambda letter: ("quoted-printable", quopri.encodestring(letter))),
        "base64.eml": lambda: _mail(12, lambda letter: ("base64", base64.encodebytes(letter))),
    }


def _laughs() -> bytes:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY a{i} "{"&a%s;" % (i - 1 if i else "") * 9}">' for i in range(12)
    )
    return f"<!DOCTYPE x [{entities}]>".encode()
