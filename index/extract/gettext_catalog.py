"""Catalogs of translations (gettext's .po): each message with its original, its escapes resolved.

Owns the lines of one entry. Format: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark
from index.extract.source import Source
from index.types import Document

_CHARSET = re.compile(rb"charset=([\w.:-]{1,40})")
_STRING = re.compile(r'^(?P<name>msg(?:ctxt|id_plural|id|str)(?:\[\d{1,3}\])?)?[ \t]*"(?P<value>.*)"[ \t]*$')
_COMMENT = re.compile(r"^#[. ][ \t]*(\S.*)$")
_ESCAPE = re.compile(r"\\(.)")
_BLANKS = {"n": " ", "t": " ", "r": " "}
_HEAD_BYTES = 4096


def read(source: Source) -> Document:
    """The messages of a catalog, one block an entry."""
    data = source.content()
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    builder = DocumentBuilder()
    for entry in _entries(decode_text(data, declared[1].decode() if declared else "")):
        builder.add("\n".join(entry))
    return builder.document("translations")


def _entries(text: str) -> Iterator[list[str]]:
    """The texts of each entry, marked with their lines; entries end at blank lines."""
    entry: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            yield entry
            entry = []
        elif string := _STRING.match(line):
            value = _ESCAPE.sub(lambda found: _BLANKS.get(found[1], found[1]), string["value"])
            if string["name"] or not entry:
                entry.append(mark(number) + value)
            else:
                entry[-1] += value
        elif comment := _COMMENT.match(line):
            entry.append(mark(number) + comment[1])
    yield entry
