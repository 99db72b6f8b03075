"""Data inside a text (pictures in base64, hex, drawings, minified code) is taken out before it is cut.

Owns what is no language, for every format at once: no reader knows of it. Line ends stay, so that every line
keeps its number. Scripts written without blanks are never judged: every run here is of ASCII.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from index.types import Document

INSTEAD = "…"
"""The replacement of data that has words beside it on its line."""
_UNBROKEN = re.compile(r"[A-Za-z0-9+/=_-]{40,}+")
_LONG = 100
"""Characters from which on a run alone is data: a digest of 64 is something to search for."""
_LINES = 3
"""Lines of shorter runs, one below the other, that are data together."""
_LAST_LINE = re.compile(r"[ \t]*\n[ \t>|]{0,8}([A-Za-z0-9+/=_-]{2,39}+)(?=[ \t]*(?:\n|\Z))")
_FEW_SIGNS = 3
"""Least number of different letters and digits in a run; a rule or a drawing has fewer, DNA has four."""
_WORDS = re.compile(r"(?<![a-z])[A-Za-z]?[a-z]{3,30}(?![a-z])")
_LEAST_WORDS = 0.5
_EMBEDDED = re.compile(
    r"data:[\w.+-]{0,60}/[\w.+-]{0,60}(?:;[\w=.-]{1,60}){0,4},[^\s\"'()<>\[\]]{40,}+"
    r"|(?<=\")data:[\w.+-]{1,60}/[\w.+-]{1,60}[;,][^\"\n]{60,}+(?=\")"
)
_DIGEST = re.compile(r"\bsha(?:1|256|384|512)-[A-Za-z0-9+/]{27,}+={0,2}")
"""The digest of a package in a lock file (https://www.w3.org/TR/SRI/). Checksums for people are hex."""
_DUMP = re.compile(
    r"(?:^[^\w\n]{0,4}(?:0x)?[0-9a-fA-F]{4,16}:?[ \t]{1,4}(?:[0-9a-fA-F]{2,8}[ \t]{1,3}){4}[^\n]*(?:\n|\Z))"
    r"{3,}+",
    re.MULTILINE,
)
_UUENCODED = re.compile(r"^begin [0-7]{3} [^\n]{1,200}\n(?:[!-`][ -`]{0,61}\n){2,}+(?:end\b)?", re.MULTILINE)
_NUMBERS = re.compile(r"[-+\d][-+\d\s.,;eE\[\]()]{1000,}+")
_LONG_LINE = re.compile(r"[^\n]{800,}+")
_MOST_BLANKS = 0.09
_LEAST_SIGNS = 0.1
_SIGNS = re.compile(r"[{}()\[\];:,=<>!&|+*/.\"'`$#?\\-]")
_MARKS = " \t>|\"'`,;\\+()[]{}!*#-"
"""Characters that may surround data in a line of nothing else: quotation marks, commas, Markdown marks."""
_TABLES = frozenset({"csv", "sheet"})
_Span = tuple[int, int]


def without_data(document: Document) -> Document:
    """The document without what is data in its text; a note says how much that is."""
    spans = _outside(list(_merge_spans(sorted(_find_spans(document)))), document.withheld)
    if not spans:
        return document
    cuts = list(_apart(_cut(document.text, start, end) for start, end in spans))
    size = sum(end - start for start, end in spans)
    note = f"Data inside it ({size:,} characters of pictures, code or the like) is left out."
    return _apply_cuts(document, cuts, f"{document.note} {note}".strip())


def is_language(text: str) -> bool:
    """Whether nothing in a text is data by the measure of this module."""
    return not any(True for _ in _find_spans(Document(text, "text")))


def _find_spans(document: Document) -> Iterator[_Span]:
    text = document.text
    for pattern in (_EMBEDDED, _UUENCODED, _DIGEST, _DUMP):
        yield from (found.span() for found in pattern.finditer(text))
    yield from _runs(text)
    if document.kind not in _TABLES:
        yield from (found.span() for found in _NUMBERS.finditer(text))
        yield from (found.span() for found in _LONG_LINE.finditer(text) if _is_minified(found.group()))


def _runs(text: str) -> Iterator[_Span]:
    """Unbroken runs that are no words: long ones, and shorter ones in lines of their own below each other."""
    short: list[_Span] = []
    for found in _UNBROKEN.finditer(text):
        start, end = found.span()
        if _reads_as_words(found.group()) or len(set(found.group()) - set("+/=_-")) < _FEW_SIGNS:
            continue
        if end - start >= _LONG:
            yield start, end
            continue
        if not short or text.count("\n", short[-1][1], start) != 1 or start - short[-1][1] > 40:
            yield from _block(text, short)
            short = []
        short.append((start, end))
    yield from _block(text, short)


def _block(text: str, lines: list[_Span]) -> Iterator[_Span]:
    """Lines of runs that are data together, with a shorter one at their end."""
    if len(lines) >= _LINES:
        yield from lines
        last = _LAST_LINE.match(text, lines[-1][1])
        if last and (last[1].endswith("=") or not _reads_as_words(last[1])):
            yield last.span(1)


def _reads_as_words(run: str) -> bool:
    words = sum(len(word) for word in _WORDS.findall(run))
    return words >= _LEAST_WORDS * len(run)


def _is_minified(line: str) -> bool:
    """Whether a long line has the signs of code and next to no blanks."""
    if line.count(" ") + line.count("\t") > _MOST_BLANKS * len(line):
        return False
    ascii_only = sum(character < "\x80" for character in line[:2000])
    return ascii_only > 0.9 * len(line[:2000]) and len(_SIGNS.findall(line)) >= _LEAST_SIGNS * len(line)


def _merge_spans(spans: Sequence[_Span]) -> Iterator[_Span]:
    last: _Span | None = None
    for span in spans:
        if last is not None and span[0] <= last[1]:
            last = (last[0], max(last[1], span[1]))
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _outside(spans: Sequence[_Span], withheld: Sequence[_Span]) -> list[_Span]:
    """The spans that overlap no withheld one: those are left out anyway."""
    starts = [start for start, _ in sorted(withheld)]
    ends = list(accumulate((end for _, end in sorted(withheld)), max))
    kept = []
    for start, end in spans:
        before = bisect_right(starts, end) - 1
        if before < 0 or ends[before] <= start:
            kept.append((start, end))
    return kept


def _cut(text: str, start: int, end: int) -> tuple[int, int, str]:
    """The span to remove and its replacement: its line ends, and a sign if words are on the same line.

    A line of nothing but data and marks is removed whole.
    """
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", max(start, end - 1))
    last = last if last >= end - 1 and last >= 0 else len(text)
    if not (text[first:start] + text[end:last]).strip(_MARKS):
        start, end = first, max(last, end)
        return start, end, "\n" * text.count("\n", start, end)
    return start, end, INSTEAD + "\n" * text.count("\n", start, end)


def _apart(cuts: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Cuts that do not overlap: two runs of one line may both reach to its beginning."""
    done = 0
    for start, end, instead in cuts:
        if start >= done:
            yield start, end, instead
            done = end


def _apply_cuts(document: Document, cuts: Sequence[tuple[int, int, str]], note: str) -> Document:
    """The document with the cuts made, and every position in it moved."""
    text = document.text
    parts: list[str] = []
    at = 0
    for start, end, instead in cuts:
        parts += (text[at:start], instead)
        at = end
    starts = [start for start, _, _ in cuts]
    shrunk = [0, *accumulate(end - start - len(instead) for start, end, instead in cuts)]

    def moved(position: int) -> int:
        after = bisect_right(starts, position)
        if not after:
            return position
        start, end, instead = cuts[after - 1]
        if position < end:
            return start - shrunk[after - 1] + min(position - start, len(instead))
        return position - shrunk[after]

    return replace(
        document,
        text="".join([*parts, text[at:]]),
        sections=tuple(
            section._replace(start=moved(section.start), end=moved(section.end))
            for section in document.sections
        ),
        pages=tuple(map(moved, document.pages)),
        lines=document.lines and tuple((moved(position), line) for position, line in document.lines),
        withheld=tuple((moved(start), moved(end)) for start, end in document.withheld),
        note=note,
    )
