"""Manual pages in roff (man, mdoc): sections are headings, and an option stands over what it does.

Owns the macros of man(7), the blocks of mdoc(7), literal text and tables (tbl). `roff_lines` has what roff
itself does, `mdoc` the macros inside a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, collapse_blanks, mark, table_row
from index.extract.mdoc import Mdoc
from index.extract.roff_lines import Line, RoffLines
from index.extract.source import Source
from index.types import Document

_ENCODING = re.compile(rb"-\*-.{0,80}?coding:\s*([\w.-]{1,40})")
_PARAGRAPH = frozenset({"PP", "P", "LP", "HP", "Pp", "Lp", "sp", "RS", "RE", "YS", "SY", "Sp"})
_FONTS = frozenset({"B", "I", "SM", "SB", "R", "CW", "OP"})
_ALTERNATING = frozenset({"BI", "BR", "IB", "IR", "RB", "RI"})
_LITERAL, _FILLED = frozenset({"nf", "EX", "Vb", "DS"}), frozenset({"fi", "EE", "Ve", "DE"})
_ADDRESS, _ADDRESS_END = frozenset({"UR", "MT"}), frozenset({"UE", "ME"})
_BREAK = "\n"
_SHORT_TAG = 3
"""Characters of the longest bullet or number in front of its text."""
_OPTIONS = re.compile(r"tab\s*\((.)\)")
_PACKED = frozenset({".gz", ".bz2", ".xz"})


def read(source: Source) -> Document:
    """A page, at its lines."""
    data = source.content()
    declared = _ENCODING.search(data[:1000])
    return _Page(decode_text(data, declared[1].decode() if declared else "")).document(source.name)


class _Page:
    """A page as it is put together: its lines, and the block in work."""

    def __init__(self, text: str) -> None:
        self._builder = DocumentBuilder()
        self._mdoc = Mdoc()
        self._title = ""
        self._words: list[str] = []
        self._literal = False
        self._only_tags = False
        """Whether the block in work is nothing but tags yet: options that are explained together."""
        self._columns = False
        self._next: Callable[[int, str], None] | None = None
        """What the next words are, where a macro says so: a heading or a tag."""
        self._address = ""
        blocks = (
            (("TH", "Dt"), self._name),
            (("SH", "SS", "Sh", "Ss"), self._heading),
            (("TP", "TQ", "IP", "It"), self._item),
            ((*_LITERAL, *_FILLED, "Bd", "Ed", "D1", "Dl"), self._literal_text),
            (("Bl", "El"), self._list),
            (("TS",), self._table),
            ((*_ADDRESS, *_ADDRESS_END), self._link),
        )
        self._blocks = {name: block for names, block in blocks for name in names}
        self._lines = iter(RoffLines(text, {*self._blocks, *_PARAGRAPH, *_FONTS, *_ALTERNATING}))

    def document(self, name: str) -> Document:
        for line in self._lines:
            if self._builder.full:
                break
            if line.macro:
                self._macro(line)
            elif self._literal or line.text.strip():
                self._say(line.number, line.text)
            else:
                self._end()
        self._end()
        return self._builder.document("man", self._title or _stem(name))

    def _macro(self, line: Line) -> None:
        name = line.macro
        if block := self._blocks.get(name):
            block(line)
        elif name in _PARAGRAPH:
            self._end()
        elif name == "br":
            self._words.append(_BREAK)
        elif name in _FONTS:
            self._say(line.number, " ".join(line.arguments))
        elif name in _ALTERNATING:
            self._say(line.number, "".join(line.arguments))
        elif name == "so":
            self._say(line.number, f"See {line.text.strip()}.")
        elif name == "Nd":
            self._say(line.number, f"– {self._mdoc.words(line.arguments)}")
        elif self._mdoc.is_known(name):
            self._say(line.number, self._mdoc.words([name, *line.arguments]))

    def _say(self, number: int, words: str) -> None:
        """Words of the block in work, or what the macro before says they are."""
        if not words.strip() and not self._literal:
            return
        if self._next is not None:
            is_said, self._next = self._next, None
            is_said(number, words)
            return
        self._only_tags = False
        self._words.append(mark(number) + words if words.strip() else words)
        if self._literal:
            self._words.append(_BREAK)

    def _end(self) -> None:
        """End the block in work."""
        words, self._words, self._only_tags = self._words, [], False
        if self._literal:
            self._builder.add("".join(words), "code")
        else:
            lines = "".join(f" {one}" if one != _BREAK else one for one in words).split(_BREAK)
            self._builder.add("\n".join(collapse_blanks(line).strip() for line in lines if line.strip()))

    def _name(self, line: Line) -> None:
        words = line.arguments
        if len(words) > 1 and not self._title:
            self._title = f"{words[0].lower() if words[0].isupper() else words[0]}({words[1]})"

    def _heading(self, line: Line) -> None:
        self._end()
        self._literal = False
        level = 1 if line.macro in ("SH", "Sh") else 2
        self._next = lambda number, words: self._builder.open(level, mark(number) + words)
        self._say(line.number, self._mdoc.words(line.arguments))

    def _item(self, line: Line) -> None:
        """A tag, and then what it is; in mdoc the tag may be a row of a table."""
        if not self._only_tags:
            self._end()
        elif self._words[-1:] != [_BREAK]:
            self._words.append(_BREAK)
        if self._columns:
            cells = self._mdoc.words(line.arguments).split("\t")
            self._builder.add(mark(line.number) + table_row(cells), "row")
        elif line.macro in ("TP", "TQ"):
            self._next = self._tag
        elif words := self._mdoc.words(line.arguments if line.macro == "It" else line.arguments[:1]):
            self._tag(line.number, words)

    def _tag(self, number: int, words: str) -> None:
        self._only_tags = True
        self._words.append(mark(number) + words)
        if len(words.strip()) > _SHORT_TAG:
            self._words.append(_BREAK)

    def _list(self, line: Line) -> None:
        self._end()
        self._columns = line.macro == "Bl" and "-column" in line.arguments

    def _literal_text(self, line: Line) -> None:
        self._end()
        if line.macro in ("D1", "Dl"):
            self._builder.add(mark(line.number) + self._mdoc.words(line.arguments), "code")
        else:
            unfilled = line.macro == "Bd" and not {"-literal", "-unfilled"}.isdisjoint(line.arguments)
            self._literal = line.macro in _LITERAL or unfilled

    def _link(self, line: Line) -> None:
        words = line.arguments
        if line.macro in _ADDRESS:
            self._address = words[0] if words else ""
        else:
            self._say(line.number, f"<{self._address}>{''.join(words[:1])}")

    def _table(self, _: Line) -> None:
        """Rows up to the end of the table; the lines before them say how they are set."""
        self._end()
        separator, formats = "\t", True
        cells: list[str] = []
        for line in self._lines:
            if line.macro == "TE":
                return
            if line.macro in ("T&", "TS"):
                formats = True
            elif formats and not line.macro:
                found = _OPTIONS.search(line.text)
                separator = found[1] if found else separator
                formats = not line.text.rstrip().endswith(".")
            elif cells and not line.text.startswith("T}"):  # inside a cell of several lines
                inner = self._mdoc.words(line.arguments) if line.macro else line.text
                cells[-1] = f"{cells[-1]} {inner}"
            elif not line.macro:
                cells = [*cells, *line.text[2:].split(separator)[1:]] if cells else line.text.split(separator)
                if cells[-1].strip() == "T{":
                    cells[-1] = ""
                    continue
                if not set(line.text) <= set("_=- "):
                    self._builder.add(mark(line.number) + table_row(cells), "row")
                cells = []


def _stem(name: str) -> str:
    """The name of the page in the name of its file."""
    path = PurePath(name)
    return path.with_suffix("").stem if path.suffix in _PACKED else path.stem
