"""The kernel on processors that are not here: compiled by Zig, run by an emulator; skipped without both."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedder.engines.native_kernel import LIBRARY

EMULATOR = shutil.which("qemu-aarch64")
pytestmark = pytest.mark.skipif(
    EMULATOR is None or importlib.util.find_spec("ziglang") is None,
    reason="needs qemu-aarch64 and the package ziglang",
)
SETS = {
    "scalar": ("generic", ("neoverse-n1", "max")),
    "neon_dotprod": ("generic+v8_2a+dotprod", ("neoverse-n1", "max")),
    "neon_i8mm": ("generic+v8_6a+dotprod+i8mm", ("max",)),
}
"""For each instruction set, Zig's name of a processor that has it, and the emulated processors."""


@pytest.mark.parametrize("name", SETS)
def test_operations_on_arm_are_those_of_plain_c(name: str, tmp_path: Path) -> None:
    built, processors = SETS[name]
    program = tmp_path / "check"
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", f"-mcpu={built}"]
    command += [
        "-O3",
        "-std=gnu11",
        "-DVECTOR_BYTES=16",
        f"-I{LIBRARY.parent}",
        "-static",
        "-o",
        str(program),
    ]
    source = Path(__file__).with_name("kernel_check.c")
    subprocess.run([*command, str(source), "-lm", "-lpthread"], check=True, timeout=300)
    for processor in processors:
        done = subprocess.run(
            [str(EMULATOR), "-cpu", processor, str(program)], capture_output=True, text=True, timeout=300
        )
        assert (done.returncode, done.stdout) == (0, "0 differences\n")
