"""Comma, semicolon, tab and bar separated values in text files."""

from __future__ import annotations

from index.extract.decode import decode
from index.extract.document_builder import DocumentBuilder
from index.extract.sheets import read_delimited
from index.extract.source import Source
from index.types import Document


def read(source: Source) -> Document:
    """A table of text; each row carries the names of its columns."""
    builder = DocumentBuilder()
    read_delimited(decode(source.content()), builder)
    return builder.document("csv")
