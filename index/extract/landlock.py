"""Landlock: a process of Linux gives up every file, connection and signal it has no rule for.

Owns the three system calls and their flags. Knows nothing of readers. Needs no privilege and no
library. Source: https://docs.kernel.org/userspace-api/landlock.html and linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same numbers on every processor."""
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights on files there are from a version on; each is one bit, the lowest first."""
_TCP_SINCE, _TCP = 4, 0b11
"""To bind and to connect."""
_SCOPES_SINCE, _SCOPES = 6, 0b11
"""Abstract sockets and signals of processes outside."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # what packing means from Python 3.14 on
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The kernel's version of Landlock; 0 where it has none, or has it turned off."""
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[str]) -> None:
    """Let the calling thread read files and folders below `readable`, and do nothing else with any.

    Threads started later are bound too. Raises OSError where the kernel refuses. Needs PR_SET_NO_NEW_PRIVS.
    """
    known = version()
    bits = max((bits for since, bits in _FILE_RIGHTS.items() if since <= known), default=0)
    ruleset = _Ruleset(
        (1 << bits) - 1,
        _TCP if known >= _TCP_SINCE else 0,
        _SCOPES if known >= _SCOPES_SINCE else 0,
    )
    fields = 1 + (known >= _TCP_SINCE) + (known >= _SCOPES_SINCE)
    rules = _call(_CREATE_RULESET, ctypes.byref(ruleset), 8 * fields, 0)
    try:
        for path in readable:
            _allow_reading(rules, path)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow_reading(rules: int, path: str) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = _READ_FILE | _READ_DIR if os.path.isdir(path) else _READ_FILE  # noqa: PTH112
        _call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_Beneath(rights, folder)), 0)
    finally:
        os.close(folder)


def _call(number: int, *arguments: object) -> int:
    """A system call that the C library has no function for; raises OSError."""
    numbers = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *numbers)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return int(result)
