"""Compound files (OLE): what Office wrote before 2007, Outlook's messages, and locked documents.

Owns opening them and telling what is in one; olefile reads the format (MS-CFB). Streams are read within
limits, and whatever olefile raises on a damaged file becomes a reason.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from index.errors import FileFailed, FileSkipped
from index.extract.charsets import codec_of
from index.extract.source import MEBIBYTE, Source

if TYPE_CHECKING:
    import olefile

MAGIC = b"\xd0\xcf\x11\xe0"
_MOST_STREAM = 96 * MEBIBYTE
_MOST_ENTRIES = 50_000
_HOLDS = (
    ("EncryptedPackage", ""),
    ("WordDocument", "docx"),
    ("PowerPoint Document", "pptx"),
    ("Workbook", "sheet"),
    ("Book", "sheet"),
    ("__properties_version1.0", "mail"),
)
"""A stream by which a compound file is known, and the kind of document it is; empty where it is locked."""


class Compound:
    """The streams of a compound file."""

    def __init__(self, source: Source) -> None:
        import olefile

        with _damage_told():
            self._file: olefile.OleFileIO = olefile.OleFileIO(io.BytesIO(source.content()))
            self.paths: list[str] = ["/".join(path) for path in self._file.listdir()[:_MOST_ENTRIES]]
        """The paths of the streams, storages before a `/`."""

    @property
    def title(self) -> str:
        """The title among the properties; empty where there is none."""
        try:
            properties = self._file.get_metadata()
            title, page = properties.title or b"", properties.codepage or 1252
        except Exception:  # noqa: BLE001 (see below)
            return ""
        codec = "utf-8" if page == 65001 else codec_of(f"cp{page}") or "cp1252"
        return title.decode(codec, "replace").rstrip("\0") if isinstance(title, bytes) else str(title)

    def has(self, path: str) -> bool:
        return path in self.paths

    def stream(self, path: str) -> bytes:
        """A stream's content; raises FileFailed where it is damaged or larger than may be read."""
        with _damage_told():
            if self._file.get_size(path) > _MOST_STREAM:
                raise FileFailed(f"{path} in it is larger than {_MOST_STREAM // MEBIBYTE} MB.")
            content: bytes = self._file.openstream(path).read()
        return content


def kind_of(source: Source) -> str:
    """The kind of document that a compound file is; raises FileSkipped where it is of none that is read."""
    file = Compound(source)
    stream, kind = next(((name, kind) for name, kind in _HOLDS if file.has(name)), ("", ""))
    if kind:
        return kind
    if stream:
        raise FileSkipped("It is locked with a password.", "Save a copy without a password.")
    raise FileSkipped(
        "It is in a format of a program from before 2007 that is not read.", "Save it as DOCX or PDF."
    )


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (FileFailed, MemoryError):
        raise
    except Exception:  # noqa: BLE001 (olefile raises OSError and whatever its arithmetic meets)
        raise FileFailed("It is damaged: its parts cannot be found.") from None
