"""The number of processor cores that this process may use."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil


def usable_cores() -> int:
    """Physical cores, limited by the affinity of the process and by its container; at least one."""
    counts = [psutil.cpu_count(logical=False) or os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        counts.append(len(os.sched_getaffinity(0)))
    with suppress(OSError, ValueError):  # "max" where nothing is limited
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        counts.append(int(quota) // int(period))
    return max(1, min(counts))
