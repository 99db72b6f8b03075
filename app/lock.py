"""The write lock: one process at a time may write the index.

Owns the lock file. The kernel holds the lock (`flock`) and releases it with the process, also after a crash.
The file names the holder, for messages and to find the daemon; that counts only while the lock is held.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from app import paths
from index.errors import IndexBusy, IndexFull, IndexUnreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

DAEMON = "ken daemon"
"""The purpose that the daemon gives."""
GLANCE = 0.3
"""Least seconds to try: `holder` takes the lock for an instant to see whether it is free."""
NOTE_BYTES = 2048
"""Bytes of every note, so that the next one needs no room on a full disk."""
LONGEST_PURPOSE = 500
"""Characters of a purpose, so that a note fits into `NOTE_BYTES`."""


class WriteLock:
    """Held from `acquire` to `release`; a context manager that acquires on entry.

    `purpose` is shown to users who have to wait ("ken index ~/notes").
    """

    def __init__(self, purpose: str, path: Path | None = None) -> None:
        self.purpose = purpose
        self.path = path or paths.lock_path()
        self._descriptor: int | None = None

    def acquire(self, wait: float = 0.0) -> None:
        """Take the lock within `wait` seconds; raises `IndexBusy`, which names the holder."""
        if self._descriptor is not None:
            return
        descriptor = self._open()
        deadline = time.monotonic() + max(wait, GLANCE)
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise _busy(holder(self.path))
            time.sleep(0.05)
        self._descriptor = descriptor
        try:
            self.note()
        except BaseException:
            self.release()
            raise

    def note(self, **more: str) -> None:
        """Write the holder and `more` facts to the file. Raises a titled error if that fails."""
        assert self._descriptor is not None
        purpose = self.purpose[:LONGEST_PURPOSE]
        note = {"pid": os.getpid(), "purpose": purpose, "since": int(time.time()), **more}
        try:
            os.pwrite(self._descriptor, json.dumps(note).encode().ljust(NOTE_BYTES), 0)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise IndexFull(f"The disk that holds {self.path} is full.", "Free some space.") from error
            raise self._unwritable(error) from error

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> IndexUnreachable:
        return IndexUnreachable(
            f"{self.path} cannot be written: {error.strerror}.",
            "Check the folder's permissions, or choose another with KEN_HOME.",
        )

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, b" " * NOTE_BYTES, 0)
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    @property
    def in_place(self) -> bool:
        """Whether the held file is still at its path: its folder may have been removed."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            return False

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(path: Path | None = None) -> dict[str, object] | None:
    """The holder of the lock (`pid`, `purpose`, `since` and other facts); None if the lock is free."""
    try:
        descriptor = os.open(path or paths.lock_path(), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A shared lock, so that two calls at once do not take each other for the holder.
        if _try_lock(descriptor, fcntl.LOCK_SH):
            return None
        note = json.loads(os.pread(descriptor, 2 * NOTE_BYTES, 0) or b"{}")
        return note if isinstance(note, dict) else {}
    except ValueError:
        return {}
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _busy(note: dict[str, object] | None) -> IndexBusy:
    purpose = (note or {}).get("purpose", "another ken")
    who = f"“{purpose}” (process {(note or {}).get('pid', '?')})"
    if purpose == DAEMON:
        fix = "Run the command without --no-daemon, or stop the daemon with `ken daemon stop`."
    else:
        fix = "Wait until it is done, or stop it, and try again."
    return IndexBusy(f"{who} is writing the index.", fix)
