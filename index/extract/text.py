"""Plain text to paragraphs, whatever its encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.extract.decode import decode_text
from index.extract.source import Source
from index.types import Document, Section, SectionKind

_PARAGRAPH = re.compile(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", re.MULTILINE)


def read(source: Source) -> Document:
    """A text document; it states no title."""
    text = decode_text(source.content())
    return Document(text, "text", sections=tuple(paragraphs(text)))


def paragraphs(
    text: str,
    start: int = 0,
    end: int | None = None,
    heading: tuple[str, ...] = (),
    kind: SectionKind = "prose",
) -> Iterator[Section]:
    """The runs of lines between blank lines in `text[start:end]`."""
    for found in _PARAGRAPH.finditer(text, start, len(text) if end is None else end):
        yield Section(found.start(), found.end(), kind, heading)
