"""Markdown in a preview: marks of syntax gone, their meaning as style.

A line at a time, so that each shown character keeps its place in the document; what spans lines
(fences, front matter) is a state from line to line. Knows nothing of colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.tui.styled_lines import Piece, PreviewLine, split_lines

QUOTE_MARK = "▏"
"""Before a quotation, in the preview."""
LONGEST_STYLED = 2000
"""Characters of a line beyond which it is shown as it is: its inline syntax would cost too much."""

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6})\s+")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])(\s+)(\[[ xX]\]\s)?")
_QUOTE = re.compile(r"\s*(?:>\s?)+(?:\[![\w-]+\][+-]?)?")
_RULE = re.compile(r"\s*(?:-\s*){3,}$|\s*(?:\*\s*){3,}$|\s*(?:_\s*){3,}$")
_TABLE_RULE = frozenset("|-: \t")
"""What the line between a table's head and its body consists of."""
_INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>[^`]+)(?P=ticks)"
    r"|!?\[\[(?P<target>[^\]\[|]+)(?:\|(?P<alias>[^\]\[]+))?\]\]"
    r"|(?P<image>!?)\[(?P<label>[^\]\[]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)"
    r"|(?P<strong>\*\*|__)(?=\S)(?P<bold>.+?)(?<=\S)(?P=strong)"
    r"|(?P<lit>==)(?=\S)(?P<marked>[^=]+)=="
    r"|(?<![\w*])(?P<emphasis>[*_])(?=[^\s*_])(?P<italic>[^*_]+)(?P=emphasis)(?![\w*])"
    r"|(?P<url>https?://[^\s<>)\]]+)"
)
_CAPTURES = {"code": "code", "target": "link", "alias": "link", "label": "link", "bold": "strong",
             "marked": "strong", "italic": "emphasis", "url": "link"}  # fmt: skip


def markdown_lines(text: str, start: int, number: int) -> list[PreviewLine]:
    """Lines of a Markdown document or of a stretch of one."""
    lines: list[PreviewLine] = []
    fence = ""
    front = number == 1 and text.startswith("---\n")
    for count, at, line in split_lines(text, start, number):
        opened = _FENCE.match(line)
        if front:
            lines.append(_whole(count, at, line, "faint"))
            front = count == 1 or line.rstrip() != "---"
        elif opened and (not fence or opened[1].startswith(fence)):
            fence = "" if fence else opened[1]
            lines.append(_whole(count, at, line, "faint"))
        elif fence or len(line) > LONGEST_STYLED:
            lines.append(_whole(count, at, line, "code" if fence else ""))
        else:
            pieces, hang = _block(line, at)
            lines.append(PreviewLine(count, at, at + len(line), tuple(pieces), hang))
    return lines


def _whole(number: int, at: int, line: str, style: str) -> PreviewLine:
    return PreviewLine(number, at, at + len(line), (Piece(at, line, style),) if line else ())


def _block(line: str, at: int) -> tuple[list[Piece], int]:
    """Pieces of a line outside fences, and how far it stands out to the left."""
    if heading := _HEADING.match(line):
        level = len(heading[1])
        return list(_inline(line, heading.end(), at, "title" if level == 1 else "heading")), 0
    if _RULE.match(line) or ({"|", "-"} <= set(line) <= _TABLE_RULE):
        return [Piece(at, line, "faint")], 0
    if item := _ITEM.match(line):
        return _item(line, at, item)
    if quote := _QUOTE.match(line):
        mark = Piece(at, f"{QUOTE_MARK} "[: quote.end() + 1], "quote")
        return [mark, *_inline(line, quote.end(), at, "quote")], 2
    return list(_inline(line, 0, at, "")), 0


def _item(line: str, at: int, item: re.Match[str]) -> tuple[list[Piece], int]:
    mark = "•" if item[2] in "-*+" else item[2]
    if item[4]:
        mark = "☐" if item[4][1] == " " else "☑"
    lead = item[1] + mark + " "
    pieces = [Piece(at, item[1]), Piece(at + item.start(2), mark, "bullet"), Piece(at + item.end(3) - 1, " ")]
    return [*pieces, *_inline(line, item.end(), at, "")], len(lead)


def _inline(line: str, begin: int, at: int, style: str, end: int | None = None) -> Iterator[Piece]:
    """Pieces of `line[begin:end]`, what emphasizes or links left out."""
    end = len(line) if end is None else end
    position = begin
    for found in _INLINE.finditer(line, begin, end):
        if position < found.start():
            yield Piece(at + position, line[position : found.start()], style)
        yield from _capture_pieces(found, line, at, style)
        position = found.end()
    if position < end:
        yield Piece(at + position, line[position:end], style)


def _capture_pieces(found: re.Match[str], line: str, at: int, style: str) -> Iterator[Piece]:
    names = [name for name in _CAPTURES if found[name]]
    if not names:
        return
    name = "alias" if "alias" in names else names[0]
    begin, end = found.span(name)
    if name == "bold":
        yield from _inline(line, begin, at, style or "strong", end)
    else:
        kept = style if style in ("title", "heading") and name != "code" else _CAPTURES[name]
        yield Piece(at + begin, line[begin:end], "faint" if found["image"] else kept)
