"""Putting a document together where its text is not simply the file's.

Owns the joining of blocks into one text, the heading path, page starts, and the bound on the text.
"""

from __future__ import annotations

import re

from index.extract.source import MAX_CHARACTERS
from index.types import Document, Section, SectionKind

_MOST_NOTES = 20
_BLANKS = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f]+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")


class DocumentBuilder:
    """Blocks in reading order to a `Document`; a blank line ends each, a line end a row."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []
        self._pages: list[int] = []
        self._path: list[tuple[int, str]] = []
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
        """The next block stands on a new page."""
        self._pages.append(self._length)

    def open(self, level: int, title: str, *, shown: bool = True) -> None:
        """A heading of `level` (1 is the outermost); `shown` puts its words into the text."""
        words = one_line(title)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if words:
            self._path.append((level, words))
            if shown:
                self.add(words, "heading")

    def add(self, text: str, kind: SectionKind = "prose") -> None:
        """One block; blank blocks leave nothing."""
        body = _INVISIBLE.sub("", text).strip()
        if not body or self.full:
            return
        body = body[: MAX_CHARACTERS - self._length]
        end = "\n" if kind == "row" else "\n\n"
        start = self._length
        self._parts += (body, end)
        self._length += len(body) + len(end)
        self._sections.append(Section(start, start + len(body), kind, self.heading))

    def document(self, kind: str, title: str = "", *, language: str = "") -> Document:
        """What was put together."""
        if self.full:
            self.notes.append(f"Only the first {MAX_CHARACTERS >> 20} million characters are read.")
        text = "".join(self._parts)
        return Document(
            text,
            kind,
            one_line(title),
            language,
            tuple(self._sections),
            tuple(self._pages),
            " ".join(self._said()),
        )

    def _said(self) -> list[str]:
        more = len(self.notes) - _MOST_NOTES
        return [*self.notes[:_MOST_NOTES], *([f"{more} more notes are left out."] if more > 0 else [])]


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
