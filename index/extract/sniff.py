"""Which reader a file gets: by its name, unless its first bytes say that it is something else."""

from __future__ import annotations

import zipfile
from dataclasses import replace

from index import credentials
from index.errors import FileSkipped
from index.extract import formats
from index.extract.source import Source, refuse_larger
from index.types import Document

_MAGIC = ((b"%PDF-", "pdf"), (b"{\\rtf", "rtf"), (b"PK\x03\x04", "zip"), (b"\xd0\xcf\x11\xe0", "ole"))
_MEMBERS = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "sheet"), ("META-INF/container.xml", "epub"))
_PACKED = frozenset({"docx", "pptx", "sheet", "odf", "epub"})
_SEARCHED = 1024


def read(source: Source) -> Document:
    """The document in `source`; raises FileSkipped or FileFailed with the reason."""
    if source.size == 0:
        raise FileSkipped("It is empty.")
    form = _format(source)
    refuse_larger(source, form.max_bytes)
    document = form.reader()(source)
    if not document.text.strip():
        raise FileSkipped("It holds no text.")
    return _without_credentials(document)


def _format(source: Source) -> formats.Format:
    """The format of the name where the first bytes allow it, else that of the bytes, else plain text."""
    named = formats.by_name(source.name)
    head = source.head(_SEARCHED)
    kind = next((kind for mark, kind in _MAGIC if head.lstrip()[: len(mark)] == mark), "")
    if kind == "ole":
        return _old_office(source, named)
    if kind == "zip":
        return named if named and named.kind in _PACKED else _packed(source)
    if kind:
        return formats.by_kind(kind)
    if named is None or named.kind == "rtf" or (named.kind == "pdf" and b"%PDF" not in head):
        return formats.TEXT_FORMAT
    if named.kind in _PACKED and head.isascii() and b"\0" not in head:
        return formats.TEXT_FORMAT
    return named


def _packed(source: Source) -> formats.Format:
    """The format of a ZIP archive by what lies in it."""
    try:
        with zipfile.ZipFile(source.stream) as archive:
            names = archive.namelist()[:200]
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        names = []
    kind = next((kind for start, kind in _MEMBERS if any(name.startswith(start) for name in names)), "")
    return formats.by_kind(kind or "archive")


def _old_office(source: Source, named: formats.Format | None) -> formats.Format:
    """Only old workbooks are read among the formats that Office had before 2007."""
    if named is not None and source.suffix == ".xls":
        return named
    if named is not None and named.kind in _PACKED:
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
    raise FileSkipped("It is in a format of Office from before 2007.", "Save it as DOCX or PDF.")


def _without_credentials(document: Document) -> Document:
    found = credentials.credentials(document.text)
    if not found:
        return document
    line = document.text.count("\n", 0, found[0][0]) + 1
    note = (
        f"The text around {len(found)} credential{'s' if len(found) > 1 else ''} (line {line}) is left out."
    )
    return replace(document, withheld=tuple(found), note=f"{document.note} {note}".strip())
