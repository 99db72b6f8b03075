"""Source code as coloured pieces, by Pygments. Knows nothing of colours: it names what a token is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from app.tui.styled_lines import Line, Piece, plain_lines

TAB = "    "
_STYLES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (String, "string"),
    (Number, "number"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Tag, "name"),
    (Name.Decorator, "name"),
    (Name.Builtin, "keyword"),
)


SECONDS = 0.25
"""For the colours of one page. Some lexers need a time that grows with the square of what they are given
(blank lines in C: 9 s for 16,000 characters); what is not reached is shown without colours."""


def code_lines(text: str, start: int, number: int, language: str) -> list[Line]:
    """Lines of source code; unknown languages, and what takes too long, are shown without colours."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return plain_lines(text.replace("\t", " "), start, number)
    return list(_lines(_pieces(text, lexer.get_tokens_unprocessed(text), start), start, number))


def _pieces(text: str, tokens: Iterable[tuple[int, _TokenType, str]], start: int) -> Iterator[Piece]:
    deadline = time.perf_counter() + SECONDS
    for position, token, value in tokens:
        if time.perf_counter() > deadline:
            yield Piece(start + position, text[position:], "")
            return
        style = next((name for kind, name in _STYLES if token in kind), "")
        yield Piece(start + position, value, style)


def _lines(pieces: Iterable[Piece], start: int, number: int) -> Iterator[Line]:
    line: list[Piece] = []
    begin = at = start
    for piece in pieces:
        parts = piece.text.split("\n")
        at = piece.start
        for index, part in enumerate(parts):
            if index:
                yield Line(number, begin, at - 1, tuple(line))
                number, begin, line = number + 1, at, []
            line.extend(_untabbed(at, part, piece.style))
            at += len(part) + 1
    yield Line(number, begin, max(begin, at - 1), tuple(line))


def _untabbed(at: int, text: str, style: str) -> Iterator[Piece]:
    """A tab as four blanks, of which the document has one."""
    for index, part in enumerate(text.split("\t")):
        if index:
            yield Piece(at - 1, TAB, style)
        if part:
            yield Piece(at, part, style)
        at += len(part) + 1
