"""Archives that are no document: ZIP, TAR, 7z, and single files packed with gzip, bzip2 or xz.

Owns going through members within limits: all are named, those of kinds that are read are read. What a member
is and how much may be read of all of them is `inside`'s.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import BinaryIO, NamedTuple, cast

from index.errors import FileFailed, FileSkipped
from index.extract import content_kind, man
from index.extract.archive import Archive
from index.extract.document_builder import DocumentBuilder
from index.extract.inside import LARGEST, Inside, name_shown
from index.extract.seven_zip import seven_zip_members
from index.extract.source import MEBIBYTE, Source, member
from index.types import Document

_MOST_NAMES = 2_000
_MOST_MEMBERS = 100_000
_MOST_UNPACKED = 2048 * MEBIBYTE
_SMALL = 64 * MEBIBYTE
_MOST_GROWTH = 400
"""How many times its packed size a stream of more than `_SMALL` may have."""
_TAR_MAGIC = slice(257, 262)
_BLOCK = 65_536
_SEARCHED = 4096
_STREAMS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda packed: cast("BinaryIO", gzip.GzipFile(fileobj=packed)),
    b"BZh": lambda packed: cast("BinaryIO", bz2.BZ2File(packed)),
    b"\xfd7zXZ": lambda packed: cast("BinaryIO", lzma.LZMAFile(packed)),  # noqa: SIM115
}
_DAMAGED = (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError)


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int
    content: Callable[[], bytes]


def read(source: Source) -> Document:
    """The names of the files in it, then what those hold that are read, each under its name."""
    if page := _manual_page(source):
        return page
    builder = DocumentBuilder()
    names: list[str] = []
    contents = DocumentBuilder()
    inside = Inside(source, contents, 1)
    try:
        for member in _members(source):
            if len(names) >= _MOST_MEMBERS or source.past_deadline:
                builder.notes.append(f"Members after the {len(names)}th are not read.")
                break
            names.append(name_shown(member.name))
            inside.add(*member)
    except _DAMAGED:
        if not names:
            raise FileFailed("It is damaged: its members cannot be found.") from None
        builder.notes.append(f"It is damaged after its {len(names)}th member.")
    inside.close()
    for name in names[:_MOST_NAMES]:
        builder.add(name, "row")
    if len(names) > _MOST_NAMES:
        builder.notes.append(f"Only {_MOST_NAMES} of its {len(names)} names.")
    builder.notes += contents.notes
    builder.include(contents.document("archive"))
    return builder.document("archive", source.name)


def _manual_page(source: Source) -> Document | None:
    """A manual page that is packed for itself, as they are installed; None for anything else."""
    try:
        stream = _open_packed(source)
        if stream is None or content_kind.of_beginning(stream.peek(_SEARCHED)[:_SEARCHED]) != "man":
            return None
        data = stream.read(LARGEST)
    except _DAMAGED:
        return None
    page = man.read(member(data, PurePath(source.name).stem, source))
    return replace(page, lines=())


def _members(source: Source) -> Iterator[Member]:
    head = source.head(512)
    if head.startswith(b"PK"):
        yield from _zip_members(source)
    elif head.startswith(b"7z"):
        yield from (Member(*member) for member in seven_zip_members(source))
    elif head[_TAR_MAGIC] == b"ustar":
        source.stream.seek(0)
        yield from _tar_members(cast("BinaryIO", _Bounded(source.stream, source)))
    else:
        yield from _packed_members(source)


def _zip_members(source: Source) -> Iterator[Member]:
    archive = Archive(source)
    for name, written, size in archive.files():
        yield Member(written, size, partial(archive.member, name, LARGEST))


def _open_packed(source: Source) -> io.BufferedReader | None:
    """What a file that is packed for itself unpacks to; None where it is packed in no way that is known."""
    head = source.head(512)
    source.stream.seek(0)
    unpack = next((unpack for magic, unpack in _STREAMS.items() if head.startswith(magic)), None)
    return io.BufferedReader(_Bounded(unpack(source.stream), source), _BLOCK) if unpack else None


def _packed_members(source: Source) -> Iterator[Member]:
    """The members of a packed TAR, else the one file that is packed."""
    stream = _open_packed(source)
    if stream is None:
        raise FileFailed("It is no archive of a kind that is known.")
    if stream.peek(512)[_TAR_MAGIC] == b"ustar":
        yield from _tar_members(cast("BinaryIO", stream))
        return
    data = stream.read(LARGEST + 1)
    name = PurePath(source.name).stem or "file"
    yield Member(name, len(data), partial(bytes, data))


def _tar_members(stream: BinaryIO) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            if info.isfile():
                yield Member(info.name, info.size, partial(_tar_member, archive, info))
            archive.members.clear()  # type: ignore[attr-defined]  # else it remembers every one of them


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    held = archive.extractfile(info)
    return held.read() if held is not None else b""


class _Bounded(io.RawIOBase):
    """A stream that refuses to go on for ever: bombs, and reading beyond the time."""

    def __init__(self, inner: BinaryIO, source: Source) -> None:
        self._inner = inner
        self._source = source
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._source.past_deadline:
            raise FileSkipped("It takes too long to unpack.")
        data = self._inner.read(min(len(buffer), _BLOCK))
        self._given += len(data)
        most = min(_MOST_UNPACKED, max(_SMALL, _MOST_GROWTH * self._source.size))
        if self._given > most:
            raise FileFailed(f"It grows to more than {most // MEBIBYTE} MB when unpacked.")
        buffer[: len(data)] = data
        return len(data)
