"""The compiled kernel: its path, and the instruction sets that it can use on this processor."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parent / "kernel.so"

AVX512, AMX = 1, 2
"""Bits of `abilities`: AVX-512 with VNNI and BF16; AMX with int8 and bfloat16 (kernel.h)."""


@cache
def abilities() -> int:
    """Instruction sets that the kernel can use; 0 where it was not built or the processor has neither."""
    try:
        return int(ctypes.CDLL(str(LIBRARY)).ken_abilities())
    except OSError:
        return 0
