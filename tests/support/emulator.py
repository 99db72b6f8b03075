"""Programs for processors that are not here: a compiler for them, and qemu in their place."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


def compiler_for(machine: str) -> list[str]:
    """The command of a C compiler for `machine`; skips the test where there is none, or no emulator."""
    if shutil.which(f"qemu-{machine}") is None:
        pytest.skip(f"needs qemu-{machine}")
    if machine == platform.machine() and (compiler := shutil.which("cc")):
        return [compiler]
    if compiler := shutil.which(f"{machine}-linux-gnu-gcc"):
        return [compiler, "-static"]
    pytest.skip(f"needs {machine}-linux-gnu-gcc")


def compile_program(command: Sequence[str | Path], program: Path) -> None:
    done = subprocess.run(
        [*command, "-o", program, "-lm", "-lpthread"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def emulate(machine: str, processor: str, program: Path) -> str:
    """What the program prints on that processor. Fails the test where the program does."""
    command = [f"qemu-{machine}", "-cpu", processor, program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
