"""Opening a file safely, and what the system means where it refuses.

Owns which errors say something of the file and which pass: a disk, a server, a permission, a limit of
this process. Knows no format and no process.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from index.errors import FileFailed, FileSkipped, FileUnreadable
from index.macos import is_dataless, privacy_refusal
from index.no_links import open_real

RETRIED_LATER = "It is tried again."
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY


@contextmanager
def open_regular_file(path: str, real: str = "") -> Iterator[int]:
    """A descriptor of the regular file at `path`, links followed; never blocks on a FIFO or device.

    With `real`, the real path that was judged, that one is opened, and neither it nor anything above it may
    be a link by now.
    Raises FileSkipped, FileFailed or FileUnreadable, also for what the system refuses inside the block.
    """
    descriptor = -1
    try:
        descriptor = _open_judged(real) if real else _open(os.path.realpath(path))
        _require_regular(os.fstat(descriptor))
        yield descriptor
    except OSError as error:
        raise error_of_errno(error.errno or errno.EIO) from None
    finally:
        if descriptor >= 0:
            with suppress(OSError):  # a server is away: nothing was written, and the first error tells
                os.close(descriptor)


def _open(real: str) -> int:
    return open_real(real, _FLAGS, check=_require_regular)


def _open_judged(real: str) -> int:
    try:
        return _open(real)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileUnreadable(
                f"It is a link now, or lies behind one; links are not followed. {RETRIED_LATER}"
            ) from None
        raise


def error_of_errno(number: int) -> FileFailed:
    """The error for a file whose opening or reading failed with this `errno`."""
    if refusal := privacy_refusal(number):
        return FileUnreadable(f"{refusal} {RETRIED_LATER}")
    match number:
        case errno.ENOENT | errno.ENOTDIR:
            return FileFailed("It is gone.")
        case errno.EACCES | errno.EPERM:
            return FileUnreadable(
                f"There is no permission to read it. {RETRIED_LATER}",
                "Change its permissions, or exclude it.",
            )
        case errno.ELOOP:
            return FileFailed("It is a link that leads back to itself.")
        case errno.ENAMETOOLONG:
            return FileFailed("Its path is longer than the system can open.")
        case errno.EISDIR | errno.EINVAL | errno.EFBIG | errno.EOVERFLOW | errno.ENXIO | errno.ENODEV:
            return FileFailed(f"The system cannot read it: {os.strerror(number)}.")
        case _:
            return FileUnreadable(f"It could not be read just now: {os.strerror(number)}. {RETRIED_LATER}")


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileSkipped("It is not a regular file.")
    if is_dataless(status):
        raise FileUnreadable("Its content is not on this disk; it is read once it has been fetched.")
