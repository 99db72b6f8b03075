"""Files made wrong on purpose, along their own structure: tags, objects, headers, lines, members of archives.

A mutation is plain numbers, so that what draws them can also make them smaller.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

LARGEST = 1 << 18
"""Bytes of a mutated file: what grows with the square of its size shows well below."""
OPERATIONS = (
    "drop", "repeat", "swap", "copy", "nest", "splice", "insert", "number", "flip", "cut", "encode", "whole",
)  # fmt: skip
MANY = (1, 2, 7, 64, 1000, 30_000)
_XML = rb"<[^>]*>"
_PIECES = {
    "pdf": rb"\d+ \d+ obj|endobj|stream\r?\n|endstream|xref|trailer|startxref|<<|>>|/\w+|\[|\]|\d+ \d+ R",
    "rtf": rb"\\'..|\\[a-z]+-?\d* ?|[{}]",
    "ipynb": rb"[{}\[\],:]",
    "json": rb"[{}\[\],:]",
    **dict.fromkeys(("docx", "html", "xml", "rels", "opf", "xhtml"), _XML),
}
_LINES = rb"\r?\n"
_WORDS = rb"\w+|\s+"
_NUMBERS = (
    b"0", b"-1", b"1", b"255", b"65536", b"2147483647", b"4294967295", b"9" * 19, b"1e309", b"9" * 5000,
    "²".encode(),
)  # fmt: skip
_BYTES = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\r",
    b"\x1a", b"\x0c", b"\x1b[31m", "\u2028\u202e\u0130\u00a0\u200b".encode(), b"&#x110000;&#xD800;&#0;",
    b"&lol;", b"<![CDATA[", b"]]>", b"<!--", b"<!DOCTYPE x [<!ENTITY lol 'x'>]>",
    b"<?xml version='1.0' encoding='utf-16'?>", b"=?utf-8?b?!!?=", b"=?x?q?=FF?=",
    b"\nContent-Type: multipart/mixed; boundary=\"\"\n\n",
    b"\nContent-Type: text/plain; charset=\"\xff\0\"\n\n", b"\nContent-Transfer-Encoding: base64\n\n",
    b"\nContent-Type: message/rfc822\n\n", b"\nFrom a@b Mon\n", b"\n--x\n",
    b"\nDate: Mon, 99 Feb 99999 99:99:99 +9999999\n", b"\nSubject: =?utf-16?b?2AA=?=\n",
    b"\nTo: \"a, <@@>;:\n", b"\\u-99999?", b"\\bin99999999 ", b"\\'zz", b"\\ansicpg99999", b"\\ud800",
    b"\\ud83d\\ude00", b"NaN", b"[" * 3000, b"\n---\n", b"\n```\n", b"\n| a | b |\n", b"\n====\n",
    b"\n> - 1. # ", b"\"", b"'", b"[[", b"](", b"\\section{", b"{\\x", b"\n* ", b"\n#+title: ",
    b"00:00:01,000 --> 00:00:02,000", b"password = k3Xq-91zT-wwPl", b"eyJhbGciOi.", b"<<", b"R",
)  # fmt: skip
_CODECS = ("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "shift_jis", "utf-7", "cp037", "gb18030")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change; numbers choose places and ingredients, whatever their size."""

    operation: str
    place: int
    other: int
    many: int
    fine: bool
    """Between words, rather than at the format's own marks."""
    inside: bool
    """In a member of the archive, where the file is one."""


def mutated(name: str, edits: list[Edit], seeds: dict[str, bytes]) -> bytes:
    """The seed of that name after `edits`; what is spliced in comes from any seed."""
    data = seeds[name]
    spare = list(seeds.values())
    inner = [edit for edit in edits if edit.inside]
    if inner and zipfile.is_zipfile(io.BytesIO(data)):
        data = _in_members(data, inner, spare)
        edits = [edit for edit in edits if not edit.inside]
    for edit in edits:
        data = _edited(data, PurePath(name).suffix[1:], edit, spare)[:LARGEST]
    return data


def _in_members(data: bytes, edits: list[Edit], spare: list[bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    contents = [content for _, content in members]
    for edit in edits:
        at = edit.place % len(members)
        name, content = members[at]
        if edit.operation == "whole":
            members[at] = (members[edit.other % len(members)][0], content)
        elif edit.operation == "drop" and edit.fine and len(members) > 1:
            del members[at]
        else:
            changed = _edited(content, PurePath(name).suffix[1:], edit, spare + contents)
            members[at] = (name, changed[:LARGEST])
    held = io.BytesIO()
    packing = zipfile.ZIP_STORED if edits[0].fine else zipfile.ZIP_DEFLATED
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(held, "w", packing) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compresslevel=1)
    return held.getvalue()


def _edited(data: bytes, suffix: str, edit: Edit, spare: list[bytes]) -> bytes:
    if not data:
        return _BYTES[edit.place % len(_BYTES)]
    if edit.operation in ("number", "flip", "cut", "encode", "whole"):
        return _rewritten(data, edit, spare)
    pieces = _cut(data, suffix, fine=edit.fine)
    at, to = sorted((edit.place % len(pieces), edit.other % len(pieces)))
    piece, many = pieces[at], MANY[edit.many % len(MANY)]
    many = max(1, min(many, LARGEST // (len(piece) + 1)))
    match edit.operation:
        case "drop":
            del pieces[at : at + many]
        case "repeat":
            pieces[at] = piece * many
        case "swap":
            pieces[at], pieces[to] = pieces[to], piece
        case "copy":
            pieces[to] = piece
        case "nest":
            pieces[at : to + 1] = [piece * many, *pieces[at : to + 1], _closing(piece) * many]
        case "splice":
            strange = _cut(spare[edit.many % len(spare)], suffix, fine=edit.fine)
            start = edit.other % len(strange)
            pieces[at:at] = strange[start : start + 1 + edit.many % 40]
        case "insert":
            pieces.insert(at, _BYTES[edit.other % len(_BYTES)] * min(many, 1000))
    return b"".join(pieces)


def _rewritten(data: bytes, edit: Edit, spare: list[bytes]) -> bytes:
    at = edit.place % len(data)
    match edit.operation:
        case "number":
            numbers = list(re.finditer(rb"\d+", data))
            if not numbers:
                return data
            start, end = numbers[edit.place % len(numbers)].span()
            return data[:start] + _NUMBERS[edit.other % len(_NUMBERS)] + data[end:]
        case "flip":
            strange = struct.pack("<I", edit.other * 65_537 & 0xFFFFFFFF)[: 1 + edit.many % 4]
            return data[:at] + strange + data[at + len(strange) :]
        case "cut":
            return data[at:] if edit.fine else data[:at]
        case "encode":
            codec = _CODECS[edit.other % len(_CODECS)]
            return data.decode("utf-8", "replace").encode(codec, "replace")
        case _:
            return spare[edit.other % len(spare)]


def _cut(data: bytes, suffix: str, *, fine: bool) -> list[bytes]:
    pattern = _WORDS if fine else _PIECES.get(suffix, _LINES)
    edges = [0, *(edge for found in re.finditer(pattern, data) for edge in found.span()), len(data)]
    return [data[a:b] for a, b in pairwise(edges) if a < b]


def _closing(piece: bytes) -> bytes:
    if tag := re.match(rb"<([\w:.-]+)", piece):
        return b"</" + tag[1] + b">"
    return {b"{": b"}", b"[": b"]", b"<<": b">>"}.get(piece, piece)
