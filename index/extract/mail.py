"""Mail: one message in a file, as mail programs write it, or as Outlook does."""

from __future__ import annotations

import re
from importlib import import_module

from index.errors import FileFailed
from index.extract.document_builder import DocumentBuilder
from index.extract.mail_message import add_message
from index.extract.ole import MAGIC
from index.extract.source import Source
from index.types import Document

_HEADER = re.compile(rb"^[A-Za-z][A-Za-z0-9-]{1,40}:", re.MULTILINE)
_TNEF = b"\x78\x9f\x3e\x22"


def read(source: Source) -> Document:
    """One message: EML, Apple Mail's EMLX, which counts its bytes in the first line, MSG or winmail.dat."""
    if source.head(4) in (MAGIC[:4], _TNEF):
        document: Document = import_module("index.extract.outlook").read(source)
        return document
    data = source.content()
    first, _, rest = data.partition(b"\n")
    if first.strip().isdigit():
        data = rest[: int(first.strip()[:12])]
    if not _HEADER.search(data[:4096]):
        raise FileFailed("It is no message: it has no header.")
    builder = DocumentBuilder()
    subject = add_message(builder, data, source)
    return builder.document("mail", subject)
