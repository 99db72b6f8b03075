"""Documents of indexed files as they stand now, for previews: read in a child process, a few kept."""

from __future__ import annotations

import os
import threading

from app.errors import PathInvalid
from app.excerpt import Excerpts
from index.extract import ReaderPool
from index.types import Stamp

KEPT = 4
"""Documents a preview may come back to."""


class Documents:
    """Reads documents and keeps the last few; safe to use from several threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._readers: ReaderPool | None = None
        self._kept: dict[tuple[str, Stamp], Excerpts] = {}

    def read(self, path: str) -> Excerpts:
        """The document at an absolute path, ready to be cut.

        Raises `PathInvalid`, `FileSkipped` or `FileFailed`.
        """
        try:
            stat = os.stat(path)  # noqa: PTH116
        except OSError as error:
            raise PathInvalid(f"{path} cannot be read: {error.strerror}.", "It may be gone.") from error
        key = (path, Stamp.of(stat))
        with self._guard:
            if key in self._kept:
                return self._kept[key]
            self._readers = readers = self._readers or ReaderPool(1)
        document = Excerpts(readers.read(path).document)
        with self._guard:
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = document
        return document

    def clear(self) -> None:
        with self._guard:
            self._kept.clear()

    def close(self) -> None:
        with self._guard:
            self._kept.clear()
            if self._readers is not None:
                self._readers.close()
                self._readers = None
