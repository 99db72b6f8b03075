"""Address books (vCard) and calendars (iCalendar): each person, event or task under its name.

Owns their lines: folded, escaped, in quoted-printable or base64 (RFC 6350, RFC 5545, vCard 2.1).
"""

from __future__ import annotations

import itertools
import quopri
import re
from collections.abc import Iterator
from typing import NamedTuple

from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark
from index.extract.source import Source
from index.types import Document

_FOLD = re.compile(r"\n[ \t]")
_TORN = re.compile(rb"([\xc2-\xf4][\x80-\xbf]{0,2})(\r?\n[ \t])([\x80-\xbf]{1,3})")
"""A letter of UTF-8 whose bytes a fold divides."""
_SOFT_BREAK = re.compile(r"=\n([ \t]?)")
_LABEL = re.compile(r"_\$!<.*>!\$_")
"""A label that the program itself knows."""
_PROPERTY = re.compile(
    r"(?:[\w-]{1,40}\.)?([A-Za-z][\w-]{0,60})((?:;(?:[^:;\n\"]++|\"[^\"\n]*+\")*+)*+):(.*)", re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CHARSET = re.compile(r"charset=\"?([\w-]+)", re.IGNORECASE)
_STAMP = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?\d\d)?Z?)?\Z")
_BINARY = re.compile(r"encoding=\"?b(?:ase64)?\b|\bvalue=binary|\bbase64\b", re.IGNORECASE)
_BEGUN = frozenset({"VCARD", "VEVENT", "VTODO", "VJOURNAL"})
_NAMES = {
    "FN": "Name", "N": "Name", "ORG": "Organization", "TITLE": "Title", "ROLE": "Role", "TEL": "Phone",
    "EMAIL": "Email", "ADR": "Address", "NOTE": "Note", "BDAY": "Birthday", "ANNIVERSARY": "Anniversary",
    "NICKNAME": "Nickname", "URL": "Web", "CATEGORIES": "Categories", "IMPP": "Chat", "SUMMARY": "Summary",
    "DESCRIPTION": "Description", "LOCATION": "Location", "DTSTART": "Begins", "DTEND": "Ends", "DUE": "Due",
    "ATTENDEE": "Attendee", "ORGANIZER": "Organizer", "COMMENT": "Comment", "STATUS": "Status",
    "CONTACT": "Contact", "RESOURCES": "Resources", "X-ABRELATEDNAMES": "Related", "RELATED": "Related",
    "RRULE": "Repeats", "X-ABLABEL": "Label",
}  # fmt: skip
_TITLES = ("FN", "SUMMARY", "N", "ORG", "EMAIL")
_CN = re.compile(r"cn=\"?([^\";:]+)", re.IGNORECASE)


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str
    line: int


def read(source: Source) -> Document:
    """Each card, event, task and journal entry of the file."""
    text = decode_text(_TORN.sub(rb"\1\3\2", source.content()))
    builder = DocumentBuilder()
    entry: list[_Property] = []
    depth = 0
    for one in _properties(text):
        begins = one.name == "BEGIN"
        if begins or one.name == "END":
            depth += 1 if begins and (depth or one.value.upper() in _BEGUN) else 0
            depth -= 1 if not begins and depth else 0
            if not depth and entry:
                _add(builder, entry)
                entry = []
        elif depth == 1:
            entry.append(one)
    if entry:
        _add(builder, entry)
    return builder.document("calendar" if "BEGIN:VCALENDAR" in text[:4096].upper() else "contacts")


def _properties(text: str) -> Iterator[_Property]:
    """The properties with their values as text; pictures, keys and sounds are left out."""
    line, at = 1, 0
    starts = [0, *(found.end() for found in re.finditer(r"\n(?![ \t])", text)), len(text)]
    for start, end in itertools.pairwise(starts):
        if start < at:
            continue  # taken by a line before
        line_here = line
        while _is_soft_broken(text, start, end) and end < len(text):
            following = text.find("\n", end)
            end = following + 1 if following >= 0 else len(text)
        line += text.count("\n", start, end)
        at = end
        found = _PROPERTY.match(_unfold(text[start:end].rstrip("\n")))
        if found and not _BINARY.search(found[2]) and not found[3].startswith("data:"):
            yield _Property(found[1].upper(), found[2], _value(found[2], found[3]), line_here)


def _unfold(lines: str) -> str:
    """A property on one line; a blank behind a soft line break is a fold where there is one behind each."""
    if "QUOTED-PRINTABLE" in lines[:200].upper() and (blanks := _SOFT_BREAK.findall(lines)):
        lines = _SOFT_BREAK.sub("" if all(blanks) else r"\1", lines)
    return _FOLD.sub("", lines)


def _is_soft_broken(text: str, start: int, end: int) -> bool:
    """Whether a value in quoted-printable goes on in the next line."""
    piece = text[start:end].rstrip("\n")
    return piece.endswith("=") and "QUOTED-PRINTABLE" in piece[:200].upper()


def _value(parameters: str, value: str) -> str:
    if "QUOTED-PRINTABLE" in parameters.upper():
        charset = _CHARSET.search(parameters)
        value = decode_text(
            quopri.decodestring(value.encode("utf-8", "replace")), charset[1] if charset else ""
        )
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()


def _add(builder: DocumentBuilder, entry: list[_Property]) -> None:
    """One entry: its name is its heading, each property a line."""
    named = next((one for name in _TITLES for one in entry if one.name == name), None)
    title = _shown(named) if named else ""
    if title:
        builder.open(1, title, shown=False)
    lines = []
    said = set()
    for one in entry:
        words = _shown(one)
        if one.name in _NAMES and words and not _LABEL.match(words) and (_NAMES[one.name], words) not in said:
            said.add((_NAMES[one.name], words))
            lines.append(f"{mark(one.line)}{_NAMES[one.name]}: {words}")
    builder.add("\n".join(lines), "message")


def _shown(one: _Property) -> str:
    """The value in readable form: no separators, days as days, people by their names."""
    if found := _STAMP.match(one.value):
        year, month, day, hour, minute = found.groups()
        return f"{year}-{month}-{day}" + (f" {hour}:{minute}" if hour else "")
    if one.name in ("N", "ADR", "ORG"):
        parts = [part.strip() for part in one.value.split(";")]
        if one.name == "N":
            parts = [*parts[3:4], *parts[1:3], *parts[:1], *parts[4:]]
        return (" " if one.name == "N" else ", ").join(part for part in parts if part)
    if one.name in ("ATTENDEE", "ORGANIZER"):
        name = _CN.search(one.parameters)
        address = re.sub(r"^mailto:", "", one.value, flags=re.IGNORECASE)
        return f"{name[1]} <{address}>" if name else address
    return re.sub(r"^(?:mailto|tel):", "", one.value, flags=re.IGNORECASE)
