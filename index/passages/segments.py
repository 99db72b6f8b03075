"""A document as a row of segments: the smallest pieces a passage is made of, each with its tokens.

Owns turning sections into segments that cover every character that is not blank, and splitting a
section that is larger than it may be at its items, lines, sentences, words and, at last, characters.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from index.types import Document, Section, SectionKind, TokenCounter

# Matched only where no blank is before: a line of blanks would take quadratic time.
_LINES = re.compile(r"(?<![^\S\n])[^\S\n]*+\S[^\n]*|\S[^\n]*")
_CLOSERS = r"[\"'”’)\]]*+"
# A run of stops is matched once, from its beginning: a line of dots would take quadratic time.
_SENTENCES = re.compile(
    rf"[.!?]{{2,}}+{_CLOSERS}(?=\s)|\S.*?(?:(?<![.!?])[.!?]++{_CLOSERS}(?=\s)|[。！？]+[」』”]*|\Z)",
    re.DOTALL,
)
_ITEMS = re.compile(r"\S.*?(?=\n[^\S\n]*(?:[-*+•]|\d{1,9}[.)])[^\S\n]|\Z)", re.DOTALL)
# Groups begin at words with a to f, so that the beginning of a group depends only on its words.
_WORDS = re.compile(r"\S+(?:\s+(?![a-f])\S+){0,40}")
_FINER = {
    "prose": (_SENTENCES, _LINES, _WORDS),
    "message": (_SENTENCES, _LINES, _WORDS),
    "list": (_ITEMS, _SENTENCES, _LINES, _WORDS),
}
"""The patterns at which a section that is too large is split, coarsest first; other kinds at lines first."""
_HASHED = 64
"""Characters of a segment in its boundary hash: an edit further on does not move the boundary."""


class Segment(NamedTuple):
    """A run of text that no passage boundary divides: `text[start:end]`, no blank at its ends."""

    start: int
    end: int
    kind: SectionKind
    heading: tuple[str, ...]
    tokens: int
    gap: int
    """Tokens of the blanks between the segment before and this one."""
    forced: bool
    """Whether a section had to be cut to make this segment begin here."""


def split_into_segments(document: Document, count: TokenCounter, whole: int, most: int) -> list[Segment]:
    """The document's segments in order.

    A section is one segment where it has at most `whole` tokens, a table or code where it has at most
    `most`; what is larger is split into segments of at most `whole`.
    """
    text = document.text
    sections = _covering(document)
    counts = count([text[start:end] for start, end, _, _ in sections])
    pieces: list[tuple[Section, int, bool]] = []
    for section, tokens in zip(sections, counts, strict=True):
        if tokens <= whole or (tokens <= most and section.kind not in _FINER):
            pieces.append((section, tokens, False))
        else:
            parts = _split(text, section, count, whole)
            pieces.extend((part, size, i > 0) for i, (part, size) in enumerate(parts))
    return _with_gaps(text, pieces, count)


def _with_gaps(text: str, pieces: Sequence[tuple[Section, int, bool]], count: TokenCounter) -> list[Segment]:
    ends = [0, *[section.end for section, _, _ in pieces]]
    gaps = [text[end : piece[0].start] for end, piece in zip(ends, pieces, strict=False)]
    kinds = list(set(gaps))
    cost = dict(zip(kinds, count(kinds), strict=True))
    return [
        Segment(*section, tokens, cost[gap], forced)
        for (section, tokens, forced), gap in zip(pieces, gaps, strict=True)
    ]


def boundary_hash(text: str, segment: Segment) -> int:
    """A 32-bit hash (CRC-32) of a segment's first characters. It does not depend on the text before them."""
    return zlib.crc32(
        text[segment.start : min(segment.end, segment.start + _HASHED)].encode("utf-8", "surrogatepass")
    )


def _covering(document: Document) -> list[Section]:
    """The sections without blank ends, and the text between them where it is not blank."""
    text, at, size = document.text, 0, len(document.text)
    heading: tuple[str, ...] = ()
    found: list[Section] = []
    for section in (*document.sections, Section(size, size)):
        start, end, kind, path = section
        if start > at:
            if not text[at:start].isspace():
                found += _trim(text, Section(at, start, "prose", heading))
            at = start
        elif start < at:
            section, start = section._replace(start=at), at
        if end > start:
            last = end - 1 if text[end - 1 : end] == "\n" else end  # most end with their line
            if end > size or text[start].isspace() or text[last - 1].isspace():
                found += _trim(text, section)
            else:
                found.append(Section(start, last, kind, path))
            at, heading = end, path
    return found


def _trim(text: str, section: Section) -> Iterator[Section]:
    """The section from its first line that is not blank to its last character; none where all is blank."""
    at, end, kind, heading = section
    piece = text[at:end]
    end = at + len(piece.rstrip())
    if end == at:
        return
    if piece[0].isspace():
        lead = len(piece) - len(piece.lstrip())
        at += piece.rfind("\n", 0, lead) + 1 or (lead if at and text[at - 1] != "\n" else 0)
    yield Section(at, end, kind, heading)


def _split(text: str, span: Section, count: TokenCounter, limit: int) -> list[tuple[Section, int]]:
    """A section too large for one segment, as lines or sentences, then words, then characters."""
    found: list[tuple[Section, int]] = []
    patterns = _FINER.get(span.kind, (_LINES, _SENTENCES, _WORDS))
    waiting = [(span, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth == len(patterns):
            finer = [p for p in _characters(part, limit) if not text[p.start : p.end].isspace()]
        else:
            found_here = patterns[depth].finditer(text, part.start, part.end)
            finer = [_part(part, *match.span()) for match in found_here]
        counts = count([text[p.start : p.end] for p in finer])
        later: list[tuple[Section, int]] = []
        for piece, tokens in zip(finer, counts, strict=True):
            if tokens <= limit or depth == len(patterns):
                found.append((piece, tokens))
            else:
                later.append((piece, depth + 1))
        waiting.extend(later)
    found.sort(key=lambda item: item[0].start)
    return found


def _part(whole: Section, start: int, end: int) -> Section:
    return Section(start, end, whole.kind, whole.heading)


def _characters(span: Section, limit: int) -> Iterator[Section]:
    """Runs short enough whatever they hold: a character is at most four tokens, one a byte."""
    step = max(1, limit // 4)
    for start in range(span.start, span.end, step):
        yield _part(span, start, min(span.end, start + step))
