"""Which reader a file gets: by its name, else by what its first bytes are."""

from __future__ import annotations

from dataclasses import replace

from index import secrets
from index.errors import FileSkipped
from index.extract import registry
from index.extract.source import Source, refuse_larger
from index.types import Document


def read(source: Source) -> Document:
    """The document in `source`; raises FileSkipped or FileFailed with the reason."""
    if source.size == 0:
        raise FileSkipped("It is empty.")
    format = registry.by_name(source.name) or _by_content(source)
    refuse_larger(source, format.max_bytes)
    document = format.reader()(source)
    if not document.text.strip():
        raise FileSkipped("It holds no text.")
    return _without_credentials(document)


def _without_credentials(document: Document) -> Document:
    found = secrets.credentials(document.text)
    if not found:
        return document
    line = document.text.count("\n", 0, found[0][0]) + 1
    note = f"The text around {len(found)} credential{'s' if len(found) > 1 else ''} (line {line}) is left out."
    return replace(document, withheld=tuple(found), note=f"{document.note} {note}".strip())


def _by_content(source: Source) -> registry.Format:
    return registry.TEXT_FORMAT
