"""Web pages saved with all that is in them: MHTML of browsers, web archives of Safari.

Owns finding the page and its frames; the pages are HTML.
"""

from __future__ import annotations

import plistlib
from email.message import EmailMessage
from typing import Any

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import codec_of
from index.extract.decode import decode_text
from index.extract.document_builder import DocumentBuilder
from index.extract.html import add_html
from index.extract.mail_headers import header
from index.extract.mail_message import BROKEN, parse_message, text_of, walked
from index.extract.source import Source
from index.types import Document

_MOST_FRAMES = 50
_SAFARI = b"bplist00"


def read(source: Source) -> Document:
    """A saved page with its frames; its title is the page's, else the subject it was saved under."""
    builder = DocumentBuilder()
    if source.head(len(_SAFARI)) == _SAFARI:
        title = _web_archive(builder, source.content())
    else:
        title = add_saved(builder, source.content())
    return builder.document("mhtml", title)


def add_saved(builder: DocumentBuilder, data: bytes) -> str:
    """Put a page saved as MHTML into `builder`; returns its title."""
    try:
        return _add_parts(builder, parse_message(data))
    except BROKEN:
        raise FileFailed("It is damaged: its headers cannot be made out.") from None


def _add_parts(builder: DocumentBuilder, message: EmailMessage) -> str:
    title = ""
    pages = 0
    for part in walked(message):
        if part.get_content_type() not in ("text/html", "application/xhtml+xml") or pages >= _MOST_FRAMES:
            continue
        pages += 1
        try:
            found = add_html(builder, text_of(part))
        except FileSkipped:
            continue
        title = title or found
    if not pages:
        for part in walked(message):
            if part.get_content_type() == "text/plain":
                builder.add(text_of(part))
    return title or header(message, "Subject")


def _web_archive(builder: DocumentBuilder, data: bytes) -> str:
    try:
        archive: dict[str, Any] = plistlib.loads(data)
        frames = [archive, *archive.get("WebSubframeArchives", [])][:_MOST_FRAMES]
        titles = [_add_frame(builder, frame["WebMainResource"]) for frame in frames]
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError):
        raise FileFailed("It is damaged or no web archive.") from None
    return titles[0]


def _add_frame(builder: DocumentBuilder, resource: dict[str, Any]) -> str:
    data, charset = resource["WebResourceData"], str(resource.get("WebResourceTextEncodingName") or "")
    return add_html(builder, decode_text(bytes(data), charset if codec_of(charset) else ""))
