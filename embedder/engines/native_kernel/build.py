"""Compile the kernels while a wheel is built: that of the model, and that of the scan of vectors.

Without a compiler the wheel has none: ken is slow then where there is no GPU, and compares vectors with
NumPy. Where `KEN_WHEEL` names a machine, Zig compiles for it, and the wheel is for any Linux on it; `macos`
and `any` are wheels without them (`.ci/wheel`). Where a package that ken needs has no wheel, an installation
from the sources ends with the reason, before pip looks for that package.
`python -m embedder.engines.native_kernel.build` compiles the kernels in a source tree.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_HERE = Path(__file__).resolve().parent
_TOP = _HERE.parents[2]
_START = _TOP / "app" / "ken_search_main.py"
_ANY_FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")
_AVX512_FLAGS = ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma")
_SETS: dict[str, dict[str, tuple[int, tuple[str, ...]]]] = {
    "x86_64": {
        "scalar": (16, ()),
        "sse41": (16, ("-msse4.1",)),
        "avx2": (32, ("-mavx2", "-mfma")),
        "avx_vnni": (32, ("-mavx2", "-mfma", "-mavxvnni")),
        "avx512": (64, _AVX512_FLAGS),
        "avx512_vnni": (64, (*_AVX512_FLAGS, "-mavx512vnni")),
        "avx512_bf16": (
            64,
            (*_AVX512_FLAGS, "-mavx512vnni", "-mavx512bf16", "-mamx-tile", "-mamx-int8", "-mamx-bf16"),
        ),
    },
    "aarch64": {
        "scalar": (16, ()),
        "neon_dotprod": (16, ("-march=armv8.2-a+dotprod",)),
        "neon_i8mm": (16, ("-march=armv8.2-a+dotprod+i8mm",)),
    },
}
"""By machine and instruction set: bytes of a vector, and flags of the compiler. A set that the compiler does
not know is left out."""


class Kernel(NamedTuple):
    """One compiled library. `source`, compiled for each instruction set, defines a function named by `name`
    and the set; `dispatch.c` beside it chooses among them."""

    folder: str
    source: str
    name: str
    unused: tuple[str, ...] = ()
    """Instruction sets that have nothing to offer it."""

    @property
    def library(self) -> str:
        return f"{self.folder}/kernel.so"


MODEL = Kernel("embedder/engines/native_kernel", "kernel.c", "run")
SCAN = Kernel("index/search/scan_kernel", "scan.c", "scan", ("sse41", "avx512", "avx512_bf16", "neon_i8mm"))
KERNELS = (MODEL, SCAN)

GLIBC = "2.28"
"""The oldest C library that a wheel for any Linux runs with."""
NEEDED_GLIBC, MACOS = (2, 35), 14
"""The oldest C library and the oldest macOS that MLX has a wheel for, which ken needs."""


def flags_of(machine: str, name: str, kernel: Kernel = MODEL) -> tuple[str, ...]:
    """The compiler's flags for a kernel with one instruction set."""
    vector_bytes, flags = _SETS[machine][name]
    function = f"-DKEN_{kernel.name.upper()}=ken_{kernel.name}_{name}"
    return (*_ANY_FLAGS, *flags, f"-DVECTOR_BYTES={vector_bytes}", function)


class KernelHook(BuildHookInterface[Any]):
    """Adds each `kernel.so` to the wheel, and to an editable one the module that `ken` starts with."""

    PLUGIN_NAME = "custom"
    _folder = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # which ignores the force-include of the wheel
            build_data["force_include_editable"][str(_START)] = _START.name
        if target := os.environ.get("KEN_WHEEL"):
            if target == "macos":
                build_data["tag"] = f"py3-none-macosx_{MACOS}_0_arm64"
            elif target != "any":
                self._build_for(target, build_data)
            return
        if sys.platform != "linux" or platform.machine() not in _SETS:
            return
        try:
            for kernel in KERNELS:
                compile_kernel(_TOP / kernel.library, kernel=kernel)
        except (OSError, subprocess.CalledProcessError) as error:
            for kernel in KERNELS:
                (_TOP / kernel.library).unlink(missing_ok=True)
            said = getattr(error, "stderr", "") or str(error)
            self.app.display_warning(
                f"The native kernels were not built: without a GPU ken will be slow.\n{said}"
            )
            return
        build_data["artifacts"] += [kernel.library for kernel in KERNELS]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_')}"  # ctypes: any Python 3

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self._folder:
            shutil.rmtree(self._folder)

    def _build_for(self, machine: str, build_data: dict[str, Any]) -> None:
        """Add the kernels for that machine; those in the source tree, for this machine, stay."""
        self._folder = tempfile.mkdtemp()
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-gnu.{GLIBC}", "-s"]
        for kernel in KERNELS:
            library = Path(self._folder) / f"{kernel.name}.so"
            compile_kernel(library, zig, machine, kernel)
            build_data["force_include"][str(library)] = kernel.library
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_{GLIBC.replace('.', '_')}_{machine}"


class PlatformHook(MetadataHookInterface):
    """Ends an installation from the sources on a system that a package of ken's has no wheel for: pip would
    name the package, not the cause. Wheels for other machines (`KEN_WHEEL`) are built anywhere."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        if "KEN_WHEEL" not in os.environ and (why := why_unsupported()):
            raise SystemExit(f"ken cannot be installed here: {why} See assets/docs/installing.md.")


def why_unsupported() -> str:
    """Why ken cannot run on this system, in a sentence; empty where it can."""
    if sys.platform == "darwin":
        if platform.machine() != "arm64":
            return "on a Mac it needs Apple silicon, and a Python that is not run by Rosetta."
        version = platform.mac_ver()[0]
        if int(version.split(".")[0] or 0) < MACOS:
            return f"it needs macOS {MACOS} or later, and this is {version}."
        return ""
    if sys.platform != "linux" or platform.machine() not in _SETS:
        return "it runs on macOS with Apple silicon, and on Linux on x86-64 or 64-bit Arm."
    library, version = platform.libc_ver()
    if library != "glibc":
        return "it needs glibc, which Alpine and other systems with musl do not have."
    if tuple(map(int, version.split(".")[:2])) < NEEDED_GLIBC:
        return f"it needs glibc {'.'.join(map(str, NEEDED_GLIBC))} or later, and this system has {version}."
    return ""


def compile_kernel(
    library: Path, compiler: Sequence[str] = (), machine: str = "", kernel: Kernel = MODEL
) -> None:
    """Compile a kernel for every instruction set of `machine`, by default this one.

    Raises `OSError` where there is no compiler, `CalledProcessError` where it refuses plain C.
    """
    compiler = compiler or [_compiler()]
    machine = machine or platform.machine()
    sources = _TOP / kernel.folder
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        objects: dict[str, str] = {}
        for name in [name for name in _SETS[machine] if name not in kernel.unused]:
            made = str(Path(folder) / f"{name}.o")
            flags = flags_of(machine, name, kernel)
            if "ziglang" in compiler:
                flags = tuple(flag.replace("-march=armv8.2-a+", "-mcpu=generic+v8_2a+") for flag in flags)
            command = [*compiler, *flags, "-c", str(sources / kernel.source), "-o", made]
            try:
                _run(command)
            except subprocess.CalledProcessError:
                if name == "scalar":
                    raise
                continue
            objects[name] = made
        known = [f"-DHAVE_{name.upper()}" for name in objects]
        built = Path(folder) / library.name
        parts = [f"-I{_HERE}", str(sources / "dispatch.c"), *objects.values()]
        _run([*compiler, *_ANY_FLAGS, *known, "-shared", "-o", str(built), *parts, "-lpthread"])
        built.replace(library)  # a process that runs the old file keeps it


def _compiler() -> str:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise FileNotFoundError("There is no C compiler.")
    return compiler


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    for each in KERNELS:
        compile_kernel(_TOP / each.library, kernel=each)
