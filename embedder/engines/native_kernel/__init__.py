"""The compiled kernel: where it lies and what it can use of this processor. Its sources lie beside it."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parent / "kernel.so"

AVX512, AMX = 1, 2
"""What `abilities` is made of: AVX-512 with VNNI and BF16, and AMX with int8 and bfloat16."""


@cache
def abilities() -> int:
    """Bits of what the kernel can use; 0 where it was not built or this processor cannot run it."""
    try:
        return int(ctypes.CDLL(str(LIBRARY)).ken_abilities())
    except OSError:
        return 0
