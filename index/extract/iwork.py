"""Apple's Pages, Numbers and Keynote: the text of a document, wherever in it.

Owns the two formats: since 2013 an archive of messages (IWA: Snappy blocks of Protocol Buffers), before that
one file of XML. Apple publishes neither; the numbers of messages and fields are those that
github.com/obriensp/iWorkFileFormat gives. Layout is not read: texts come in the order of storage.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from index.errors import FileFailed, FileSkipped
from index.extract.archive import Archive, nearest_elements, parse_xml
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.source import MEBIBYTE, Source, from_bytes
from index.types import Document

_TEXT_STORAGE = frozenset({2001, 2005})
_TABLE_STRINGS = 6005
_COMMENT, _AUTHOR, _SHEET, _DESCRIBED = 3056, 212, 2, frozenset({3002, 3004, 3005})
_OLD = ("index.xml", "index.xml.gz", "index.apxl", "index.apxl.gz")
_MOST_OLD = 96 * MEBIBYTE
_MOST_UNPACKED = 64 * MEBIBYTE
_MOST_FIELDS = 2_000_000
_MARKS = re.compile("[\ufffc\u2028\u2029\x00-\x08\x0e-\x1f]+")
_OLD_BLOCKS, _OLD_DROPPED = ("p", "ct", "title"), ("stylesheet", "prototype-layouts", "stylesheet-ref")


def read(source: Source) -> Document:
    """A document of Pages, Numbers or Keynote."""
    archive = Archive(source)
    old = next((name for name in _OLD if archive.has(name)), "")
    builder = DocumentBuilder()
    if old:
        _add_old(builder, archive, old)
    else:
        _add_messages(builder, archive, source)
    return builder.document("iwork", source.name.rpartition(".")[0])


def _add_messages(builder: DocumentBuilder, archive: Archive, source: Source) -> None:
    names = sorted(name for name in archive.names if name.endswith(".iwa"))
    packed = next((name for name in archive.names if name.rpartition("/")[2] == "Index.zip"), "")
    if not names and packed:
        archive = Archive(from_bytes(archive.member(packed), "Index.zip"))
        names = sorted(name for name in archive.names if name.endswith(".iwa"))
    if not names:
        if any(name.rpartition("/")[2] == ".iwpv2" or name.endswith(".iwph") for name in archive.names):
            raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
        raise FileFailed("It is no document of Pages, Numbers or Keynote.")
    seen: set[str] = set()
    for name in sorted(names, key=_order):
        if builder.full or source.past_deadline:
            builder.notes.append("Parts of it are not read.")
            return
        try:
            for words in _texts(_unpack_iwa(archive.member(name))):
                _add(builder, words, seen)
        except (EOFError, IndexError):
            builder.notes.append("A part of it is damaged and not read to its end.")


def _order(name: str) -> tuple[int, int, str]:
    """The document's own text, then slides and tables by their numbers."""
    base = name.rpartition("/")[2]
    number = re.search(r"(\d+)", base)
    return (0 if base.startswith("Document") else 1, int(number[1][:9]) if number else 0, base)


def _add(builder: DocumentBuilder, words: str, seen: set[str]) -> None:
    """The paragraphs of a text; a short one in many places, once."""
    for paragraph in words.split("\n"):
        bare = one_line(_MARKS.sub(" ", paragraph))
        if bare and (len(bare) > 200 or bare not in seen):
            seen.add(bare)
            builder.add(bare)


def _texts(data: bytes) -> Iterator[str]:
    """The texts in a stream of messages: each has a header that gives its type and length."""
    stream = _Fields(data)
    while stream.left:
        header = _Fields(stream.take(stream.varint()))
        for number, value in header.fields():
            if number == 2 and isinstance(value, bytes):
                info = dict(_Fields(value).fields())
                kind, size = info.get(1, 0), info.get(3, 0)
                body = stream.take(size if isinstance(size, int) else 0)
                if isinstance(kind, int):
                    yield from _of_message(kind, body)


def _of_message(kind: int, body: bytes) -> Iterator[str]:
    if kind in _TEXT_STORAGE:
        parts = [value for number, value in _Fields(body).fields() if number == 3]
        yield "".join(_string(part) for part in parts if isinstance(part, bytes))
    elif kind == _TABLE_STRINGS:
        for number, entry in _Fields(body).fields():
            if number == 3 and isinstance(entry, bytes):
                yield from _strings(entry, 3)
    elif kind in (_COMMENT, _SHEET):
        yield from _strings(body, 1)


def _strings(message: bytes, field: int) -> Iterator[str]:
    """The values of a field that is text."""
    for number, value in _Fields(message).fields():
        if number == field and isinstance(value, bytes):
            yield _string(value)


def _string(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ""


class _Fields:
    """Protocol Buffers without a description: numbers of fields and their values."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise EOFError
        self._at += size
        return self._data[self._at - size : self._at]

    def varint(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise EOFError

    def fields(self) -> Iterator[tuple[int, int | bytes]]:
        for _ in range(_MOST_FIELDS):
            if not self.left:
                return
            key = self.varint()
            match key & 7:
                case 0:
                    yield key >> 3, self.varint()
                case 1:
                    yield key >> 3, self.take(8)
                case 2:
                    yield key >> 3, self.take(self.varint())
                case 5:
                    yield key >> 3, self.take(4)
                case _:
                    return


def _unpack_iwa(data: bytes) -> bytes:
    """The blocks of an IWA file, each with its length in three bytes, packed with Snappy."""
    out = bytearray()
    at = 0
    while at + 4 <= len(data) and len(out) < _MOST_UNPACKED:
        size = int.from_bytes(data[at + 1 : at + 4], "little")
        block = data[at + 4 : at + 4 + size]
        out += _snappy(block) if data[at] == 0 else block
        at += 4 + size
    return bytes(out)


def _snappy(block: bytes) -> bytes:
    """One block (github.com/google/snappy, format_description.txt): literals, and copies of earlier bytes."""
    reader = _Fields(block)
    size = reader.varint()
    out = bytearray()
    while reader.left and len(out) < min(size, _MOST_UNPACKED):
        tag = reader.take(1)[0]
        length, kind = tag >> 2, tag & 3
        if kind == 0:
            if length >= 60:
                length = int.from_bytes(reader.take(length - 59), "little")
            out += reader.take(length + 1)
            continue
        if kind == 1:
            length, offset = (length & 7) + 4, tag >> 5 << 8 | reader.take(1)[0]
        else:
            length, offset = length + 1, int.from_bytes(reader.take(2 if kind == 2 else 4), "little")
        if not 0 < offset <= len(out):
            raise EOFError
        for _ in range(length) if offset < length else ():
            out.append(out[-offset])
        if offset >= length:
            start = len(out) - offset
            out += out[start : start + length]
    return bytes(out)


def _add_old(builder: DocumentBuilder, archive: Archive, name: str) -> None:
    """The paragraphs of iWork '09."""
    data = archive.member(name)
    if name.endswith(".gz"):
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(_MOST_OLD + 1)
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile):
            raise FileFailed("It is damaged: its text cannot be unpacked.") from None
    if len(data) > _MOST_OLD:
        raise FileFailed(f"{name} in it unpacks to more than {_MOST_OLD // MEBIBYTE} MB.")
    for block in nearest_elements(parse_xml(data), _OLD_BLOCKS, _OLD_DROPPED):
        if block.tag == "ct":
            builder.add(block.get("s") or block.get("cell-text") or "")
        else:
            builder.add("".join(block.itertext()))
