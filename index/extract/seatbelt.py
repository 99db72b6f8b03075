"""macOS's sandbox: a process gives up every file, connection and program its profile does not name.

Owns the profile and the call of `sandbox_init`, which is marked as deprecated in sandbox(7) and is what
browsers still use. Knows nothing of readers.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

_SYSTEM = ("/usr/lib", "/System/Library", "/System/Volumes/Preboot/Cryptexes")
"""Folders of the system's own libraries."""
_PROFILE = """(version 1)
(deny default)
(allow file-read-metadata)
(allow sysctl-read)
(allow signal (target self))
(allow file-read-data file-map-executable {places})
"""


def profile(readable: Iterable[str]) -> str:
    """The profile under which files below `readable` and the system's libraries may be read, no others."""
    places = (os.path.realpath(path) for path in (*_SYSTEM, *readable))
    return _PROFILE.format(places=" ".join(f"(subpath {_quote(place)})" for place in places))


def restrict(readable: Iterable[str], library: ctypes.CDLL | None = None) -> None:
    """Put this process under the profile. Raises OSError with the system's words where it is refused."""
    system = library or ctypes.CDLL(None)
    message = ctypes.c_char_p()
    if system.sandbox_init(profile(readable).encode(), ctypes.c_uint64(0), ctypes.byref(message)) != 0:
        raise OSError((message.value or b"sandbox_init failed").decode("utf-8", "replace"))


def _quote(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
