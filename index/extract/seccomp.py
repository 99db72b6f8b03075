"""A filter of system calls (seccomp): what a reader never needs is refused before the kernel looks at it.

Owns the list of calls and the program that is handed to the kernel. Only what is listed is let through;
all else fails with EPERM, so a library that tries goes on without. Sources: seccomp(2),
https://docs.kernel.org/userspace-api/seccomp_filter.html; numbers from the kernel's unistd_64.h and
asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_CALLS = {
    # name: number on x86-64 (None: it has none), on 64-bit Arm
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "lseek": (8, 62), "close": (3, 57), "fstat": (5, 80), "newfstatat": (262, 79), "stat": (4, None),
    "lstat": (6, None), "statx": (332, 291), "fstatfs": (138, 44), "access": (21, None),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78),
    "getdents64": (217, 61), "getcwd": (79, 17), "fadvise64": (221, 223), "dup": (32, 23),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214), "futex": (202, 98), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "membarrier": (324, 283), "rseq": (334, 293),
    "set_robust_list": (273, 99), "nanosleep": (35, 101), "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrandom": (318, 278), "getpid": (39, 172), "gettid": (186, 178),
    "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "uname": (63, 160), "sysinfo": (99, 179), "getrusage": (98, 165),
    "getrlimit": (97, 163), "setrlimit": (160, 164), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "sigaltstack": (131, 132), "restart_syscall": (219, 128),
    "exit": (60, 93), "exit_group": (231, 94), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72), "recvmsg": (47, 212), "sendmsg": (46, 211),
    "recvfrom": (45, 207), "sendto": (44, 206), "shutdown": (48, 210),
    # with conditions, below
    "open": (2, None), "openat": (257, 56), "ioctl": (16, 29), "fcntl": (72, 25),
    "prlimit64": (302, 261), "tgkill": (234, 131), "clone": (56, 220), "clone3": (435, 435),
}  # fmt: skip
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column of `_CALLS` and AUDIT_ARCH (linux/audit.h)."""
_X32 = 0x40000000
"""Numbers from here on are the x86-64 kernel's second set of calls, which would pass the list by."""

_SET_NO_NEW_PRIVS = 38
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _ALL_THREADS = 1, 1

_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_LACK = 0x00050000 | errno.ENOSYS
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions of the classic Berkeley packet filter (linux/bpf_common.h)."""
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`; an argument has 8 bytes, its low half first."""
_TMPFILE = getattr(os, "O_TMPFILE", 0) & ~getattr(os, "O_DIRECTORY", 0)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | _TMPFILE
_FILE_SETTINGS = (0, 1, 2, 3, 4, 1030)
"""fcntl: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC; not F_SETOWN, which sends signals."""
_THREAD = 0x10000
"""CLONE_THREAD: the new thread belongs to this process, under the same rules and limits."""
_DEVICE_SETTINGS = (0x5401, 0x5421, 0x5450, 0x5451)
"""ioctl: TCGETS (is it a terminal), FIONBIO (a socket's timeout), FIONCLEX, FIOCLEX."""


class _Condition(NamedTuple):
    """Which values of an argument let a call through: those listed, or without a bit, or with a bit.

    Any other is answered with `otherwise`.
    """

    argument: int
    values: tuple[int, ...] = ()
    never: int = 0
    always: int = 0
    otherwise: int = _REFUSE


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def usable() -> bool:
    """Whether the calls of this processor are known here."""
    return platform.machine() in _MACHINES


def no_new_privileges() -> None:
    """This process and its children gain no rights from a program they run. Raises OSError."""
    _check(_library().prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def restrict() -> None:
    """Refuse what is not listed, in every thread of this process; files may be opened to be read.

    Raises OSError where the kernel refuses. Needs PR_SET_NO_NEW_PRIVS.
    """
    machine = platform.machine()
    program = b"".join(_program(machine))
    held = ctypes.create_string_buffer(program, len(program))
    whole = _Program(len(program) // 8, ctypes.cast(held, ctypes.c_void_p))
    _check(
        _library().syscall(
            ctypes.c_long(_SECCOMP[machine]),
            ctypes.c_long(_SET_MODE_FILTER),
            ctypes.c_long(_ALL_THREADS),
            ctypes.byref(whole),
        )
    )


def _program(machine: str) -> Iterator[bytes]:
    column, architecture = _MACHINES[machine]
    conditions = _conditions()
    yield _instruction(_LOAD, _ARCHITECTURE)
    yield _instruction(_EQUAL, architecture, then=1)
    yield _instruction(_RETURN, _KILL)
    yield _instruction(_LOAD, _NUMBER)
    yield _instruction(_AT_LEAST, _X32, otherwise=1)
    yield _instruction(_RETURN, _REFUSE)
    for name, numbers in _CALLS.items():
        number = numbers[column]
        if number is not None:
            body = (
                _conditional_return(conditions[name])
                if name in conditions
                else [_instruction(_RETURN, _ALLOW)]
            )
            yield _instruction(_EQUAL, number, otherwise=len(body))
            yield from body
    yield _instruction(_RETURN, _REFUSE)


def _conditions() -> Mapping[str, _Condition]:
    return {
        "open": _Condition(1, never=_WRITING),
        "openat": _Condition(2, never=_WRITING),
        "ioctl": _Condition(1, _DEVICE_SETTINGS),
        "fcntl": _Condition(1, _FILE_SETTINGS),
        "prlimit64": _Condition(0, (0,)),  # of this process only
        "tgkill": _Condition(0, (os.getpid(),)),  # abort() ends this process by it
        "clone": _Condition(0, always=_THREAD),  # libraries that decode pictures start threads
        # Its flags are in memory, which a filter cannot see. Where it is missing, the C library calls clone.
        "clone3": _Condition(0, otherwise=_LACK),
    }


def _conditional_return(condition: _Condition) -> list[bytes]:
    found = [_instruction(_LOAD, _ARGUMENTS + 8 * condition.argument)]
    for value in condition.values:
        found += [_instruction(_EQUAL, value, otherwise=1), _instruction(_RETURN, _ALLOW)]
    if condition.never:
        found += [_instruction(_ANY_BIT, condition.never, then=1), _instruction(_RETURN, _ALLOW)]
    if condition.always:
        found += [_instruction(_ANY_BIT, condition.always, otherwise=1), _instruction(_RETURN, _ALLOW)]
    return [*found, _instruction(_RETURN, condition.otherwise)]


def _instruction(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """`then` and `otherwise`: how many instructions are passed over where a comparison holds or fails."""
    return struct.pack("=HBBI", code, then, otherwise, value)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
