"""Putting a document together where its text is not simply the file's.

Owns the joining of blocks into one text, the heading path, page starts, and the bound on the text.
"""

from __future__ import annotations

import re

from index.extract.source import MAX_CHARACTERS
from index.types import Document, Section, SectionKind

_MOST_NOTES = 20
_MOST_LINES = (1 << 31) - 1
_BLANKS = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f]+")
_INVISIBLE = re.compile(
    r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]"
)
"""Characters that are not seen and change no word. The joiners U+200C and U+200D do: they stay."""
_FIRST_DIGIT = 0xFDD0
_MARK = re.compile("[\ufdd0-\ufddf]{1,8}")
"""A number in hexadecimal, of characters that no text has: Unicode keeps them for use inside programs."""


def mark(line: int) -> str:
    """A mark that gives a builder the line in the file of the word behind it."""
    return "".join(chr(_FIRST_DIGIT + int(digit, 16)) for digit in f"{line:x}")


def without_marks(text: str) -> str:
    return _MARK.sub("", text)


def marked(text: str, line: int) -> str:
    """Text whose line ends are the file's, each of its lines marked; it begins on `line`."""
    lines = text.split("\n")
    return "\n".join(_mark_start(one, line + i) for i, one in enumerate(lines))


def _mark_start(text: str, line: int) -> str:
    body = text.lstrip()
    return text[: len(text) - len(body)] + mark(line) + body if body else text


class DocumentBuilder:
    """Blocks in reading order to a `Document`; a blank line ends each, a line end a row."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._pages: list[int] = []
        self._path: list[tuple[int, str]] = []
        self._lines: list[tuple[int, int]] = []
        self.notes: list[str] = []

    @property
    def full(self) -> bool:
        """Whether no more text is taken; readers stop here."""
        return self._length >= MAX_CHARACTERS

    @property
    def empty(self) -> bool:
        return not self._sections

    @property
    def heading(self) -> tuple[str, ...]:
        """The path of headings in force."""
        return tuple(title for _, title in self._path)

    def begin_page(self) -> None:
        """The next block is on a new page."""
        self._pages.append(self._length)

    def open(self, level: int, title: str, *, shown: bool = True) -> None:
        """A heading of `level` (1 is the outermost); `shown` puts its words into the text."""
        words = one_line(title)
        plain = without_marks(words)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if plain:
            self._path.append((level, plain))
            if shown:
                self.add(words, "heading")

    def add(self, text: str, kind: SectionKind = "prose") -> None:
        """One block; blank blocks leave nothing. Marks in it give the lines of its words."""
        start = self._length
        body, lines = _take_marks(_INVISIBLE.sub("", text).strip(), start)
        if not body or self.full:
            return
        body = body[: MAX_CHARACTERS - self._length]
        end = "\n" if kind == "row" else "\n\n"
        if lines:
            lines[0] = (start, lines[0][1])  # a sign in front of the first word is on its line
        for position, line in lines:
            if position < start + len(body) and (not self._lines or self._lines[-1][1] != line):
                self._lines.append((position, line))
        self._parts += (body, end)
        self._length += len(body) + len(end)
        self._sections.append(Section(start, start + len(body), kind, self.heading))

    def include(self, document: Document) -> None:
        """The blocks of another document, under the headings in force and its own; its notes stay behind."""
        text = document.text[: MAX_CHARACTERS - self._length]
        if not text.strip():
            return
        above, start = self.heading, self._length
        self._parts += (text, "\n\n")
        self._length += len(text) + 2
        sections = document.sections or (Section(0, len(text)),)
        if sections[0].start > 0:
            sections = (Section(0, sections[0].start), *sections)
        for section in sections:
            end = min(section.end, len(text))
            if section.start < end:
                path = above + section.heading
                self._sections.append(Section(start + section.start, start + end, section.kind, path))

    def document(self, kind: str, title: str = "", *, language: str = "") -> Document:
        """What was put together."""
        if self.full:
            self.notes.append(f"Only the first {MAX_CHARACTERS >> 20} million characters are read.")
        text = "".join(self._parts)
        return Document(
            text,
            kind,
            without_marks(one_line(title)),
            language,
            tuple(self._sections),
            tuple(self._pages),
            " ".join(self._first_notes()),
            lines=tuple(self._lines),
        )

    def _first_notes(self) -> list[str]:
        more = len(self.notes) - _MOST_NOTES
        return [*self.notes[:_MOST_NOTES], *([f"{more} more notes are left out."] if more > 0 else [])]


def _take_marks(body: str, start: int) -> tuple[str, list[tuple[int, int]]]:
    """The block without its marks, and the position in the text at which each line begins."""
    parts: list[str] = []
    lines: list[tuple[int, int]] = []
    at, length = 0, start
    for found in _MARK.finditer(body):
        parts.append(body[at : found.start()])
        length += found.start() - at
        at = found.end()
        line = int("".join(f"{ord(digit) - _FIRST_DIGIT:x}" for digit in found.group()), 16)
        lines.append((length, min(line, _MOST_LINES)))
    return ("".join([*parts, body[at:]]), lines) if at else (body, lines)


def one_line(words: str) -> str:
    """Words without line ends, control characters and runs of blanks."""
    return " ".join(_INVISIBLE.sub("", words).split())


def collapse_blanks(words: str) -> str:
    """Runs of blanks as one, line ends kept."""
    return _BLANKS.sub(" ", words)


def parse_number(words: str | None, default: int = 0) -> int:
    """A number in a document's markup; `default` where there is none, or none that could be meant."""
    return int(words) if words and words.isdecimal() and len(words) < 10 else default


def table_row(cells: list[str]) -> str:
    """The cells of a row as one line; empty where all are."""
    words = [one_line(cell) for cell in cells]
    return "| " + " | ".join(words) + " |" if any(words) else ""
