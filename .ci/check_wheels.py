"""Checks the wheels in a folder: what they are for, and that the kernel in each is for that.

`.ci/wheel` calls it with the folder. Needs nothing but Python, and Zig where it checks on an emulator.
"""

from __future__ import annotations

import ctypes
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

KERNELS = {
    "embedder/engines/native_kernel/kernel.so": "ken_run",
    "index/search/scan_kernel/kernel.so": "ken_scan",
}
"""The compiled libraries, and what the names of their functions for each instruction set begin with."""
MACHINES = {"x86_64": 62, "aarch64": 183}
"""The number of each machine in a library's header (man 5 elf)."""
ARM_LIBRARIES = Path("/usr/aarch64-linux-gnu")
"""The C library for Arm of Debian's and Ubuntu's cross compiler."""
ARM_PROCESSORS = {"cortex-a57": 1, "neoverse-n1": 2}
"""Emulated processors, and how many of the instruction sets that each kernel has they can run at least."""
LOAD = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **names) {
    void *library = dlopen(names[count - 1], RTLD_NOW);
    if (!library) return fputs(dlerror(), stderr), 1;
    return printf("%d", ((int (*)(void))dlsym(library, "ken_instructions"))()), 0;
}
"""
SETS = {
    ("ken_run", "x86_64"): ("sse41", "avx2", "avx_vnni", "avx512_vnni", "avx512_bf16"),
    ("ken_run", "aarch64"): ("neon_dotprod", "neon_i8mm"),
    ("ken_scan", "x86_64"): ("avx2", "avx_vnni", "avx512_vnni"),
    ("ken_scan", "aarch64"): ("neon_dotprod",),
}
"""Instruction sets that a wheel's kernels must have been compiled for."""


def main(folder: str) -> None:
    wheels = {wheel.stem.split("-", 2)[2]: wheel for wheel in Path(folder).glob("*.whl")}
    expected = {"py3-none-any", "py3-none-macosx_14_0_arm64"}
    expected.update(f"py3-none-manylinux_2_28_{machine}" for machine in MACHINES)
    assert set(wheels) == expected, sorted(wheels)
    assert len({wheel.name.split("-")[1] for wheel in wheels.values()}) == 1, "one version"
    for tag, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            assert "app/cli/__init__.py" in names and "ken_search_main.py" in names, tag
            machine = tag.split("_", 3)[-1] if "manylinux" in tag else ""
            for kernel, function in KERNELS.items():
                assert (kernel in names) == bool(machine), tag
                if machine:
                    check_kernel(archive.read(kernel), function, machine)
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes")


def check_kernel(library: bytes, function: str, machine: str) -> None:
    assert library[:4] == b"\x7fELF" and int.from_bytes(library[18:20], "little") == MACHINES[machine], (
        machine
    )
    missing = [name for name in SETS[function, machine] if f"{function}_{name}".encode() not in library]
    assert not missing, f"the kernel for {machine} was not compiled for {missing}"
    needed = {tuple(map(int, one.split(b"."))) for one in re.findall(rb"GLIBC_([0-9.]+)", library)}
    assert max(needed) <= (2, 28), f"the kernel for {machine} needs glibc {max(needed)}"
    with tempfile.NamedTemporaryFile(suffix=".so") as file:
        file.write(library)
        file.flush()
        if sys.platform == "linux" and platform.machine() == machine:
            print(f"instruction sets here: {ctypes.CDLL(file.name).ken_instructions():b}")
        elif machine == "aarch64" and shutil.which("qemu-aarch64") and ARM_LIBRARIES.exists():
            check_on_arm(file.name)


def check_on_arm(library: str) -> None:
    """Load a kernel for Arm in an emulator, and ask it what it can do on two processors."""
    with tempfile.TemporaryDirectory() as folder:
        program, source = Path(folder) / "load", Path(folder) / "load.c"
        source.write_text(LOAD)
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu.2.28"]
        subprocess.run([*zig, source, "-o", program, "-ldl"], check=True)
        for processor, sets in ARM_PROCESSORS.items():
            emulator = ["qemu-aarch64", "-cpu", processor, "-L", ARM_LIBRARIES]
            found = subprocess.run([*emulator, program, library], check=True, stdout=subprocess.PIPE).stdout
            print(f"instruction sets of {processor}: {int(found):b}")
            assert int(found).bit_count() >= sets, processor


if __name__ == "__main__":
    main(*sys.argv[1:])
