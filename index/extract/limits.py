"""What differs between systems in limiting a child process: all of it is here.

Linux bounds the address space of a process (RLIMIT_AS). macOS accepts that limit and does not hold
it, so the memory a reader really uses is watched from inside on both.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import sys
import threading
import time

OUT_OF_MEMORY = 77
"""The exit status of a child that used more memory than it may."""
_WATCH_SECONDS = 0.05


def limit_this_process(memory_bytes: int) -> None:
    """Bound memory, files written, core dumps and priority of the calling process."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes * 3, memory_bytes * 3))
    with contextlib.suppress(OSError):
        os.nice(5)
    threading.Thread(target=_watch_memory, args=(memory_bytes,), daemon=True).start()


def allow_processor_time(seconds: float) -> None:
    """Let the system end this process (SIGXCPU) once it has used so many more seconds, rounded up."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))


def own_peak_memory() -> int:
    """Resident bytes of this process at their peak.

    Linux's `ru_maxrss` also covers the parent the process was started from, up to the exec; VmHWM
    (proc(5)) is this program's alone.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError), open("/proc/self/status", "rb", 0) as status:  # noqa: PTH123
            return int(status.read(4096).partition(b"VmHWM:")[2].split(None, 1)[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _watch_memory(limit: int) -> None:
    while True:
        time.sleep(_WATCH_SECONDS)
        if own_peak_memory() > limit:
            os._exit(OUT_OF_MEMORY)
