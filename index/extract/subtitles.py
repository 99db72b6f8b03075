"""Subtitles (SRT, VTT, SBV): what is said, in paragraphs, at the lines where it stands.

Owns the timing marks, which are blanked out so that every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.extract.decode import decode
from index.extract.source import Source
from index.types import Document, Section

_TIMING = re.compile(
    r"^(?:[^\n]{0,100}\n)?[ \t]*(?:\d{1,3}:)?\d{1,2}:\d{2}[,.]\d{1,3}[ \t]*(?:-->|,)"
    r"[ \t]*(?:\d{1,3}:)?\d{1,2}:\d{2}[,.]\d{1,3}[^\n]*$",
    re.MULTILINE,
)
_MARKS = re.compile(
    r"<[^>\n]{1,80}>|\{\\[^}\n]{1,40}\}|^WEBVTT[^\n]*$|^(?:Kind|Language):[^\n]*$", re.MULTILINE
)
_SPOKEN = re.compile(r"^[^\S\n]*+\S[^\n]*", re.MULTILINE)
_PARAGRAPH = 600


def read(source: Source) -> Document:
    """What is said; blocks of about a hundred words that end with a sentence where they can."""
    text = _TIMING.sub(_blanked, decode(source.content()))
    text = _MARKS.sub("", text)
    return Document(text, "subtitles", sections=tuple(_paragraphs(text)))


def _blanked(found: re.Match[str]) -> str:
    """The line ends of a cue's number and times; words above the times that are no number stay."""
    first, newline, _ = found.group().partition("\n")
    if newline and first.strip() and not first.strip().isdigit():
        return first + "\n"
    return newline


def _paragraphs(text: str) -> Iterator[Section]:
    start: int | None = None
    end = 0
    for line in _SPOKEN.finditer(text):
        start = line.start() if start is None else start
        end = line.end()
        long = end - start > _PARAGRAPH
        if long and (
            line.group().rstrip().endswith((".", "!", "?", "。", "…")) or end - start > 2 * _PARAGRAPH
        ):
            yield Section(start, end)
            start = None
    if start is not None:
        yield Section(start, end)
