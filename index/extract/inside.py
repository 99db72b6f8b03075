"""Files inside a file: members of an archive, attachments of mail and of PDF.

Owns which of them are read and the bounds that hold for all of them together: depth, number, bytes, time.
Each is read as it would be outside, under a heading that is its name. Knows no container's format.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from index import kinds
from index.errors import FileSkipped
from index.extract import sniff
from index.extract.archive import Archive
from index.extract.document_builder import DocumentBuilder, one_line
from index.extract.source import MEBIBYTE, Source, member
from index.extract.withhold import refuse_accounts
from index.walk import default_ignores
from index.walk.credential_names import matching_pattern

DEEPEST = 2
"""An archive in an archive is opened, one in that is named."""
LARGEST = 48 * MEBIBYTE
"""Bytes of a member: it is held in memory beside its text."""
_LONGEST_NAME = 300
_LITTER = ("__MACOSX", "._")
"""What macOS writes beside the files that it packs."""


class Inside:
    """Puts files that are inside `source` into `builder`, each under its name at `level`."""

    def __init__(self, source: Source, builder: DocumentBuilder, level: int) -> None:
        self._source = source
        self._builder = builder
        self._level = level
        self._unread: list[str] = []
        self._closed: dict[str, int] = {}
        """Reasons why members cannot be unpacked, and how many of them."""

    def add(self, name: str, size: int, content: Callable[[], bytes]) -> bool:
        """Read one file, unpacked by `content` only where it is wanted; False where it is only named."""
        shown = name_shown(name)
        if self._builder.full or self._source.past_deadline or not is_wanted(shown):
            return False
        if self._source.depth >= DEEPEST or size > LARGEST or not self._source.inside.take(size):
            self._unread.append(shown)
            return False
        try:
            data = content()
        except FileSkipped as error:
            self._closed[error.what] = self._closed.get(error.what, 0) + 1
            return False
        except Exception:  # noqa: BLE001 (see below)
            self._builder.notes.append(f"{shown} in it is damaged and not read.")
            return False
        return self._read(shown, data)

    def add_part(self, archive: Archive, name: str) -> bool:
        """Read a member of a document's own archive that is a document itself."""
        content = partial(archive.member, name, LARGEST)
        return self.add(PurePosixPath(name).name, archive.size(name), content)

    def _read(self, shown: str, data: bytes) -> bool:
        try:
            inner = member(data, PurePosixPath(shown).name or "file", self._source)
            document = sniff.extract(inner)
            refuse_accounts(document)
        except FileSkipped:
            return False
        except Exception:  # noqa: BLE001 (whatever a library raises on a damaged member, the others are read)
            self._builder.notes.append(f"{shown} in it is damaged and not read.")
            return False
        if not document.text.strip():  # pages that are pictures
            return False
        self._builder.open(self._level, shown)
        self._builder.include(document)
        if document.note:
            self._builder.notes.append(f"{shown}: {document.note}")
        return True

    def close(self) -> None:
        """Say what was not read because it is locked, or for want of an allowance."""
        for reason, count in self._closed.items():
            several = f"{count} files in it are" if count > 1 else "A file in it is"
            self._builder.notes.append(f"{several} only named. {reason}")
        if self._unread:
            more = f" and {len(self._unread) - 3} more" if len(self._unread) > 3 else ""
            named = ", ".join(self._unread[:3])
            self._builder.notes.append(
                f"Only named, for they are too large, too deep or too many: {named}{more}."
            )


def include_part(source: Source, builder: DocumentBuilder, name: str, content: bytes) -> None:
    """Put a part of a document that is written in another format into `builder`, at its place.

    Raises FileFailed or FileSkipped where it cannot be read.
    """
    if source.depth >= DEEPEST or not source.inside.take(len(content)):
        raise FileSkipped("It is nested too deeply, or there is too much of it.")
    document = sniff.extract(member(content, name, source))
    refuse_accounts(document)
    builder.include(document)


def name_shown(name: str) -> str:
    """A member's name as one line, with `/` between its folders."""
    return unicodedata.normalize("NFC", one_line(name.replace("\\", "/")))[:_LONGEST_NAME].strip("/")


def is_wanted(name: str) -> bool:
    """Whether a file of that name, folders included, is of a kind to be read and no one's key or cache."""
    path = PurePosixPath(name)
    if not name or kinds.unread_kind(path.name) or path.name.startswith(_LITTER) or _LITTER[0] in path.parts:
        return False
    folders = [str(folder) for folder in path.parents if folder.name]
    return not (
        matching_pattern(name, folder=False)
        or any(matching_pattern(folder, folder=True) for folder in folders)
        or default_ignores.is_by_name(path.name, [PurePosixPath(folder).name for folder in folders])
    )
