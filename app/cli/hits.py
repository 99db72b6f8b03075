"""Hits in a terminal: where, under which heading, and the words that answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from app import paths
from app.amounts import plural
from app.api import UNTIL_READ, Answer, Library
from app.cli.context import Context, context_of
from app.cli.lines import Form
from app.cli.terminal import columns, is_terminal, linked, styled
from app.sanitize import clip, plain, plain_line, plain_path, width
from index.types import HEADING_SEPARATOR, Hit

INDENT = "    "
SNIPPET_LINES = 3
"""Lines of a snippet that are printed."""
BEST_LINES = 8
"""The same of the first hit, whose snippet is longer (`index.passages.snippet`)."""
ALSO = 2
"""Further places in the same file that are named beneath."""
Piece = tuple[str, bool]
"""A character (or word) and whether it is one of the query's words."""


def render(library: Library, answer: Answer, form: Form) -> str:
    """The whole list."""
    blocks = (_hit(library, number, hit, answer, form) for number, hit in enumerate(answer.hits, 1))
    return "\n\n".join("\n".join(block) for block in blocks)


def summary(answer: Answer) -> str:
    """One line on the answer as a whole: how many, how, how long, how fresh."""
    count = len(answer.hits)
    how = {"hybrid": "words and meaning", "meaning": "meaning", "words": "words"}[answer.mode]
    if answer.listed:
        how = "newest first"
    of = f" of {answer.total:,}" if answer.total is not None and answer.total > count else ""
    parts = [f"{count}{of} {plural(answer.total or count, 'file')}", how, f"{answer.took_ms:.0f} ms"]
    if not answer.fresh:
        parts.append(f"{answer.waiting} {plural(answer.waiting, 'file')} waiting")
    elif answer.complete:
        parts.append("all current")
    return " · ".join(parts)


def _hit(library: Library, number: int, hit: Hit, answer: Answer, form: Form) -> Iterator[str]:
    right = _day(hit) if answer.listed else f"{hit.score:.2f}"
    yield _first_line(number, hit, right, stale=hit.path in answer.stale)
    heading = heading_line(hit)
    if heading:
        yield INDENT + styled(_fit(heading), dim=True)
    context = context_of(library, hit, form.before, form.after) if form.before or form.after else Context()
    yield from _context_lines(context.before)
    lines = BEST_LINES if number == 1 and not answer.listed else SNIPPET_LINES
    yield from snippet_lines(hit.snippet, hit.matched, lines)
    yield from _context_lines(context.after)
    for other in hit.more[:ALSO]:
        where = f"also {place_in_file(other)}"
        under = plain_line(HEADING_SEPARATOR.join(other.heading[-2:]) or other.snippet)
        yield INDENT + styled(_fit(f"{where}  {under}"), dim=True)
    if hit.copies:
        yield INDENT + styled(f"and {len(hit.copies)} more like it: --all shows each", dim=True)
    if form.explain:
        parts = "  ".join(f"{name} {value:.3f}" for name, value in hit.explain.items())
        until = f"  ({UNTIL_READ})" if hit.approximate else ""
        yield INDENT + styled(parts + until, fg="cyan")


def _context_lines(lines: Iterable[tuple[int, str]]) -> Iterator[str]:
    for _, text in lines:
        yield INDENT + styled(_fit(text), dim=True)


def _day(hit: Hit) -> str:
    """The day on which the file was last changed, here."""
    try:
        return f"{datetime.fromtimestamp(hit.modified_ns / 1e9):%Y-%m-%d}"
    except (OverflowError, OSError, ValueError):
        return ""


def _first_line(number: int, hit: Hit, right: str, *, stale: bool) -> str:
    path = plain_path(paths.short(hit.path))
    where = f"{place_in_file(hit)}{'  (changed since)' if stale else ''}"
    front = f"{number:>2}  "
    room = columns() - len(front) - len(right) - 2
    if is_terminal() and width(path) + len(where) > room:
        path = _clip_front(path, room - len(where))
    gap = " " * max(2, room + 2 - width(path) - len(where))
    named = linked(styled(path, bold=True), hit.path) + styled(where, fg="cyan")
    return front + named + gap + styled(right, dim=True)


def place_in_file(hit: Hit) -> str:
    """`:12`, and ` (page 3)` where there are pages; nothing where there is neither."""
    return (f":{hit.line}" if hit.line else "") + (f" (page {hit.page})" if hit.page else "")


def heading_line(hit: Hit) -> str:
    """Title and headings, what is said twice left out."""
    parts = [plain_line(part) for part in (hit.title, *hit.heading)]
    kept = [part for i, part in enumerate(parts) if part and part not in parts[:i]]
    return HEADING_SEPARATOR.join(kept)


def snippet_lines(snippet: str, matched: Sequence[tuple[int, int]], most: int = SNIPPET_LINES) -> list[str]:
    """The snippet wrapped to at most so many lines, its matched words emphasized where the terminal can."""
    lines = wrap(words(snippet, matched), columns() - len(INDENT))
    cut = lines[most:]
    shown = [INDENT + _emphasize(line) for line in lines]
    return [*shown[: most - 1], shown[most - 1] + " …"] if cut else shown


def _emphasize(line: Sequence[Piece]) -> str:
    runs = groupby(line, key=lambda piece: piece[1])
    texts = ((mark, "".join(text for text, _ in run)) for mark, run in runs)
    return "".join(styled(text, bold=True, fg="yellow") if mark else text for mark, text in texts)


def words(snippet: str, matched: Sequence[tuple[int, int]]) -> list[Piece]:
    """The snippet as pieces without white space; a blank is before all that had some."""
    pieces: list[Piece] = []
    position = 0
    for start, end in [*matched, (len(snippet), len(snippet))]:
        for text, mark in ((snippet[position:start], False), (snippet[start:end], True)):
            pieces += [(character, mark) for character in plain(text)]
        position = max(position, end)
    return pieces


def wrap(pieces: Sequence[Piece], room: int) -> list[list[Piece]]:
    """Lines of at most `room` columns, broken at blanks, inside a word only where it is longer."""
    lines: list[list[Piece]] = [[]]
    used = 0
    for word in _split(pieces):
        wide = width("".join(text for text, _ in word))
        if used and used + 1 + wide > room:
            lines.append([])
            used = 0
        if used:
            lines[-1].append((" ", False))
            used += 1
        for piece in word:
            step = width(piece[0])
            if used + step > room:
                lines.append([])
                used = 0
            lines[-1].append(piece)
            used += step
    return [line for line in lines if line]


def _split(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    word: list[Piece] = []
    for piece in pieces:
        if not piece[0].isspace():
            word.append(piece)
        elif word:
            yield word
            word = []
    if word:
        yield word


def _fit(text: str) -> str:
    return clip(text, columns() - len(INDENT)) if is_terminal() else text


def _clip_front(text: str, room: int) -> str:
    """The end of a path, which says most."""
    kept = text
    while kept and width(kept) > room - 1:
        kept = kept[1:]
    return "…" + kept
