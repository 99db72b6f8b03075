"""Files that hold text inside other structure: compound files, packed archives, saved pages, iWork.

All made here, with the least that a reader needs; streams of compound files are padded, for streams of less
than 4,096 bytes would need a second table of sectors.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Mapping

from support.documents import zipped

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
MHTML = (
    b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.org/moss\r\n"
    b"Subject: =?utf-8?Q?Moss=20roofs=20f=C3=BCr=20alle?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/related; type="text/html"; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    b"Content-Location: https://example.org/moss\r\n\r\n"
    b"<html><head><meta charset=3D=22utf-8=22><title>Moss =C3=BCber harbour roofs</title></head><body><p>Water it in =\r\n"
    b"the morning.</p></body></html>\r\n"
    b"--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--x--\r\n"
)


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file (MS-CFB, version 3) of these streams; a path names the storages before a `/`."""
    entries: list[tuple[str, int, bytes]] = [("Root Entry", 5, b"")]
    children: dict[str, list[int]] = {"": []}
    for path, content in streams.items():
        folder = ""
        for part in path.split("/")[:-1]:
            whole = f"{folder}{part}/"
            if whole not in children:
                children[whole] = []
                children[folder].append(len(entries))
                entries.append((part, 1, whole.encode()))
            folder = whole
        children[folder].append(len(entries))
        entries.append((path.rpartition("/")[2], 2, content.ljust(4096, b"\0")))
    return _laid_out(entries, children)


def _laid_out(entries: list[tuple[str, int, bytes]], children: dict[str, list[int]]) -> bytes:
    directory_sectors = -(-len(entries) // 4)
    fat: list[int] = [*range(1, directory_sectors), _END]
    body, starts = b"", {}
    for number, (_, kind, content) in enumerate(entries):
        if kind == 2:
            count = -(-len(content) // _SECTOR)
            starts[number] = len(fat)
            fat += [*range(len(fat) + 1, len(fat) + count), _END]
            body += content.ljust(count * _SECTOR, b"\0")
    fat_sectors = 1
    while len(fat) + fat_sectors > fat_sectors * 128:
        fat_sectors += 1
    fat_places = [*range(len(fat), len(fat) + fat_sectors)]
    fat += [_FAT] * fat_sectors
    fat += [_FREE] * (fat_sectors * 128 - len(fat))
    directory = b"".join(_entry(i, entries, children, starts) for i in range(len(entries)))
    directory = directory.ljust(directory_sectors * _SECTOR, b"\0")
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII109I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 62, 3, 0xFFFE, 9, 6, 0,
        fat_sectors, 0, 0, 4096, _END, 0, _END, 0, *fat_places, *[_FREE] * (109 - fat_sectors),
    )  # fmt: skip
    return header + directory + body + struct.pack(f"<{len(fat)}I", *fat)


def _entry(
    number: int, entries: list[tuple[str, int, bytes]], children: dict[str, list[int]], starts: dict[int, int]
) -> bytes:
    """Siblings are a chain to the right: the tree need not be balanced to be read."""
    name, kind, content = entries[number]
    own = {5: "", 1: content.decode("latin-1") if kind == 1 else ""}.get(kind)
    chain = next((held for held in children.values() if number in held), [])
    after = chain.index(number) + 1 if number in chain else 0
    right = chain[after] if 0 < after < len(chain) else _FREE
    child = children[own][0] if own is not None and children.get(own) else _FREE
    encoded = (name + "\0").encode("utf-16-le")
    size = len(content) if kind == 2 else 0
    return struct.pack(
        "<64sHBBIII16sIQQIQ", encoded, len(encoded), kind, 1, _FREE, right, child, b"", 0, 0, 0,
        starts.get(number, _END), size,
    )  # fmt: skip


def msg(body: str = "The ferry leaves from the harbour at six.") -> bytes:
    """A message of Outlook with a text file and a message attached."""
    return compound(
        {
            "__properties_version1.0": _properties(32, {0x0039: 133_000_000_000_000_000}),
            "__substg1.0_0037001F": _wide("Ferry café"),
            "__substg1.0_0C1A001F": _wide("Ada"),
            "__substg1.0_5D01001F": _wide("ada@example.org"),
            "__substg1.0_0E04001F": _wide("Ben"),
            "__substg1.0_1000001F": _wide(body),
            "__attach_version1.0_#00000000/__properties_version1.0": _properties(8, {}),
            "__attach_version1.0_#00000000/__substg1.0_3707001F": _wide("tides.txt"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": b"High water is at noon. " * 200,
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__properties_version1.0": _properties(24, {}),
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_0037001F": _wide("Inner subject"),
            "__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001F": _wide("Inner words."),
        }
    )


def _wide(words: str) -> bytes:
    return words.encode("utf-16-le")


def _properties(header: int, times: dict[int, int]) -> bytes:
    rows = b"".join(struct.pack("<HHIQ", 0x40, number, 6, value) for number, value in times.items())
    return bytes(header) + rows


def tnef(body: bytes = b"The tender waits at the harbour.") -> bytes:
    """What Outlook attaches to mail for others, with a file in it."""

    def attribute(level: int, name: int, content: bytes) -> bytes:
        return (
            struct.pack("<BII", level, name, len(content))
            + content
            + struct.pack("<H", sum(content) & 0xFFFF)
        )

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x00018004, b"Tender\0")
        + attribute(1, 0x0002800C, body)
        + attribute(2, 0x00069002, bytes(14))
        + attribute(2, 0x00018010, b"tides.txt\0")
        + attribute(2, 0x0006800F, b"High water is at noon.")
    )


def doc(words: str = "Boats moor at the east quay.\rname\x07depth\x07\x07Heron\x072.4\x07\x07") -> bytes:
    """A Word document of 1997 in one piece."""
    text = words.encode("utf-16-le")
    main = bytearray(1024)
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", main, 10, 0x0200)
    struct.pack_into("<8I", main, 76, len(words), *[0] * 7)
    plc = struct.pack("<II", 0, len(words)) + struct.pack("<HIH", 0, len(main), 0)
    clx = b"\x02" + struct.pack("<I", len(plc)) + plc
    struct.pack_into("<II", main, 418, 0, len(clx))
    return compound({"WordDocument": bytes(main) + text, "1Table": clx})


def ppt() -> bytes:
    """A presentation of PowerPoint 97 with one slide: a title in the outline, a text in a shape."""

    def record(kind: int, content: bytes, instance: int = 0, container: bool = False) -> bytes:
        return struct.pack("<HHI", instance << 4 | (15 if container else 0), kind, len(content)) + content

    persist = struct.pack("<IIIII", 2, 0, 0, 256, 0)
    outline = record(1011, persist) + record(3999, struct.pack("<I", 0)) + record(4008, b"Harbour plan")
    document = record(1000, record(4080, outline, container=True), container=True)
    shape = record(4000, "Welcome to the café".encode("utf-16-le"))
    slide = record(1006, record(0xF00D, shape, container=True), container=True)
    directory = record(6002, struct.pack("<I", 2 << 20 | 1) + struct.pack("<II", 0, len(document)))
    at = len(document) + len(slide)
    edit = record(4085, struct.pack("<IHBBIIIIHH", 256, 0, 0, 3, 0, at, 1, 2, 0, 0))
    user = record(4086, struct.pack("<III", 20, 0xE391C05F, at + len(directory)))
    return compound({"PowerPoint Document": document + slide + directory + edit, "Current User": user})


def odg() -> bytes:
    """An OpenDocument drawing: a shape with words, and a picture of which something is said."""
    spaces = " ".join(f'xmlns:{n}="urn:{n}"' for n in ("office", "text", "draw", "svg"))
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.graphics",
            "content.xml": f"<office:document-content {spaces}><office:body><office:drawing><draw:page>"
            "<draw:custom-shape><text:p>Harbour plan</text:p></draw:custom-shape>"
            "<draw:frame><svg:title>Photo</svg:title><svg:desc>A crane over the dock</svg:desc><draw:image/>"
            "</draw:frame></draw:page></office:drawing></office:body></office:document-content>",
        }
    )


def pages(*texts: str) -> bytes:
    """A document of Pages with one stored text for each of `texts`."""
    messages = b"".join(
        _message(2001, _field(3, text.encode())) for text in texts or ("Boats at the harbour.",)
    )
    return zipped({"Index/Document.iwa": _snapped(messages), "Metadata/Properties.plist": b"x"})


def _message(kind: int, body: bytes) -> bytes:
    info = _varint(1 << 3) + _varint(kind) + _varint(3 << 3) + _varint(len(body))
    header = _varint(1 << 3) + _varint(7) + _field(2, info)
    return _varint(len(header)) + header + body


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _snapped(data: bytes) -> bytes:
    """Snappy of nothing but literals."""
    literals = b"".join(
        bytes([60 << 2, len(part) - 1]) + part
        for part in (data[i : i + 200] for i in range(0, len(data), 200))
    )
    block = _varint(len(data)) + literals
    return b"\0" + len(block).to_bytes(3, "little") + block


def tar(members: Mapping[str, bytes]) -> bytes:
    """A TAR archive."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return held.getvalue()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def seven_zip(members: Mapping[str, bytes]) -> bytes:
    """A 7z archive whose members are packed together with LZMA2."""
    solid = b"".join(members.values())
    packed = lzma.compress(solid, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    names = b"\0" + b"".join(f"{name}\0".encode("utf-16-le") for name in members)
    sizes = [len(content) for content in members.values()]
    folder = bytes([1, 0x21, 0x21, 1, 16])
    streams = (
        bytes([6, 0, 1, 9]) + _number(len(packed)) + b"\0"
        + bytes([7, 11, 1, 0]) + folder + bytes([12]) + _number(len(solid)) + b"\0"
        + bytes([8, 13, len(members)]) + (b"\x09" + b"".join(map(_number, sizes[:-1])) if sizes[1:] else b"") + b"\0"
        + b"\0"
    )  # fmt: skip
    files = _number(len(members)) + b"\x11" + _number(len(names)) + names + b"\0"
    header = b"\x01\x04" + streams + b"\x05" + files + b"\0"
    start = struct.pack("<QQI", len(packed), len(header), 0)
    return b"7z\xbc\xaf\x27\x1c\0\x04" + struct.pack("<I", 0) + start + packed + header


def _number(value: int) -> bytes:
    return bytes([value]) if value < 128 else b"\xc0" + struct.pack("<H", value) if value < 1 << 16 else b"\xf0" + struct.pack("<I", value)  # fmt: skip


SIGNED = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")
"""Object identifiers of signed data and of the data in it."""


def element(tag: int, *contents: bytes, endless: bool = False) -> bytes:
    """An element of BER."""
    content = b"".join(contents)
    if endless:
        return bytes([tag, 0x80]) + content + b"\0\0"
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def signed(message: bytes, *, endless: bool = False) -> bytes:
    """A document inside a signature (CMS); `endless` leaves out lengths, as some programs do."""
    half = len(message) // 2
    octets = (
        element(0x24, element(4, message[:half]), element(4, message[half:]), endless=True)
        if endless
        else element(4, message)
    )
    wrapped = element(0x30, DATA, element(0xA0, octets, endless=endless), endless=endless)
    body = element(0x30, b"\2\1\1", element(0x31), wrapped, element(0x31, b"\0" * 40))
    return element(0x30, SIGNED, element(0xA0, body))
