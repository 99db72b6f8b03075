"""The compiled kernel: its path, the instruction sets that it can use here, and why it is not used."""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parent / "kernel.so"
CPUINFO = Path("/proc/cpuinfo")

AVX512, AMX = 1, 2
"""Bits of `abilities`: AVX-512 with VNNI and BF16; AMX with int8 and bfloat16 (kernel.h)."""
NOT_BUILT = (
    "ken's own kernel, about twice as fast as OpenVINO, would run on this processor, but was not built. "
    "Install a C compiler (gcc or clang), then ken again with `--no-cache-dir --force-reinstall`."
)
_NEEDED = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16"}
"""As /proc/cpuinfo names what the kernel needs at least."""


@cache
def abilities() -> int:
    """Instruction sets that the kernel can use; 0 where it was not built or the processor has neither."""
    try:
        return int(ctypes.CDLL(str(LIBRARY)).ken_abilities())
    except OSError:
        return 0


def is_missing() -> bool:
    """Whether this processor could run the kernel, and it was not built."""
    return not LIBRARY.exists() and _is_for(platform.machine()) and _processor_flags() >= _NEEDED


def why_not() -> str:
    """Why the kernel cannot be used here, in a sentence; empty where it can."""
    if abilities():
        return ""
    if is_missing():
        return NOT_BUILT
    if not _is_for(platform.machine()):
        return "ken's own kernel is for x86-64 on Linux."
    return (
        "This processor lacks AVX-512 with VNNI and BF16, which ken's own kernel needs; "
        "a core embeds about a quarter as fast as one that has them."
    )


def _is_for(machine: str) -> bool:
    return sys.platform == "linux" and machine == "x86_64"


def _processor_flags() -> set[str]:
    with suppress(OSError):
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("flags"):
                return set(line.partition(":")[2].split())
    return set()
