"""What macOS does with files that no other system does: content that is elsewhere, and privacy protection.

Owns the flags, the calls and the words for it. Elsewhere all of it does nothing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

_SF_DATALESS = 0x40000000
"""Only the name is on this disk, and reading would fetch the content (sys/stat.h)."""
_UF_HIDDEN = 0x8000
"""Not shown by the Finder (sys/stat.h)."""
_MATERIALIZE_DATALESS_FILES, _PROCESS, _OFF = 3, 0, 1
"""Of `setiopolicy_np` (sys/resource.h): IOPOL_TYPE_VFS_MATERIALIZE_DATALESS_FILES, IOPOL_SCOPE_PROCESS,
IOPOL_MATERIALIZE_DATALESS_FILES_OFF."""


def is_dataless(status: os.stat_result) -> bool:
    """Whether a file's content is not on this disk: iCloud, Dropbox and OneDrive keep some elsewhere."""
    return bool(getattr(status, "st_flags", 0) & _SF_DATALESS)


def is_hidden(status: os.stat_result) -> bool:
    return bool(getattr(status, "st_flags", 0) & _UF_HIDDEN)


def fetch_nothing() -> None:
    """Let reads by this process fail where the content is not on this disk (EDEADLK), instead of fetching it.

    A fetch can take as long as the network wants, and cannot be interrupted.
    """
    if sys.platform == "darwin":
        ctypes.CDLL(None).setiopolicy_np(_MATERIALIZE_DATALESS_FILES, _PROCESS, _OFF)


def privacy_refusal(number: int) -> str:
    """Why macOS refuses a read with this `errno`, and the remedy; empty for any other refusal.

    Permissions refuse with EACCES. Privacy protection (TCC) refuses with EPERM, by the program that is
    responsible for this process: the terminal that ran the command, or the interpreter that launchd started.
    """
    if sys.platform != "darwin" or number != errno.EPERM:
        return ""
    return (
        f"macOS keeps it from {_responsible_program()}. Allow it in System Settings, Privacy & Security, "
        "Full Disk Access."
    )


def _responsible_program() -> str:
    service = os.environ.get("XPC_SERVICE_NAME", "0")  # "0" or the terminal's, where a shell is above
    if service not in ("", "0") and not service.startswith("application."):
        return os.path.realpath(sys.executable)
    terminal = os.environ.get("TERM_PROGRAM", "").removesuffix(".app").replace("Apple_", "")
    return f"the program that started it ({terminal})" if terminal else "the program that started it"
