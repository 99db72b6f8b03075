"""The lines of a page in roff that are to be set, its conditions decided and its own macros expanded.

Owns roff's own requests (groff(7)); knows no macro of man or mdoc.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from index.extract.roff_text import resolved

_REQUEST = re.compile(r"[.'][ \t]*(?P<name>\\[\"#{}]|[^\s\\]*)[ \t]*(?P<rest>.*)", re.DOTALL)
_CONDITION = re.compile(
    r"(?P<not>!?)(?:(?P<letter>[a-z])\b|(?P<quote>['\"])(?P<left>.*?)(?P=quote)(?P<right>.*?)(?P=quote)|(?P<number>\S+))"
    r"[ \t]*"
)
_TRUE = re.compile(r"[1-9]\d*|\\n\(\.g|\\n\[\.g\]|\(?\\n\(\.g\)?")
"""Conditions that hold: the program is groff. Of other numbers none is known."""
_DEFINITIONS = frozenset({"ig", "de", "de1", "am", "dei", "ami"})
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|((?:\\.|[^\s\\])+)')
_LONGEST = 100_000
"""Characters of a line: longer ones are data."""
_PLACE = re.compile(r"\\\$([1-9]|[*@])")
_DEEPEST, _MOST_EXPANDED, _LONGEST_MACRO = 4, 20_000, 500
"""Of the macros that a page defines: how deep they call others, and lines of all calls and of one macro."""
_LONGEST_STRING, _MOST_STRINGS = 1_000, 1_000
"""Of what a page defines: characters of one, and their number."""


@dataclass(slots=True)
class Line:
    """One line of the page, escapes resolved but for arguments, which are apart."""

    number: int
    macro: str
    """Empty where it is text."""
    text: str
    """The text, or all that stands behind the name of a macro."""
    strings: dict[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        return [resolved(one, self.strings) for one in split(self.text)]


def split(words: str) -> list[str]:
    """The arguments of a macro: apart by blanks, quoted where they hold some. A comment ends them."""
    words = re.split(r'(?<!\\)\\"', words, maxsplit=1)[0]
    found = _ARGUMENT.finditer(words)
    return [one[1].replace('""', '"') if one[1] is not None else one[2] for one in found]


class _Raw(NamedTuple):
    """A line as it is written, and in how many macros it is."""

    number: int
    text: str
    depth: int


class RoffLines:
    """The lines of one page, in order."""

    def __init__(self, text: str, known: Container[str]) -> None:
        """`known` are the macros of the caller, which a page cannot redefine."""
        self._lines = text.split("\n")
        self._known = known
        self._at = 0
        self._pending: list[_Raw] = []
        ends = ((_request_name(line), i) for i, line in enumerate(self._lines) if line[:1] == ".")
        self._last_of = dict(ends)
        """Where each request stands last: a definition that nothing ends is none."""
        self.strings = {"lq": "“", "rq": "”", "Tm": "™", "R": "®", "Aq": "'", 'L"': '"', 'R"': '"', "C'": "'"}
        self._macros: dict[str, list[str]] = {}
        self._expanded = 0
        self._held = True

    def __iter__(self) -> Iterator[Line]:
        while raw := self._taken():
            if line := self._meant(*raw):
                yield line

    def _taken(self) -> _Raw | None:
        """The next line: of a macro that is being expanded, else of the page."""
        if self._pending:
            return self._pending.pop()
        if self._at == len(self._lines):
            return None
        self._at += 1
        return _Raw(self._at, self._lines[self._at - 1], 0)

    def _meant(self, number: int, raw: str, depth: int) -> Line | None:
        raw = raw[:_LONGEST]
        found = _REQUEST.fullmatch(raw) if raw[:1] in (".", "'") else None
        if found is None:
            return Line(number, "", resolved(raw.replace("\\}", ""), self.strings))
        name, rest = found["name"], found["rest"]
        if name in ("if", "ie", "el", "while"):
            if body := self._branch(name, rest):
                self._pending.append(_Raw(number, body, depth))
        elif name == "nop":
            self._pending.append(_Raw(number, rest, depth))
        elif name in _DEFINITIONS:
            self._take_definition(name, rest)
        elif name in ("ds", "ds1", "as"):
            self._define(name, rest)
        elif name == "als":
            new, _, old = rest.partition(" ")
            self._macros |= {new: self._macros[old.strip()]} if old.strip() in self._macros else {}
        elif name in self._macros:
            self._expand(number, self._macros[name], rest, depth + 1)
        elif name and name[0] != "\\":
            return Line(number, name, rest.replace("\\}", ""), self.strings)
        return None

    def _expand(self, number: int, body: list[str], rest: str, depth: int) -> None:
        """The lines of a macro that the page defines come next, with the arguments in their places."""
        self._expanded += len(body)
        if depth > _DEEPEST or self._expanded > _MOST_EXPANDED:
            return
        words = split(rest)
        for line in reversed(body):
            said = _PLACE.sub(lambda place: _argument(place[1], words), line.replace("\\\\", "\\"))
            self._pending.append(_Raw(number, said, depth))

    def _branch(self, name: str, rest: str) -> str:
        """What a condition lets be set on its line; where it does not hold, its block is skipped."""
        condition = None if name == "el" else _CONDITION.match(rest)
        holds = not self._held if name == "el" else condition is not None and self._holds(condition)
        self._held = holds if name == "ie" else self._held
        body = (rest[condition.end() :] if condition else rest if name == "el" else "").strip()
        if holds:
            return body.removeprefix("\\{").removeprefix("\\").strip()
        depth = body.count("\\{") - body.count("\\}")
        while depth > 0 and (skipped := self._taken()):
            depth += skipped.text.count("\\{") - skipped.text.count("\\}")
        return ""

    def _holds(self, condition: re.Match[str]) -> bool:
        if condition["letter"]:
            holds = condition["letter"] == "n"  # output is text
        elif condition["quote"]:
            holds = resolved(condition["left"], self.strings) == resolved(condition["right"], self.strings)
        else:
            holds = _TRUE.fullmatch(condition["number"]) is not None
        return holds != bool(condition["not"])

    def _take_definition(self, request: str, rest: str) -> None:
        words = split(rest)
        named = words[:0] if request == "ig" else words[:1]
        end = "." + next(iter(words[len(named) :]), ".")
        if not self._pending and self._last_of.get(end, -1) < self._at:
            return
        body: list[str] = []
        while (taken := self._taken()) and _request_name(taken.text) != end:
            body.append(taken.text)
        if request.startswith("de") and named and named[0] not in self._known:
            self._macros[named[0]] = body[:_LONGEST_MACRO]

    def _define(self, request: str, rest: str) -> None:
        name, _, words = rest.partition(" ")
        words = resolved(words.lstrip(" ").removeprefix('"'), self.strings)[:_LONGEST_STRING]
        before = self.strings.get(name, "") if request == "as" else ""
        if len(self.strings) < _MOST_STRINGS and len(before) < _LONGEST_STRING:
            self.strings[name] = before + words


def _argument(place: str, words: list[str]) -> str:
    """The replacement of `\\$1`, `\\$*` or `\\$@` in a macro."""
    if not place.isdecimal():
        return " ".join(words)
    return words[int(place) - 1] if 0 < int(place) <= len(words) else ""


def _request_name(line: str) -> str:
    """A request without the blanks between its dot and its name, and without arguments."""
    return "." + line[1:].lstrip(" \t").split(" ", 1)[0].rstrip() if line[:1] == "." else ""
