"""What a file of text says it is in its first lines, whatever its name: mail, mailbox, web page, office XML.

Owns the signs that no byte at the beginning gives. Knows no reader and no name of a file.
"""

from __future__ import annotations

import re

_BLANK = b" \t\r\n\xef\xbb\xbf"
MAILBOX_LINE = re.compile(
    rb"From \S+\s*$|From (?:-|\S+|.{1,200}? at \S+)\s+(?:\([^)\n]{0,99}\)\s*)?"
    rb"(?:[A-Z][a-z]{2},?\s+)?(?:[A-Z][a-z]{2}\s+\d{1,2}|\d{1,2}\s+[A-Z][a-z]{2})\b[^\n]*\d\d:\d\d"
)
"""The line that begins a message of a mailbox: an address, mostly a day and a time (RFC 4155, mbox(5))."""
_HEADER_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9-]{1,60}:")
_MAIL_HEADER = re.compile(
    rb"^(from|to|subject|date|message-id|received|return-path|delivered-to|mime-version|content-type"
    rb"|reply-to|x-mozilla-status|x-priority|envelope-to|dkim-signature|snapshot-content-location):",
    re.IGNORECASE | re.MULTILINE,
)
_SAVED_PAGE = re.compile(
    rb"^snapshot-content-location:|^from:[^\n]*<saved by|^content-type:\s*multipart/related", re.I | re.M
)
_HTML = re.compile(
    rb"(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta\s|frameset)",
    re.IGNORECASE | re.DOTALL,
)
_SVG = re.compile(rb"(?:<[?!][^<]{0,2000}>\s*)*<svg[\s>]")
_MANUAL = re.compile(rb"[.']\\\"|\.(?:TH|Dd)\s|\.so man\d")
"""How a manual page begins: with a comment of roff, a title, or the name of another page."""
_CARDS = {b"BEGIN:VCARD": "contacts", b"BEGIN:VCALENDAR": "calendar"}
_OFFICE_XML = (
    (b"urn:oasis:names:tc:opendocument", b"opendocument.spreadsheet", "sheet"),
    (b"urn:oasis:names:tc:opendocument", b"opendocument.presentation", "odp"),
    (b"urn:oasis:names:tc:opendocument", b"opendocument.graphics", "odg"),
    (b"urn:oasis:names:tc:opendocument", b"opendocument.text", "odt"),
    (b"urn:schemas-microsoft-com:office:spreadsheet", b"Workbook", "sheet"),
    (b"schemas.microsoft.com/office/word/2003/wordml", b"", "docx"),
    (b"schemas.microsoft.com/office/2006/xmlPackage", b"word", "docx"),
)
"""What flat XML of an office program holds at its beginning, and the kind it is of."""


def of_beginning(head: bytes) -> str:
    """The kind that the beginning of a file of text is the beginning of; empty where it is that of none."""
    text = _narrow(head).lstrip(_BLANK)
    if text.startswith(b"<"):
        return _of_markup(text)
    first, _, rest = text.partition(b"\n")
    if kind := _CARDS.get(first.strip().upper()):
        return kind
    if _MANUAL.match(first):
        return "man"
    if MAILBOX_LINE.match(first) and _HEADER_LINE.match(rest):
        return "mbox"
    return _of_headers(text)


def _narrow(head: bytes) -> bytes:
    """The ASCII of text in UTF-16, and all of other text."""
    return head.replace(b"\0", b"")[2:] if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head


def _of_markup(text: bytes) -> str:
    if b"<en-export" in text:
        return "enex"
    for space, word, kind in _OFFICE_XML:
        if space in text and word in text:
            return kind
    if _SVG.match(text):
        return "svg"
    return "html" if _HTML.match(text) else ""


def _of_headers(text: bytes) -> str:
    """Mail, or a page saved as mail, where the text begins with the headers of one."""
    headers = re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0]
    lines = headers.splitlines()
    if not lines or not all(_HEADER_LINE.match(line) or line[:1] in b" \t" for line in lines[:-1]):
        return ""
    names = {found[1].lower() for found in _MAIL_HEADER.finditer(headers)}
    if len(names) < 3 or not names & {b"mime-version", b"received", b"message-id", b"date", b"return-path"}:
        return ""
    page = b"snapshot-content-location" in names or (b"received" not in names and b"to" not in names)
    return "mhtml" if page and _SAVED_PAGE.search(headers) else "mail"
