"""Rich Text Format, through striprtf."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from index.errors import FileFailed
from index.extract.document_builder import Builder
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
_FONTS_END = re.compile(r"\\(?:colortbl|stylesheet|info|pard)")
_MOST_FONT_WORDS = 100
"""Control words a font may have: striprtf looks for the end of a font from each of them."""
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
    builder = Builder()
    for line in text.split("\n"):
        builder.add(line.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    named = _TITLE.search(data[:20_000])
    return builder.document("rtf", named[1].decode("cp1252", "replace") if named else "")


def _parsed(markup: str) -> str:
    """The text as striprtf reads it; empty where it loses its place, or would look for it too long."""
    fonts = _FONTS_END.split(markup.partition("\\fonttbl")[2], maxsplit=1)[0]
    named = min(fonts.count("\\fcharset"), fonts.count(";"))
    if fonts.count("\\f") > _MOST_FONT_WORDS * (1 + named):
        return ""
    try:
        text: str = rtf_to_text(markup, encoding="cp1252", errors="ignore")  # type: ignore[no-untyped-call]
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return ""
    return text if text.strip() else ""


def _bare(markup: str) -> str:
    """The words between control words, for files in which the parser loses its place."""
    text = _DESTINATION.sub(
        "", _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]).decode("cp1252", "ignore"), markup)
    )
    text = _PARAGRAPH.sub("\n\n", text.replace("\n", ""))
    return _CONTROL.sub("", text)
