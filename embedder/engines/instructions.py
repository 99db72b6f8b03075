"""The instruction sets of the native kernel. Imports little, since settings need the names."""

from __future__ import annotations

from typing import Literal, get_args

Instructions = Literal[
    "auto",
    "scalar",
    "sse41",
    "avx2",
    "avx-vnni",
    "avx512",
    "avx512-vnni",
    "avx512-bf16",
    "amx",
    "neon-dotprod",
    "neon-i8mm",
]
"""`auto` is the fastest of this processor, `scalar` plain C."""
INSTRUCTIONS: tuple[str, ...] = get_args(Instructions)[1:]
"""The sets in the order of kernel.h: of one family, the later the faster."""
