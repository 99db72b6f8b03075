"""Reasons why a path cannot be read, as sentences for the user: special files and errors of the system."""

from __future__ import annotations

import errno
import os
import stat

from index.macos import privacy_refusal


def describe_special_file(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for test, name in kinds if test(mode)), "something special")


def explain_os_error(error: OSError, what: str) -> str:
    if refusal := privacy_refusal(error.errno or 0):
        return refusal
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return f"There is no permission to read this {what}."
        case errno.ELOOP:
            return "It is a link that leads back to itself."
        case errno.ENOENT:
            return "It leads to nothing." if what == "link" else "It is gone."
        case errno.ENAMETOOLONG:
            return "Its path is longer than the system can open."
        case _:
            return f"The system cannot read this {what}: {os.strerror(error.errno or 0)}."
