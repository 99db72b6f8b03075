"""Subtitles (SRT, VTT, SBV): what is said, in paragraphs, at its lines.

Owns the timing marks, which are blanked out so that every line keeps its number.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from index.extract.decode import decode_text
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
_ASS_BREAK = re.compile(r"\\[Nnh]|\{[^{}\n]{0,400}\}")
_ROLLING = 3
"""Lines on the screen at once."""
_LEAST_AGAIN = 0.3
"""The share of lines said again from which on that is how captions are made, and not what is said."""


def read(source: Source) -> Document:
    """The spoken text, in blocks of about a hundred words that end with a sentence if possible."""
    text = _TIMING.sub(_blank_cue_lines, decode_text(source.content()))
    text = html.unescape(_MARKS.sub("", text))
    text = _once(_dialogue(text) if source.suffix in (".ass", ".ssa") else text)
    return Document(text, "subtitles", sections=tuple(_paragraphs(text)))


def _dialogue(text: str) -> str:
    """The spoken text of Advanced SubStation Alpha: after the ninth comma of a line of dialogue."""
    lines = (line.split(",", 9) if line.startswith("Dialogue:") else [] for line in text.split("\n"))
    return "\n".join(_ASS_BREAK.sub(" ", parts[9]) if len(parts) == 10 else "" for parts in lines)


def _once(text: str) -> str:
    """Captions that roll, as YouTube writes them, say each line two or three times: it is read once."""
    lines = text.split("\n")
    recent: list[str] = []
    again: list[int] = []
    spoken = 0
    for i, line in enumerate(lines):
        if words := line.strip():
            spoken += 1
            if words in recent:
                again.append(i)
            recent = [*recent, words][-_ROLLING:]
    if len(again) < _LEAST_AGAIN * spoken or len(again) < _ROLLING:
        return text
    for i in again:
        lines[i] = ""
    return "\n".join(lines)


def _blank_cue_lines(found: re.Match[str]) -> str:
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
