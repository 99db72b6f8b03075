"""Which reader a file gets: by its name, unless its first bytes say that it is something else."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from index import kinds
from index.errors import FileSkipped
from index.extract import content_kind, ole
from index.extract.no_language import without_data
from index.extract.source import Source, refuse_larger
from index.extract.withhold import refuse_export, withhold_credentials
from index.kinds import Kind
from index.languages import language_of_script, language_of_text
from index.types import Document

_MAGIC = (
    *((kind.magic, kind.name) for kind in kinds.KINDS if kind.magic),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (ole.MAGIC, "ole"),
    (b"\x1f\x8b\x08", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"\x78\x9f\x3e\x22", "mail"),  # TNEF: Outlook's winmail.dat
)
_PACKED = frozenset({*(kind.name for kind in kinds.KINDS if kind.member), "odt", "odp", "odg"})
"""Kinds that are ZIP archives inside."""
_BY_CONTENT = frozenset({*_PACKED, "archive", "text", "mbox", "mhtml", "mail", "rtf", "html"})
"""Kinds whose name is not trusted where the beginning of the text says something else."""
_COMPOUND = (".xls", ".doc", ".ppt", ".pps", ".dot", ".pot", ".xlt", ".msg", ".oft")
"""Suffixes of files that are compound files inside."""
_OPEN_DOCUMENTS = (
    (b"opendocument.spreadsheet", "sheet"),
    (b"opendocument.presentation", "odp"),
    (b"opendocument.graphics", "odg"),
    (b"opendocument.text", "odt"),
)
_SEARCHED = 4096
_TAR_MAGIC = slice(257, 262)


def read(source: Source) -> Document:
    """The document in `source`, its credentials marked; raises FileSkipped or FileFailed with the reason."""
    document = without_data(withhold_credentials(_note_bad_bytes(extract(source))))
    return _require_text(document, "It holds data, and no text.")


def _require_text(document: Document, reason: str) -> Document:
    """The document; raises FileSkipped with the reason where it has no text and its kind mostly has."""
    if document.text.strip() or document.scans or kinds.named(document.kind).textless:
        return document
    raise FileSkipped(reason)


def _note_bad_bytes(document: Document) -> Document:
    """The document with a note on what stands for bytes that are no character."""
    unknown = document.text.count("\ufffd")
    if not unknown:
        return document
    note = f"{unknown:,} of its characters cannot be read in its encoding (U+FFFD)."
    return replace(document, note=f"{document.note} {note}".strip())


def extract(source: Source) -> Document:
    """The document in `source` as its reader gives it; raises FileSkipped or FileFailed with the reason."""
    if source.size == 0:
        raise FileSkipped("It is empty.")
    kind = _kind(source)
    refuse_larger(source, kind.max_bytes)
    refuse_export(kind.name, source.head(_SEARCHED))
    return _require_text(_reader(kind)(source), "It holds no text.")


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
        return kinds.named(ole.kind_of(source))
    if found == "zip":
        inside = _kind_of_zip(source)
        return named if named and named.name in _PACKED and inside.name == "archive" else inside
    if found or head[_TAR_MAGIC] == b"ustar":
        return kinds.named(found or "archive")
    if source.suffix == ".mm" and not _begins_with_a_tag(head):
        return kinds.named("code")  # Objective-C++, and no mind map of FreeMind
    if named is not None and named.name not in _BY_CONTENT and source.suffix != ".xml":
        return kinds.named("text") if named.name == "pdf" and b"%PDF" not in head else named
    if recognized := content_kind.of_beginning(head):
        return kinds.named(recognized)
    return _otherwise(source, named, head)


def _otherwise(source: Source, named: Kind | None, head: bytes) -> Kind:
    """The kind of a file whose beginning says nothing; text under the name of what is packed is text."""
    if named is None and head.startswith(b"#!") and language_of_script(_first_line(head)).name:
        return kinds.named("code")
    if named is None and language_of_text(head.decode("utf-8", "replace")).name:
        return kinds.named("code")
    if named is None or named.name in ("rtf", "archive"):
        return kinds.named("text")
    if named.name in _PACKED and b"\0" not in head:
        return kinds.named("csv" if named.name == "sheet" and b"\n" in head else "text")
    return named


def _first_line(head: bytes) -> str:
    return head.partition(b"\n")[0].decode("utf-8", "replace")


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
    if source.suffix in _COMPOUND and magic == "ole":
        return True
    if kind.name in _PACKED:
        return magic == "zip"
    if kind.name == "archive":
        return magic in ("zip", "archive") or head[_TAR_MAGIC] == b"ustar"
    if kind.magic:
        return magic == kind.name
    return not magic and b"\0" not in head and not head.startswith((b"#!", b"MZ"))


def _kind_of_zip(source: Source) -> Kind:
    """The kind of a ZIP archive by its members: OpenDocument says it in one, others by their names."""
    try:
        with zipfile.ZipFile(source.stream) as archive:
            names = archive.namelist()[:200]
            said = _mimetype(archive) if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError):
        names, said = [], b""
    if kind := next((kind for word, kind in _OPEN_DOCUMENTS if word in said), ""):
        return kinds.named(kind)
    if any(name.endswith(".iwa") for name in names):
        return kinds.named("iwork")
    packed = (kind for kind in kinds.KINDS if kind.member)
    found = (kind for kind in packed if any(name.startswith(kind.member) for name in names))
    return next(found, kinds.named("archive"))


def _mimetype(archive: zipfile.ZipFile) -> bytes:
    with archive.open("mimetype") as stream:
        return stream.read(200)


def _begins_with_a_tag(head: bytes) -> bool:
    """Whether markup begins here, in UTF-8, UTF-16 or a superset of ASCII."""
    return head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")
