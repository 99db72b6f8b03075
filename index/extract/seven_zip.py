"""7z archives: where members begin and how they are packed; Python's lzma, bz2 and zlib unpack them.

Owns the format's headers (7zFormat.txt of the LZMA SDK, in the public domain). Archives packed with other
methods than LZMA, LZMA2, bzip2 and deflate, or locked, are only named.
"""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from index.errors import FileFailed, FileSkipped
from index.extract.source import MEBIBYTE, Source

_SIGNATURE = struct.Struct("<6sBBIQQI")
_MOST_HEADER = 64 * MEBIBYTE
_MOST_FOLDER = 96 * MEBIBYTE
"""Bytes of a block of members that are packed together: it is unpacked whole."""
_MOST_FILES = 100_000
_END, _HEADER, _STREAMS, _FILES, _PACKED, _UNPACKED, _SUBSTREAMS = 0, 1, 4, 5, 6, 7, 8
_SIZES, _CRCS, _FOLDERS, _CODER_SIZES, _NUMBER, _EMPTY, _EMPTY_FILE, _NAMES = 9, 10, 11, 12, 13, 14, 15, 17
_ENCODED = 23
_COPY, _LZMA2, _LZMA, _DEFLATE = b"\0", b"\x21", b"\x03\x01\x01", b"\x04\x01\x08"
_BZIP2, _X86, _AES = b"\x04\x02\x02", b"\x03\x03\x01\x03", b"\x06\xf1\x07\x01"

Found = tuple[str, int, Callable[[], bytes]]
"""A member's name, size and content."""


@dataclass(slots=True)
class _Folder:
    """Members packed together: the coders in the order of unpacking, and where the packed bytes are."""

    coders: list[tuple[bytes, bytes]] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    """The place of each coder in the header, in the order of unpacking."""
    sizes: list[int] = field(default_factory=list)
    """What each coder gives, in the order of unpacking."""
    checked: bool = False
    """Whether the header has a checksum of the whole."""
    offset: int = 0
    packed: int = 0
    members: list[int] = field(default_factory=list)
    streams: int = 1


class _HeaderReader:
    """The bytes of a header, one after the other; EOFError where they end."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def bytes(self, size: int) -> bytes:
        data = self._data.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def byte(self) -> int:
        return self.bytes(1)[0]

    def number(self) -> int:
        """As many bytes follow the first as it has leading ones."""
        first, value = self.byte(), 0
        for i in range(8):
            if not first & (0x80 >> i):
                return value | (first & ((0x80 >> i) - 1)) << (8 * i)
            value |= self.byte() << (8 * i)
        return value

    def count(self) -> int:
        if (number := self.number()) > _MOST_FILES:
            raise FileFailed("It is damaged, or has more members than are read.")
        return number

    def flags(self, count: int) -> list[bool]:
        data = self.bytes((count + 7) // 8)
        return [bool(data[i // 8] & (0x80 >> (i % 8))) for i in range(count)]

    def digests(self, count: int) -> list[bool]:
        """Which of so many checksums are there."""
        defined = [True] * count if self.byte() else self.flags(count)
        self.bytes(4 * sum(defined))
        return defined


def seven_zip_members(source: Source) -> Iterator[Found]:
    """Name, size and content of each file, in the order of the archive."""
    signature = source.head(_SIGNATURE.size)
    if len(signature) < _SIGNATURE.size:
        raise FileFailed("It is damaged: it ends in its header.")
    *_, offset, size, _ = _SIGNATURE.unpack(signature)
    header = _at(source, _SIGNATURE.size + offset, size)
    for _ in range(4):  # a packed header may hold a packed header
        reader = _HeaderReader(header)
        kind = reader.byte() if header else _END
        if kind != _ENCODED:
            break
        folders = _streams(reader)
        if not folders:
            break
        header = _unpack_folder(source, folders[0])
    if kind == _HEADER:
        yield from _list_members(source, reader)


def _at(source: Source, offset: int, size: int) -> bytes:
    if size > _MOST_FOLDER or offset + size > source.size:
        raise FileFailed("It is damaged: a part of it is not where it is said to be.")
    source.stream.seek(offset)
    return source.stream.read(size)


def _list_members(source: Source, reader: _HeaderReader) -> Iterator[Found]:
    folders: list[_Folder] = []
    while (kind := reader.byte()) != _END:
        if kind == _STREAMS:
            folders = _streams(reader)
        elif kind == _FILES:
            names, empty, no_file = _files(reader)
            yield from _pair_names_and_contents(source, folders, names, empty, no_file)
            return
        else:
            reader.bytes(reader.number())


def _pair_names_and_contents(
    source: Source, folders: list[_Folder], names: list[str], empty: list[bool], folder: list[bool]
) -> Iterator[Found]:
    """Names with their contents: members that are not empty follow each other in the folders."""
    places = ((f, i) for f in folders for i in range(len(f.members)))
    held: tuple[_Folder, bytes] | None = None

    def content(place: _Folder, number: int) -> bytes:
        nonlocal held
        if held is None or held[0] is not place:
            held = None
            held = place, _unpack_folder(source, place)
        start = sum(place.members[:number])
        return held[1][start : start + place.members[number]]

    for i, name in enumerate(names):
        if empty[i]:
            if not folder[i]:
                yield name, 0, bytes
            continue
        place = next(places, None)
        if place is None:
            return
        yield name, place[0].members[place[1]], partial(content, *place)


def _streams(reader: _HeaderReader) -> list[_Folder]:
    """The packed streams with their coders, and the members in each."""
    position, packed = 0, list[int]()
    folders: list[_Folder] = []
    while (kind := reader.byte()) != _END:
        if kind == _PACKED:
            position, packed = _SIGNATURE.size + reader.number(), _pack_sizes(reader)
        elif kind == _UNPACKED:
            folders = _folders(reader)
        elif kind == _SUBSTREAMS:
            _substreams(reader, folders)
        else:
            raise FileFailed("It is damaged: its header cannot be made out.")
    for folder in folders:
        size = packed.pop(0) if packed else 0
        folder.offset, folder.packed = position, size
        position += size
        folder.members = folder.members or folder.sizes[-1:]
    return folders


def _pack_sizes(reader: _HeaderReader) -> list[int]:
    count, sizes = reader.count(), list[int]()
    while (kind := reader.byte()) != _END:
        if kind == _SIZES:
            sizes = [reader.number() for _ in range(count)]
        elif kind == _CRCS:
            reader.digests(count)
        else:
            raise FileFailed("It is damaged: its header cannot be made out.")
    return sizes


def _folders(reader: _HeaderReader) -> list[_Folder]:
    folders: list[_Folder] = []
    while (kind := reader.byte()) != _END:
        if kind == _FOLDERS:
            count = reader.count()
            if reader.byte():
                raise FileFailed("It is packed in a way that is not read.")
            folders = [_folder(reader) for _ in range(count)]
        elif kind == _CODER_SIZES:
            for folder in folders:
                given = [reader.number() for _ in folder.coders]
                folder.sizes = [given[place] for place in folder.order]
        elif kind == _CRCS:
            for folder, checked in zip(folders, reader.digests(len(folders)), strict=True):
                folder.checked = checked
        else:
            raise FileFailed("It is damaged: its header cannot be made out.")
    return folders


def _folder(reader: _HeaderReader) -> _Folder:
    folder = _Folder()
    coders: list[tuple[bytes, bytes]] = []
    for _ in range(min(reader.count(), 32)):
        flags = reader.byte()
        method = reader.bytes(flags & 15)
        if flags & 16:  # more than one stream goes in or out (BCJ2)
            raise FileSkipped("It is packed in a way that is not read.")
        coders.append((method, reader.bytes(reader.count()) if flags & 32 else b""))
    takes = dict((reader.number(), reader.number())[::-1] for _ in range(len(coders) - 1))
    """By the coder that gives, the coder that takes it."""
    place: int | None = next((i for i in range(len(coders)) if i not in takes.values()), None)
    while place is not None and place < len(coders) and len(folder.order) < len(coders):
        folder.order.append(place)
        place = takes.get(place)
    folder.coders = [coders[i] for i in folder.order]
    return folder


def _substreams(reader: _HeaderReader, folders: list[_Folder]) -> None:
    """The sizes of the members of each folder; the last is what remains."""
    kind = reader.byte()
    if kind == _NUMBER:
        for folder in folders:
            folder.streams = reader.count()
        kind = reader.byte()
    for folder in folders:
        total = folder.sizes[-1] if folder.sizes else 0
        given = [reader.number() for _ in range(folder.streams - 1)] if kind == _SIZES else []
        folder.members = [*given, max(0, total - sum(given))] if folder.streams else []
    if kind == _SIZES:
        kind = reader.byte()
    while kind != _END:
        if kind == _CRCS:
            reader.digests(sum(f.streams for f in folders if f.streams != 1 or not f.checked))
        else:
            raise FileFailed("It is damaged: its header cannot be made out.")
        kind = reader.byte()


def _files(reader: _HeaderReader) -> tuple[list[str], list[bool], list[bool]]:
    """The names; of each file whether it has no content, and whether it is a folder."""
    count = reader.count()
    names = [""] * count
    empty, empty_files = [False] * count, list[bool]()
    while (kind := reader.byte()) != _END:
        size = reader.number()
        if size > _MOST_HEADER:
            raise FileFailed("It is damaged: its header cannot be made out.")
        part = _HeaderReader(reader.bytes(size))
        if kind == _NAMES and not part.byte():
            names = part.bytes(size - 1).decode("utf-16-le", "replace").split("\0")[:count]
            names += [""] * (count - len(names))
        elif kind == _EMPTY:
            empty = part.flags(count)
        elif kind == _EMPTY_FILE:
            empty_files = part.flags(sum(empty))
    without = iter(empty_files)
    return names, empty, [bare and not next(without, False) for bare in empty]


def _unpack_folder(source: Source, folder: _Folder) -> bytes:
    """The content of a folder, at most as large as it says."""
    size = folder.sizes[-1] if folder.sizes else 0
    if max([size, folder.packed, *folder.sizes]) > _MOST_FOLDER:
        raise FileFailed(f"Members packed together unpack to more than {_MOST_FOLDER // MEBIBYTE} MB.")
    data = _at(source, folder.offset, folder.packed)
    coders = [method for method, _ in folder.coders]
    if coders == [_LZMA2, _X86]:
        coders = [_LZMA2]
    for method, (_, properties), length in zip(coders, folder.coders, folder.sizes, strict=False):
        if method in (_LZMA, _LZMA2):
            for_programs = [{"id": lzma.FILTER_X86}] if len(coders) < len(folder.coders) else []
            filters = [*for_programs, _filter(method, properties)]
            data = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data, length)
        elif method == _BZIP2:
            data = bz2.BZ2Decompressor().decompress(data, length)
        elif method == _DEFLATE:
            data = zlib.decompressobj(-15).decompress(data, length)
        elif method != _COPY:
            locked = method == _AES
            raise FileSkipped(
                "It is locked with a password." if locked else "It is packed in a way that is not read."
            )
    return data


def _filter(method: bytes, properties: bytes) -> dict[str, int]:
    """A filter as Python's lzma wants it; a window larger than what is unpacked is of no use."""
    if method == _LZMA2:
        bits = (properties or b"\x18")[0]
        return {"id": lzma.FILTER_LZMA2, "dict_size": min((2 | bits & 1) << (bits // 2 + 11), _MOST_FOLDER)}
    packed, size = struct.unpack("<BI", properties[:5])
    return {
        "id": lzma.FILTER_LZMA1, "lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45,
        "dict_size": min(max(size, 4096), _MOST_FOLDER),
    }  # fmt: skip
