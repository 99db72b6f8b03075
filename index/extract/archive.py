"""Documents that are ZIP archives of XML: opened within limits, entities refused.

Owns the defence against archives and XML that grow without bound. Knows no format.
"""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import declared_in_markup
from index.extract.decode import decode_text
from index.extract.guess_encoding import guess
from index.extract.source import MEBIBYTE, Source

_MOST_ENTRIES = 20_000
_MOST_XML = 96 * MEBIBYTE
_MOST_UNREAD = 1024 * MEBIBYTE
"""Bytes of a member that a library unpacks in parts."""
_MOST_GROWTH = 400
"""How many times its packed size an entry of more than a mebibyte may have."""
_BLOCK = 65_536
_DECLARATION = 200
"""Bytes of XML in which it says how it is encoded."""
_BUILT_IN = frozenset({"", "utf-8", "us-ascii", "iso-8859-1"})
"""Encodings that expat knows by itself; for others it asks Python, where a name can mean anything. UTF-16
it knows by its NULs."""
_IN_UTF_8 = 0x800
"""The flag of a member whose name is in UTF-8."""
_WRITTEN = frozenset(
    {"utf-8", "cp932", "shift_jis", "euc_jp", "gb18030", "gbk", "big5", "big5hkscs", "cp949", "euc_kr",
     "cp866", "cp1251", "cp850", "cp852"}
)  # fmt: skip
"""Encodings of names that are told from code page 437, or agree with it in its letters."""
_TAG = re.compile(r"^\{[^}]*\}")


class Archive:
    """A ZIP archive whose members are read whole or as XML, never more than they may hold."""

    def __init__(self, source: Source) -> None:
        try:
            self._zip = zipfile.ZipFile(source.stream)
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
            head = source.head(8)
            if head.startswith(b"\xd0\xcf\x11\xe0"):
                raise FileSkipped("It is locked with a password, or in the format of before 2007.") from None
            raise FileFailed("It is damaged: its archive cannot be opened.") from None
        if len(self._zip.infolist()) > _MOST_ENTRIES:
            raise FileFailed(f"Its archive has more than {_MOST_ENTRIES} members.")
        for info in self._zip.infolist():
            # Some programs on Windows write their own separator. It is also half a letter of Japanese.
            if "\\" in info.filename and info.filename.isascii():
                info.filename = info.filename.replace("\\", "/")
                self._zip.NameToInfo.setdefault(info.filename, info)

    @property
    def names(self) -> list[str]:
        """The members' names in the order they are stored."""
        return self._zip.namelist()

    def files(self) -> list[tuple[str, str, int]]:
        """For each file in the archive: its safe name, its name as written, and its unpacked size."""
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        written = _names_as_written(infos)
        return [(info.filename, written.get(info.filename, info.filename), info.file_size) for info in infos]

    def size(self, name: str) -> int:
        """Bytes of a member, unpacked; 0 where there is none."""
        info = self._zip.NameToInfo.get(name)
        return info.file_size if info is not None else 0

    def has(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def member(self, name: str, limit: int = _MOST_XML) -> bytes:
        """A member's content; raises FileFailed where it is damaged or grows beyond `limit` bytes."""
        try:
            info = self._zip.getinfo(name)
            _refuse_bomb(info, limit)
            with self._zip.open(info) as stream:
                data = stream.read(limit + 1)
        except KeyError:
            raise FileFailed(f"It is damaged: {name} is missing.") from None
        except RuntimeError as error:
            if "password" in str(error) or "encrypted" in str(error):
                raise FileSkipped("It is locked with a password.") from None
            raise FileFailed(f"It is damaged: {name} cannot be unpacked.") from None
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError):
            raise FileFailed(f"It is damaged: {name} cannot be unpacked.") from None
        except Exception as error:
            if type(error).__name__ in ("error", "LZMAError"):
                raise FileFailed(f"It is damaged: {name} cannot be unpacked.") from None
            raise
        if len(data) > limit:
            raise FileFailed(f"{name} in it unpacks to more than {limit // MEBIBYTE} MB.")
        return data

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A member to be read in parts; raises FileFailed where it is damaged or grows too much."""
        try:
            info = self._zip.getinfo(name)
            _refuse_bomb(info, _MOST_UNREAD)
            with self._zip.open(info) as stream:
                yield stream
        except KeyError:
            raise FileFailed(f"It is damaged: {name} is missing.") from None
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error, lzma.LZMAError):
            raise FileFailed(f"It is damaged: {name} cannot be unpacked.") from None

    def check(self, name: str) -> None:
        """Raise FileFailed where a member is no whole XML: some readers go round for ever in what is not."""
        parser = XMLParser(target=_Nothing())
        with self.opened(name) as stream:
            try:
                while block := stream.read(_BLOCK):
                    parser.feed(block)
                parser.close()
            except ParseError as error:
                raise FileFailed(f"It is damaged: its XML breaks off in line {error.position[0]}.") from None

    def refuse_bombs(self) -> None:
        """Raise FileSkipped or FileFailed where a member is locked or grows too much."""
        for info in self._zip.infolist():
            _refuse_bomb(info, _MOST_UNREAD)

    def tree(self, name: str) -> Element:
        """A member as an XML tree with namespaces taken off its tags."""
        return parse_xml(self.member(name))

    def close(self) -> None:
        self._zip.close()


def _names_as_written(infos: Sequence[zipfile.ZipInfo]) -> dict[str, str]:
    """Names that an archive does not declare as UTF-8 and that are in another encoding than it says.

    Python takes them for code page 437, as the format has it (APPNOTE, 4.4.4); programs write UTF-8 or the
    encoding of their system.
    """
    undeclared = [i.filename for i in infos if not i.flag_bits & _IN_UTF_8 and not i.filename.isascii()]
    try:
        raw = "\n".join(undeclared).encode("cp437")
    except UnicodeEncodeError:
        return {}
    codec = "utf-8" if _is_utf_8(raw) else guess(raw)
    if codec not in _WRITTEN:
        return {}
    return dict(zip(undeclared, raw.decode(codec, "replace").replace("\\", "/").split("\n"), strict=False))


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def nearest_elements(
    element: Element, wanted: Container[str], dropped: Container[str] = frozenset()
) -> Iterator[Element]:
    """The elements below `element` with a wanted tag, in order; nothing in one of them, nor in one dropped.

    What is in those is for whoever takes them: to look through all that is nested at every level would take
    time with the square of the depth, and give the same words many times.
    """
    waiting = [iter(element)]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
        elif child.tag in wanted:
            yield child
        elif child.tag not in dropped:
            waiting.append(iter(child))


def parse_xml(data: bytes) -> Element:
    """XML as a tree with namespaces taken off; raises FileFailed where it is damaged or declares entities."""
    if b"<!ENTITY" in (data.replace(b"\0", b"") if b"\0" in data[:4] else data):
        raise FileFailed("Its XML declares entities of its own, which such a file never needs.")
    root: Element = _parse_into(_Plain(), data)
    return root


def _parse_into(target: Any, data: bytes) -> Any:
    """What `target` makes of XML, read as UTF-8 where it declares what the parser has no table for."""
    encoding = None
    declared = declared_in_markup(data[:_DECLARATION])
    if declared.lower() not in _BUILT_IN and b"\0" not in data[:4]:
        data, encoding = decode_text(data, declared).encode(), "utf-8"
    parser = XMLParser(target=target, encoding=encoding)
    try:
        parser.feed(data)
        return parser.close()
    except ParseError as error:
        line, _ = error.position
        raise FileFailed(f"It is damaged: its XML breaks off in line {line}.") from None
    except (ValueError, LookupError):  # an encoding that expat has no table for, or no one
        raise FileFailed("It is damaged: its XML cannot be decoded.") from None


class _Nothing:
    """Builds no tree."""

    def close(self) -> None:
        return None


class _Plain(TreeBuilder):
    """Builds a tree whose tags and attributes carry no namespace."""

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
        return super().start(
            _TAG.sub("", tag), {_TAG.sub("", key): value for key, value in attributes.items()}
        )

    def end(self, tag: str) -> Element:
        return super().end(_TAG.sub("", tag))


def _refuse_bomb(info: zipfile.ZipInfo, limit: int) -> None:
    if info.flag_bits & 1:
        raise FileSkipped("It is locked with a password.")
    if info.file_size > limit:
        raise FileFailed(f"{info.filename} in it unpacks to {info.file_size // MEBIBYTE} MB.")
    if info.file_size > MEBIBYTE and info.file_size > _MOST_GROWTH * max(1, info.compress_size):
        raise FileFailed(
            f"{info.filename} in it grows {info.file_size // max(1, info.compress_size)} times when unpacked."
        )
