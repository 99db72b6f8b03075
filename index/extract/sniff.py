"""Which reader a file gets: by its name, unless its first bytes say that it is something else."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from index import kinds
from index.errors import FileSkipped
from index.extract.source import Source, refuse_larger
from index.extract.withhold import refuse_export, withhold_credentials
from index.kinds import Kind
from index.types import Document

_MAGIC = (
    *((kind.magic, kind.name) for kind in kinds.KINDS if kind.magic),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0", "ole"),
)
_PACKED = frozenset({*(kind.name for kind in kinds.KINDS if kind.member), "odt", "odp"})
"""Kinds that are ZIP archives inside."""
_SEARCHED = 1024


def read(source: Source) -> Document:
    """The document in `source`; raises FileSkipped or FileFailed with the reason."""
    if source.size == 0:
        raise FileSkipped("It is empty.")
    kind = _kind(source)
    refuse_larger(source, kind.max_bytes)
    refuse_export(kind.name, source.head(_SEARCHED))
    document = _reader(kind)(source)
    if not document.text.strip():
        raise FileSkipped("It holds no text.")
    return withhold_credentials(_noted(document))


def _noted(document: Document) -> Document:
    """The document with a note on what stands for bytes that are no character."""
    unknown = document.text.count("\ufffd")
    if not unknown:
        return document
    note = f"{unknown:,} of its characters cannot be read in its encoding (U+FFFD)."
    return replace(document, note=f"{document.note} {note}".strip())


def _reader(kind: Kind) -> Callable[[Source], Document]:
    """The function that reads a kind, imported now: a child reads few kinds."""
    read: Callable[[Source], Document] = import_module(f"index.extract.{kind.reader}").read
    return read


def _kind(source: Source) -> Kind:
    """The kind of the name where the first bytes allow it, else that of the bytes, else plain text."""
    named = kinds.of_file_name(source.name)
    head = source.head(_SEARCHED)
    found = _by_magic(head)
    if found == "ole":
        return _old_office(source, named)
    if found == "zip":
        return named if named and named.name in _PACKED else _packed(source)
    if found:
        return kinds.named(found)
    if named is None or named.name == "rtf" or (named.name == "pdf" and b"%PDF" not in head):
        return kinds.named("text")
    if named.name in _PACKED and head.isascii() and b"\0" not in head:
        return kinds.named("text")
    return named


def _by_magic(head: bytes) -> str:
    head = head.lstrip()
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def content_matches_name(source: Source) -> bool:
    """Whether the first bytes are those of the kind that the name says: stricter than what is read as one.

    Systems that go by content would take a file for something else where they are not.
    """
    kind = kinds.of_file_name(source.name)
    if kind is None:
        return False
    head = source.head(_SEARCHED)
    magic = _by_magic(head)
    if kind.name in _PACKED or kind.name == "archive":
        return magic == "zip" or (magic == "ole" and source.suffix == ".xls")
    if kind.magic:
        return magic == kind.name
    return not magic and b"\0" not in head and not head.startswith((b"#!", b"MZ"))


def _packed(source: Source) -> Kind:
    """The kind of a ZIP archive by the names of its members."""
    try:
        with zipfile.ZipFile(source.stream) as archive:
            names = archive.namelist()[:200]
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        names = []
    packed = (kind for kind in kinds.KINDS if kind.member)
    found = (kind for kind in packed if any(name.startswith(kind.member) for name in names))
    return next(found, kinds.named("archive"))


def _old_office(source: Source, named: Kind | None) -> Kind:
    """Only old workbooks are read among the formats that Office had before 2007."""
    if named is not None and source.suffix == ".xls":
        return named
    if named is not None and named.name in _PACKED:
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
    raise FileSkipped("It is in a format of Office from before 2007.", "Save it as DOCX or PDF.")
