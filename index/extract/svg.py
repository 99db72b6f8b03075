"""Drawings in SVG: their texts, titles and descriptions, at their lines.

Owns which elements hold words, and which words are one line. The drawing is parsed as a stream, without a
tree. What stands before it is left out, so that no entity of a file's own is ever resolved.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from index.errors import FileFailed
from index.extract.charsets import declared_in_markup
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark, one_line
from index.extract.source import Source
from index.types import Document

_BEGINNING = re.compile(r"<(?:\w{1,20}:)?svg[\s>]")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);|#)[^;<&\s]{0,100};?")
_WORDS = frozenset({"text", "title", "desc", "foreignObject", "flowRoot"})
_PARTS = frozenset({"tspan", "flowPara", "p", "div", "br", "li", "td", "tr", "h1", "h2", "h3"})
_DROPPED = frozenset({"script", "style", "metadata"})


def read(source: Source) -> Document:
    """The words of a drawing, a line each."""
    data = source.content()
    text = decode_text(data, declared_in_markup(data))
    begins = _BEGINNING.search(text)
    if begins is None:
        raise FileFailed("It is no drawing in SVG.")
    words = _Words(text.count("\n", 0, begins.start()))
    try:
        words.parser.Parse(_ENTITY.sub(" ", text[begins.start() :]), True)
    except expat.ExpatError as error:
        line = error.lineno + words.lines_before
        words.builder.notes.append(f"It is damaged: its XML breaks off in line {line}.")
    words.end()
    return words.builder.document("svg", words.title)


class _Words:
    """The handlers of a parser, and the line of words in work."""

    def __init__(self, lines_before: int) -> None:
        self.builder = DocumentBuilder()
        self.lines_before = lines_before
        self.title = ""
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end_element
        self.parser.CharacterDataHandler = self._data
        self._depth = 0
        self._inside = 0
        """The depth of the element of words in work; 0 outside of one."""
        self._dropped = 0
        self._choices: list[int] = []
        """The depths of the open `switch` elements; negative once one of their children was taken."""
        self._title = False
        self._parts: list[str] = []
        self._mark = ""
        """The line of the words that come."""
        self._row: str | None = None
        """The height of the texts in work: runs side by side are one line."""

    def end(self) -> None:
        """End the line in work."""
        words, self._parts = "".join(self._parts), []
        for line in words.split("\n"):
            self.builder.add(" ".join(line.split()), "row")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        name = name.rpartition(":")[2]
        if self._dropped:
            return
        if self._choices and abs(self._choices[-1]) == self._depth - 1:
            if self._choices[-1] < 0:
                self._dropped = self._depth
                return
            self._choices[-1] *= -1
        if name == "switch":
            self._choices.append(self._depth)
        elif name in _DROPPED:
            self._dropped = self._depth
        elif self._inside:
            self._part(name, attributes)
        elif name in _WORDS:
            self._inside = self._depth
            self._title = name == "title" and self._depth == 2
            row = attributes.get("y") if name == "text" else None
            if row is None or row != self._row:
                self.end()
            self._row = row
            self._parts.append(" ")
            self._mark = self._here
        if not self._inside and (label := attributes.get("aria-label", "").strip()):
            self.end()
            self._parts += [self._here, label]
            self.end()

    @property
    def _here(self) -> str:
        return mark(self.parser.CurrentLineNumber + self.lines_before)

    def _part(self, name: str, attributes: dict[str, str]) -> None:
        """A part of a text: a line of its own where it is set at a height of its own."""
        if name not in _PARTS:
            return
        moved = name != "tspan" or "y" in attributes or ("x" in attributes and "dy" in attributes)
        self._parts.append("\n" if moved else "")
        self._mark = self._here

    def _end_element(self, _: str) -> None:
        if self._depth == self._dropped:
            self._dropped = 0
        if self._depth == self._inside:
            self._inside = 0
        if self._choices and abs(self._choices[-1]) == self._depth:
            self._choices.pop()
        self._depth -= 1

    def _data(self, words: str) -> None:
        if not self._inside or self._dropped or self.builder.full:
            return
        if self._title and not self.title:
            self.title = one_line(words)
        if words.strip():
            self._parts.append(self._mark)
            self._mark = ""
        self._parts.append(words.replace("\n", " "))
