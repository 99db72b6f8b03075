"""What a reader is given: one open file, its name, and how much it may take.

Owns reading within limits. Knows no format.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from index.errors import FileSkipped

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

MEBIBYTE = 1 << 20
MAX_CHARACTERS = 24 * MEBIBYTE
"""Characters of text taken from one file; the rest is named in the document's note."""
SOFT_SECONDS = 30.0
"""After so much processor time a reader that goes page by page stops and says where."""


class WatchedFile(io.FileIO):
    """An open file that remembers the last error of reading it, which a library may take for its end."""

    error = 0
    """The `errno`; 0 where all could be read."""

    def readinto(self, buffer: Buffer) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            self.error = error.errno or errno.EIO
            raise

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            self.error = error.errno or errno.EIO
            raise


@dataclass(slots=True)
class Allowance:
    """The bytes that may still be read from inside a file, summed over all depths."""

    members: int = 1_000
    size: int = 192 * MEBIBYTE
    """Bytes, unpacked."""

    def take(self, size: int) -> bool:
        """Whether one more member of `size` bytes may be read."""
        if self.members < 1 or self.size < size:
            return False
        self.members -= 1
        self.size -= size
        return True


@dataclass(slots=True)
class Source:
    """An open regular file and the allowances of one reading."""

    stream: BinaryIO
    name: str
    """The file's name without its folders."""
    size: int
    """Bytes."""
    deadline: float = field(default_factory=lambda: time.process_time() + SOFT_SECONDS)
    depth: int = 0
    """In how many other files it is: an attachment of a mail has 1."""
    inside: Allowance = field(default_factory=Allowance)

    @property
    def suffix(self) -> str:
        """The name's last suffix in lower case with its dot; empty where there is none."""
        return os.path.splitext(self.name)[1].lower()  # noqa: PTH122

    @property
    def past_deadline(self) -> bool:
        """Whether a reader should stop where it is."""
        return time.process_time() > self.deadline

    def content(self, limit: int | None = None) -> bytes:
        """The whole content from its start (or the first `limit` bytes)."""
        self.stream.seek(0)
        return self.stream.read() if limit is None else self.stream.read(limit)

    def head(self, size: int = 4096) -> bytes:
        """The first bytes, for recognizing a format."""
        return self.content(size)

    def digest(self) -> bytes:
        """BLAKE2b of the content, 16 bytes."""
        digest = hashlib.blake2b(digest_size=16)
        self.stream.seek(0)
        while block := self.stream.read(MEBIBYTE):
            digest.update(block)
        self.stream.seek(0)
        return digest.digest()


def member(data: bytes, name: str, outer: Source) -> Source:
    """A source over a file that is inside `outer`; both share the time and the allowance."""
    return Source(io.BytesIO(data), name, len(data), outer.deadline, outer.depth + 1, outer.inside)


def from_bytes(data: bytes, name: str) -> Source:
    """A source over bytes in memory (a member of an archive, an attachment, a test)."""
    return Source(io.BytesIO(data), name, len(data))


def refuse_larger(source: Source, limit: int) -> None:
    """Raise FileSkipped where the file is larger than `limit` bytes."""
    if source.size > limit:
        raise FileSkipped(
            f"It is {source.size / MEBIBYTE:.0f} MB; such files are read up to {limit / MEBIBYTE:.0f} MB.",
            "Split it into smaller files.",
        )
