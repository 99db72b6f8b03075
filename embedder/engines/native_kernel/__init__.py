"""The compiled kernel: its path, the instruction sets that it can use here, and why it is not used."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from embedder.engines.instructions import INSTRUCTIONS

LIBRARY = Path(__file__).parent / "kernel.so"
CPUINFO = Path("/proc/cpuinfo")

SCALAR = "scalar"
NOT_BUILT = (
    "ken's own kernel would run here, but was not built. MLX without a GPU embeds about 20 tokens a second "
    "of a core, the kernel hundreds. "
    "Install a C compiler (gcc or clang), then ken again with `--no-cache-dir --force-reinstall`."
)
_NEEDED = {"x86_64": {"sse4_1", "ssse3"}, "aarch64": {"asimddp"}}
"""By machine, the least that the kernel needs to be fast, as /proc/cpuinfo names it."""


@cache
def instructions() -> tuple[str, ...]:
    """The sets that the kernel can use here, the fastest first; none where it was not built, or from other
    sources."""
    try:
        found = int(ctypes.CDLL(str(LIBRARY)).ken_instructions())
    except (OSError, AttributeError):
        return ()
    return tuple(name for bit, name in reversed([*enumerate(INSTRUCTIONS)]) if found >> bit & 1)


def is_fast() -> bool:
    """Whether the kernel has more than plain C for this processor."""
    return bool(instructions()) and instructions()[0] != SCALAR


def is_missing() -> bool:
    """Whether this processor could run the kernel, and it was not built."""
    if LIBRARY.exists() or not _is_for_this_system():
        return False
    return _processor_flags() >= _NEEDED[platform.machine()]


def why_slow() -> str:
    """Why nothing fast runs on this processor, in a sentence; empty where the kernel is fast."""
    if is_fast():
        return ""
    if is_missing():
        return NOT_BUILT
    if not _is_for_this_system():
        return "ken's own kernel is for Linux on x86-64 and 64-bit Arm."
    return (
        "This processor has neither SSE4.1 nor the dot products of newer Arm processors, "
        "which ken's own kernel needs to be fast: it embeds about 50 tokens a second of a core."
    )


def _is_for_this_system() -> bool:
    return sys.platform == "linux" and platform.machine() in _NEEDED


def _processor_flags() -> set[str]:
    with suppress(OSError):
        for line in CPUINFO.read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return set(line.partition(":")[2].split())
    return set()
