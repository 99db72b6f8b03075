"""Lines of printed pages to a document: reading order, running heads, paragraphs, headings.

Owns what a page's geometry says about its text. Knows nothing of PDF: lines with boxes come in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from index.extract.document_builder import one_line
from index.extract.pdf_reading_order import TextLine, ordered, running_lines, without_running
from index.types import Document, Section, SectionKind


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline; `page` counts from 0."""

    level: int
    title: str
    page: int | None


_LARGE = 1.11
_MOST_HEADING_LINES = 3
_BELOW_NUMBERED = 5
_CAPTION = re.compile(r"(?:fig(?:ure|\.)|table|listing|algorithm)\s*\d", re.IGNORECASE)
_NUMBERED = re.compile(
    r"^(?:(?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,4}\.?|[IVX]{1,5}\.|§\s?\d+)\s+(?=[A-ZÀ-Þ])[^\n]{2,90}(?<![.;,:])(?<!\s\d)(?<!\s\d\d)(?<!\s\d\d\d)$"
)
_NAMED = re.compile(
    r"^(?:abstract|introduction|conclusions?|references|bibliography|acknowledge?ments?|appendix(?: [A-Z])?|"
    r"related work|discussion|results|methods?|contents|summary|preface|foreword|index)\.?$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^(?:[•◦▪‣●○■□–—*·]\s|\[\d{1,3}\]\s+[A-Z]|\(?[a-z0-9]{1,3}[).]\s)")
_ENDED = (".", "!", "?", ":", ";", "”", '"', "。", "！", "？")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def assemble_document(
    pages: Sequence[list[TextLine]],
    outline: Sequence[Bookmark],
    title: str,
    notes: list[str],
    beside: Mapping[int, Sequence[str]] | None = None,
) -> Document:
    """The document of these pages; where no title is given, the largest words of the first page.

    `beside` is what is on a page apart from its lines (by the page's place): it follows them.
    """
    in_order = [ordered(lines) for lines in pages]
    running = running_lines(in_order)
    kept = [without_running(*page) for page in zip(in_order, running, strict=True)]
    if all(set(lines) <= page.keys() for lines, page in zip(in_order, running, strict=True)):
        kept = in_order  # a document of nothing but numbers or one line a page
    title = title or _largest(kept)
    setter = _Setter(kept, outline, title, beside or {})
    setter.set()
    return Document(
        "".join(setter.parts),
        "pdf",
        title,
        sections=tuple(setter.sections),
        pages=tuple(setter.pages),
        note=" ".join(notes),
    )


def _largest(pages: Sequence[Sequence[TextLine]]) -> str:
    """The words set largest on the first page with text, where they stand out and read like a title."""
    page = next((lines for lines in pages if lines), [])
    lines = [line for line in page if not _NAMED.match(line.text)]
    body = _body_height(pages)
    for height in sorted({line.height for line in lines if line.height > _LARGE * body}, reverse=True)[:4]:
        words = one_line(" ".join(line.text for line in lines if abs(line.height - height) < 0.05 * height))
        plain = words[:1].isalpha() and " " in words and "@" not in words
        if plain and 8 <= len(words) <= 200:
            return words
    return ""


def _body_height(pages: Sequence[Sequence[TextLine]]) -> float:
    weights: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            weights[round(line.height, 1)] += len(line.text)
    return weights.most_common(1)[0][0] if weights else 0.0


class _Setter:
    """Lines to paragraphs and headings, page after page."""

    def __init__(
        self,
        pages: Sequence[Sequence[TextLine]],
        outline: Sequence[Bookmark],
        title: str,
        beside: Mapping[int, Sequence[str]],
    ) -> None:
        self._source = pages
        self._beside = beside
        self._body = _body_height(pages)
        self._outline: dict[tuple[int | None, str], int] = {
            (h.page, _letters(h.title)): h.level for h in outline
        }
        self._title = _letters(title)
        self._sizes: Counter[int] = Counter()
        for line in (line for lines in pages for line in lines):
            self._sizes[round(line.height)] += len(line.text)
        self._begun = False
        self._first = next((i for i, lines in enumerate(pages) if lines), 0)
        self._top = 0
        self._words = _whole_words(pages)
        self._path: list[tuple[int, str]] = []
        self._open = False
        self._headed: TextLine | None = None
        self._run = 0
        self.parts: list[str] = []
        self.sections: list[Section] = []
        self.pages: list[int] = []
        self._length = 0

    def set(self) -> None:
        """Lay out every page."""
        before: TextLine | None = None
        for number, lines in enumerate(self._source):
            leading = _leading(lines)
            begun = False
            for line in lines:
                level = self._level(number, line)
                joins = before is not None and self._open and not level and _continues(before, line, leading)
                if not joins:
                    self._end()
                if not begun:
                    self.pages.append(self._length + (1 if joins and before and not before.hyphen else 0))
                    begun = True
                if level:
                    self._head(level, line)
                    before = None
                else:
                    self._take(line, before if joins else None)
                    before = line
            if not begun:
                self.pages.append(self._length)
            if number in self._beside:
                self._set_beside(number)
                before = None
        self._end()

    def _set_beside(self, number: int) -> None:
        self._end()
        for words in self._beside[number]:
            self._put(words, "prose")
            self._write("\n\n")

    def _level(self, page: int, line: TextLine) -> int:
        """The level of the heading this line is; 0 for running text."""
        if len(line.text) > 120 or (page == self._first and _letters(line.text) in self._title):
            return 0
        if self._outline:
            key = _letters(line.text)
            bare = _letters(re.sub(r"^[\dIVXA-Z]{1,4}(?:\.\d+)*\.?\s+", "", line.text))
            return self._outline.get((page, key), 0) or self._outline.get((page, bare), 0)
        level = 0
        if _NUMBERED.match(line.text) and line.height >= 0.98 * self._body:
            level = self._next_number(line.text.split()[0].rstrip("."))
        elif _NAMED.match(line.text.strip()):
            level = 1
        elif self._begun and self._is_large(line):
            level = _BELOW_NUMBERED if self._top else 1
        self._begun = self._begun or page > self._first or level > 0
        return level

    def _next_number(self, number: str) -> int:
        """The level of a numbered heading; 0 where the number does not go on from the heading before."""
        first, *rest = number.split(".")
        if first.isdigit():
            if int(first) != self._top + (not rest):
                return 0
            self._top = int(first)
        return len(rest) + 1

    def _is_large(self, line: TextLine) -> bool:
        """Whether its size makes it a heading: a size of which the document holds little."""
        rare = self._sizes[round(line.height)] < 0.1 * self._sizes.total()
        words = len(line.text) > 3 and line.text[:1].isupper()
        words = words and sum(c.isalpha() or c == " " for c in line.text) > 0.8 * len(line.text)
        return rare and words and line.height > _LARGE * self._body and not _CAPTION.match(line.text)

    def _head(self, level: int, line: TextLine) -> None:
        """A heading; one that runs over two lines of one size is one heading."""
        words = one_line(line.text)
        last = self._headed
        self._headed = line
        self._run = self._run + 1 if last else 1
        if (
            last
            and self._run <= _MOST_HEADING_LINES
            and self._path
            and self._path[-1][0] == level
            and 0 < last.bottom - line.bottom < 2 * line.height
        ):
            words = f"{self._path[-1][1]} {words}"
            self._length = self.sections.pop().start
            del self.parts[-2:]
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, words))
        self._put(words, "heading")
        self._write("\n\n")

    def _take(self, line: TextLine, before: TextLine | None) -> None:
        self._headed = None
        if before is None:
            self._put(line.text, "prose")
            self._open = True
            return
        self._write(self._joint(before, line) + line.text)
        last = self.sections[-1]
        self.sections[-1] = Section(last.start, self._length, last.kind, last.heading)

    def _joint(self, before: TextLine, line: TextLine) -> str:
        """The separator of two lines of a paragraph: a blank, a hyphen that belongs there, or nothing."""
        ends = before.hyphen or before.text.endswith("\u00ad")
        if not ends:
            glued = before.text.endswith(("-", "–", "/")) or (
                _is_wide(before.text[-1]) and _is_wide(line.text[0])
            )
            return "" if glued else " "
        head = _WORD.findall(before.text)[-1:]
        tail = _WORD.match(line.text)
        if not head or not tail:
            return "-"
        first, second = head[0].lower(), tail.group().lower()
        if self._words[first + second]:
            return ""
        known = self._words[f"{first}-{second}"] or (
            self._words[first] > 1 and self._words[second] > 1 and len(first) > 2
        )
        return "-" if known or not second[0].isalpha() else ""

    def _put(self, text: str, kind: SectionKind) -> None:
        start = self._length
        self._write(text)
        self.sections.append(Section(start, self._length, kind, tuple(title for _, title in self._path)))

    def _end(self) -> None:
        if self._open:
            self._write("\n\n")
            self._open = False

    def _write(self, text: str) -> None:
        self.parts.append(text)
        self._length += len(text)


def _whole_words(pages: Sequence[Sequence[TextLine]]) -> Counter[str]:
    """How often each word occurs that no end of a line divides."""
    found: Counter[str] = Counter()
    for lines in pages:
        divided = False
        for line in lines:
            words = _WORD.findall(line.text)
            found.update(word.lower() for word in words[divided : len(words) - line.hyphen])
            divided = line.hyphen
    return found


def _letters(words: str) -> str:
    return "".join(c for c in words.lower() if c.isalnum())


def _is_wide(character: str) -> bool:
    return (
        "\u2e80" <= character <= "\u9fff"
        or "\uac00" <= character <= "\ud7af"
        or "\uff00" <= character <= "\uffef"
    )


def _leading(lines: Sequence[TextLine]) -> float:
    """The usual distance from line to line."""
    steps = [a.bottom - b.bottom for a, b in pairwise(lines) if 0 < a.bottom - b.bottom < 4 * a.height]
    return median(steps) if steps else 0.0


def _continues(before: TextLine, line: TextLine, leading: float) -> bool:
    """Whether `line` goes on with the paragraph that `before` belongs to."""
    if before.hyphen:
        return True
    if _ITEM.match(line.text) or abs(before.height - line.height) > 0.3 * max(before.height, line.height):
        return _beside(before, line)
    if _beside(before, line):
        return True
    ended = before.text.endswith(_ENDED)
    if line.bottom > before.bottom or before.bottom - line.bottom > 3 * before.height:
        return not ended and line.text[:1].islower()
    if leading and before.bottom - line.bottom > 1.4 * leading:
        return False
    indent = line.left - before.left
    if ended and (0.7 * line.height < indent < 5 * line.height):
        return False
    short = before.right < line.right - 4 * line.height
    return not (ended and short and not indent < -0.7 * line.height)


def _beside(before: TextLine, line: TextLine) -> bool:
    """Whether two runs are on one line: a superscript, a formula's parts, cells of a row."""
    middle = (line.bottom + line.top) / 2
    return (
        before.bottom - 0.4 * before.height < middle < before.top + 0.4 * before.height
        and line.left >= before.left
    )
