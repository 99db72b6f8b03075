"""What a reading process may take of the machine: memory, processor time, files, processes.

Linux bounds the address space of a process (RLIMIT_AS). macOS holds such a limit only above what a process
has mapped at its start, hundreds of gigabytes, so it is not set there; the memory a reader really uses is
watched from inside on both. Knows nothing of what a reader
may reach: that is `confinement`'s.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import sys
import threading
import time
from functools import lru_cache

OUT_OF_MEMORY = 77
"""The exit status of a child that used more memory than it may."""
_WATCH_SECONDS = 0.05
_MOST_DESCRIPTORS = 32
"""Open at once in a reader: its socket, its file, and what an import opens for a moment."""


def limit_this_process(memory_bytes: int) -> None:
    """Bound address space, files written and open, core dumps and priority of the calling process."""
    own_peak_memory()  # opens what it reads
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _MOST_DESCRIPTORS)
    if sys.platform == "linux":
        _limit(resource.RLIMIT_AS, memory_bytes * 3)
    with contextlib.suppress(OSError):
        os.nice(5)


def watch_memory(memory_bytes: int) -> None:
    """End this process (`OUT_OF_MEMORY`) once more memory is resident."""
    threading.Thread(target=_watch, args=(memory_bytes,), daemon=True).start()


def start_no_process() -> None:
    """Let the system refuse new processes. On Linux threads too: it counts a user's threads as processes."""
    _limit(resource.RLIMIT_NPROC, 0)


def allow_processor_time(seconds: float) -> None:
    """Let the system end this process (SIGXCPU) once it has used so many more seconds, rounded up."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))


def own_peak_memory() -> int:
    """Resident bytes of this process at their peak.

    Linux's `ru_maxrss` also covers the parent the process was started from, up to the exec; VmHWM
    (proc(5)) is this program's alone. The file that holds it is opened once and stays open: a confined
    process opens none.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        if (status := _status()) is not None:
            return int(os.pread(status, 4096, 0).partition(b"VmHWM:")[2].split(None, 1)[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@lru_cache(maxsize=1)
def _status() -> int | None:
    with contextlib.suppress(OSError):
        return os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    return None


def _limit(what: int, most: int) -> None:
    """Set a limit that cannot be raised again; one that is lower already stays."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most, most))


def _watch(limit: int) -> None:
    while True:
        time.sleep(_WATCH_SECONDS)
        if own_peak_memory() > limit:
            os._exit(OUT_OF_MEMORY)
