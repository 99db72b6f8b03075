"""Evernote's exports (ENEX): each note under its title, its text as HTML.

Owns the elements of a note. A note is looked for by its tags and no tree is built: an export of years has
hundreds of megabytes, most of them pictures.
"""

from __future__ import annotations

import html
import re

from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder, mark
from index.extract.html import add_html
from index.extract.source import Source
from index.types import Document

_NOTE = re.compile(r"<note>|<note\s[^<>]*>")
_TITLE = re.compile(r"<title>([^<]{0,2000})</title>")
_CONTENT = re.compile(r"<content(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[)?")
_END = re.compile(r"\]\]>\s*</content>|</content>")
_SAID = re.compile(r"<(tag|author|source-url|created|file-name|recognition)>([^<]{1,2000})</\1>")
_SHOWN = {"tag": "Tags", "author": "Author", "source-url": "Source", "file-name": "Attachments"}


def read(source: Source) -> Document:
    """The notes of an export; pictures and other attachments are named and not read."""
    text = decode_text(source.content())
    builder = DocumentBuilder()
    starts = [found.start() for found in _NOTE.finditer(text)]
    line, at = 1, 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        if builder.full or source.past_deadline:
            builder.notes.append("Notes at the end of the export are not read.")
            break
        line += text.count("\n", at, start)
        at = start
        _add_note(builder, text, start, end, line)
    return builder.document("enex")


def _add_note(builder: DocumentBuilder, text: str, start: int, end: int, line: int) -> None:
    title = _TITLE.search(text, start, end)
    builder.open(1, mark(line) + (html.unescape(title[1]) if title else "(no title)"))
    content = _CONTENT.search(text, start, end)
    closed = _END.search(text, content.end(), end) if content else None
    body_end = closed.start() if closed else end
    if content:
        markup = text[content.end() : body_end]
        add_html(builder, markup if "<![CDATA[" in content.group() else html.unescape(markup), base_level=1)
    said: dict[str, list[str]] = {}
    for found in _SAID.finditer(text, body_end if content else start, end):
        if found[1] in _SHOWN:
            said.setdefault(_SHOWN[found[1]], []).append(html.unescape(found[2]).strip())
    builder.add("\n".join(f"{name}: {', '.join(values)}" for name, values in said.items()), "data")
