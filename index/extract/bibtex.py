"""BibTeX and BibLaTeX: each reference under its title, its letters resolved.

Owns where an entry begins and what its title is. Every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from index.extract.decode import decode_text
from index.extract.latex_text import plain_letters
from index.extract.source import Source
from index.extract.text import paragraphs
from index.types import Document, Section

_ENTRY = re.compile(r"^[ \t]*@(?!comment|preamble|string)[A-Za-z]+[ \t]*[{(]", re.MULTILINE | re.IGNORECASE)
_TITLE = re.compile(
    r"^[ \t]*title[ \t]*=[ \t]*[{\"]+([^\n]{1,500}?)[}\"]+,?[ \t]*$", re.MULTILINE | re.IGNORECASE
)


def read(source: Source) -> Document:
    """A bibliography."""
    text = plain_letters(decode_text(source.content()))
    return Document(text, "bibtex", sections=tuple(_sections(text)))


def _sections(text: str) -> Iterator[Section]:
    starts = [found.start() for found in _ENTRY.finditer(text)]
    yield from paragraphs(text, 0, starts[0] if starts else None)
    for start, end in pairwise([*starts, len(text)]):
        title = _TITLE.search(text, start, end)
        words = " ".join(re.sub(r"[{}]", "", title[1]).split()) if title else ""
        yield Section(start, end, "prose", (words,) if words else ())
