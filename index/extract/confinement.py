"""What a reading process may reach: nothing but the file it is handed and the code it runs.

Owns the order in which a process gives up its rights, and what is said of those it could not give up.
Knows no format. A reader parses files from unknown sources, in libraries written in C, C++ and Rust: one
that is taken over finds no other file, no network, no program and no process to go on to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from index.extract import landlock, limits, seatbelt, seccomp

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
              "/nix/store", "/gnu/store")  # fmt: skip
"""Folders of shared libraries on Linux; they hold no documents."""


@dataclass(slots=True)
class Confinement:
    """By what a process is confined, and what could not be had, with the reason."""

    means: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def confine(start_threads: Callable[[], None]) -> Confinement:
    """Give up everything a reader does not need, for good. `start_threads` starts those it keeps.

    Threads start after the rules on files, which bind only threads that start later. Where Linux can filter
    calls, a library may start more of them, but no process; where it cannot, neither.
    """
    if sys.platform == "linux":
        return _confine_linux(start_threads)
    found = Confinement()
    start_threads()
    limits.start_no_process()
    if sys.platform == "darwin":
        _try(found, "sandbox", lambda: seatbelt.restrict(code()))
    else:
        found.missing.append(f"{sys.platform} is not known")
    return found


def code() -> Iterator[str]:
    """The folders of Python's modules and of the shared libraries that they load.

    None that holds the home folder, whatever PYTHONPATH says.
    """
    home = os.path.realpath(os.path.expanduser("~")) + "/"  # noqa: PTH111
    named = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    for path in (*sys.path, f"{sys.base_prefix}/lib", *_LIBRARIES, *named):
        if path and not home.startswith(os.path.realpath(path).rstrip("/") + "/"):
            yield path


def _confine_linux(start_threads: Callable[[], None]) -> Confinement:
    found = Confinement()
    if not _try(found, "no new privileges", seccomp.no_new_privileges):
        start_threads()  # both of the others need it
        limits.start_no_process()
        return found
    found.means.clear()  # by itself it keeps nothing away
    if version := landlock.version():
        _try(found, f"Landlock {version}", lambda: landlock.restrict(code()))
    else:
        found.missing.append("this kernel offers no Landlock")
    start_threads()
    if not seccomp.usable():
        found.missing.append("the system calls of this processor are not listed")
    elif _try(found, "seccomp", seccomp.restrict):
        return found
    limits.start_no_process()
    return found


def _try(found: Confinement, means: str, restrict: Callable[[], None]) -> bool:
    try:
        restrict()
    except (OSError, AttributeError) as error:  # a C library without the function
        found.missing.append(f"{means}: {error}")
        return False
    found.means.append(means)
    return True
