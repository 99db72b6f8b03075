"""Rich Text Format, through striprtf."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from index.errors import FileFailed
from index.extract.document_builder import DocumentBuilder
from index.extract.source import Source
from index.types import Document

_TITLE = re.compile(rb"\{\\title ([^{}\\]{3,200})\}")
_PICTURE = re.compile(rb"(?:[0-9a-fA-F]{60,}\s*){2,}")
"""Runs of hexadecimal lines are pictures; without them the parser's work stays in proportion to the text."""
_ESCAPED = re.compile(r"\\'([0-9a-fA-F]{2})")
_DESTINATION = re.compile(
    r"\{\\(?:\*|(?:fonttbl|colortbl|stylesheet|info|pict|listtable|listoverridetable|object)(?![a-z]))"
    r"(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+\})*+\}"
)
_LINK = re.compile(
    r"\{\\field\{\s{0,4}+\\\*\\fldinst\{[^{}\n\"]{0,99}+(?P<url>\"[^{}\"\n]{1,999}+\")[^{}\n]{0,99}+\}{2}+"
    r"\s{0,4}+\{[^\n}]{0,999}+\}{2,3}+",
    re.IGNORECASE,
)
"""A field that shows words and leads to an address; what it may hold is bounded."""
_LINK_WORD = re.compile(r"HYPER(?=LINK)", re.IGNORECASE)
_FONT_TABLE = re.compile(r"\{[^{}]*\\fonttbl")
_BRACE = re.compile(r"[{}]")
_FONT = re.compile(r"\\f(?P<font>\d{1,6})(?!\d)|\\fcharset(?P<charset>\d{1,3})(?!\d)")
_PARAGRAPH = re.compile(r"\\(?:par|line|row|cell|sect)\b ?")
_CONTROL = re.compile(r"\\[a-zA-Z]+-?\d* ?|\\.|[{}]")
_BINARY = re.compile(rb"\\bin\d+ ?")


def read(source: Source) -> Document:
    """An RTF document, a paragraph a block; its title is its properties'."""
    data = source.content()
    if not data.lstrip()[:5].startswith(b"{\\rt"):
        raise FileFailed("It is no RTF: it does not begin like one.")
    markup = _BINARY.sub(b"", _PICTURE.sub(b"", data)).decode("latin-1")
    text = _parsed(markup) or _bare(markup)
    builder = DocumentBuilder()
    for line in text.split("\n"):
        builder.add(line.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    named = _TITLE.search(data[:20_000])
    return builder.document("rtf", named[1].decode("cp1252", "replace") if named else "")


def _parsed(markup: str) -> str:
    """The text as striprtf reads it; empty where it loses its place."""
    try:
        simple = _with_simple_fonts(_with_addresses(markup))
        text: str = rtf_to_text(simple, encoding="cp1252", errors="ignore")  # type: ignore[no-untyped-call]
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return ""
    return text if text.strip() else ""


def _with_addresses(markup: str) -> str:
    """Behind each link its address, so that striprtf need not look for them: that takes the cube of a line.

    A line end inside a word keeps it from finding any; RTF has no meaning for line ends.
    """
    if "link" not in markup.lower():
        return markup
    linked = _LINK.sub(lambda found: f"{found.group()}({found['url']})", markup)
    return _LINK_WORD.sub("HYPER\n", linked)


def _with_simple_fonts(markup: str) -> str:
    """The font table with nothing but each font's character set: striprtf goes through it again and again."""
    begin = _FONT_TABLE.search(markup)
    if begin is None:
        return markup
    depth, end = 1, len(markup)
    for brace in _BRACE.finditer(markup, begin.end()):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            end = brace.end()
            break
    charsets: dict[str, str] = {}
    font = ""
    for found in _FONT.finditer(markup, begin.end(), end):
        font = found["font"] or font
        charsets[font] = found["charset"] or charsets.get(font, "0")
    fonts = "".join(f"{{\\f{font}\\fcharset{charset} x;}}" for font, charset in charsets.items() if font)
    return f"{markup[: begin.start()]}{{\\fonttbl{fonts}}}{markup[end:]}"


def _bare(markup: str) -> str:
    """The words between control words, for files in which the parser loses its place."""
    text = _DESTINATION.sub(
        "", _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]).decode("cp1252", "ignore"), markup)
    )
    text = _PARAGRAPH.sub("\n\n", text.replace("\n", ""))
    return _CONTROL.sub("", text)
