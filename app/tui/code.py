"""Source code as coloured pieces. Knows nothing of colours: a piece has the name of what its token is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.tui.lexer_process import PROCESS, LexerProcess
from app.tui.styled_lines import Piece, PreviewLine

TAB = "    "


def code_lines(
    text: str, start: int, number: int, language: str, process: LexerProcess = PROCESS
) -> list[PreviewLine]:
    """Lines of source code; an unknown language, and what takes too long, is shown without colours."""
    return list(_lines(_pieces(text, process.tokens(language, text), start), start, number))


def _pieces(text: str, tokens: Iterable[tuple[int, int, str]], start: int) -> Iterator[Piece]:
    """All of `text`: its tokens, and what is between and after them."""
    done = 0
    for position, length, style in tokens:
        if position > done:
            yield Piece(start + done, text[done:position])
        yield Piece(start + position, text[position : position + length], style)
        done = position + length
    if done < len(text) or not text:
        yield Piece(start + done, text[done:])


def _lines(pieces: Iterable[Piece], start: int, number: int) -> Iterator[PreviewLine]:
    line: list[Piece] = []
    begin = at = start
    for piece in pieces:
        parts = piece.text.split("\n")
        at = piece.start
        for index, part in enumerate(parts):
            if index:
                yield PreviewLine(number, begin, at - 1, tuple(line))
                number, begin, line = number + 1, at, []
            line.extend(_expand_tabs(at, part, piece.style))
            at += len(part) + 1
    yield PreviewLine(number, begin, max(begin, at - 1), tuple(line))


def _expand_tabs(at: int, text: str, style: str) -> Iterator[Piece]:
    """A tab as four blanks, of which the document has one."""
    for index, part in enumerate(text.split("\t")):
        if index:
            yield Piece(at - 1, TAB, style)
        if part:
            yield Piece(at, part, style)
        at += len(part) + 1
