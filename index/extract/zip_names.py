"""ZIP archives that are no document: the names of what is in them; the contents stay closed."""

from __future__ import annotations

from index.extract.archive import Archive
from index.extract.document_builder import DocumentBuilder
from index.extract.source import Source
from index.types import Document

_MOST_NAMES = 2_000


def read(source: Source) -> Document:
    """A line for each file in the archive, in the order they are stored."""
    names = [name for name in Archive(source).names if not name.endswith("/")]
    builder = DocumentBuilder()
    for name in names[:_MOST_NAMES]:
        builder.add(name.replace("\n", " "), "row")
    builder.notes.append("Of an archive only the names of its files are read.")
    if len(names) > _MOST_NAMES:
        builder.notes.append(f"Only {_MOST_NAMES} of its {len(names)} names.")
    return builder.document("archive")
