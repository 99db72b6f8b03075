"""Compile the kernel while a wheel is built.

Without a compiler the wheel has no kernel, and ken runs on OpenVINO.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_HERE = Path(__file__).resolve().parent
_START = _HERE.parents[2] / "app" / "ken_search_main.py"
_ANY_FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-Wall", "-Wextra", "-Werror=implicit-function-declaration")
_AVX512_FLAGS = tuple(f"-mavx512{part}" for part in ("f", "bw", "vl", "dq", "vnni", "bf16"))
KERNEL_FLAGS = (*_ANY_FLAGS, *_AVX512_FLAGS, "-mfma", "-mamx-tile", "-mamx-int8", "-mamx-bf16")
_SOURCES = {
    "abilities.c": _ANY_FLAGS,  # decides whether the rest may run, so it must run on any processor
    "kernel.c": KERNEL_FLAGS,
}


class KernelHook(BuildHookInterface[Any]):
    """Adds `kernel.so` to the wheel, and to an editable one the module that `ken` starts with."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # which ignores the force-include of the wheel
            build_data["force_include_editable"][str(_START)] = _START.name
        if sys.platform != "linux" or platform.machine() != "x86_64":
            return
        try:
            compile_kernel(_HERE / "kernel.so")
        except (OSError, subprocess.CalledProcessError) as error:
            (_HERE / "kernel.so").unlink(missing_ok=True)
            said = getattr(error, "stderr", "") or str(error)
            self.app.display_warning(f"The native kernel was not built; OpenVINO takes its place.\n{said}")
            return
        build_data["artifacts"].append("embedder/engines/native_kernel/kernel.so")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_')}"  # ctypes: any Python 3


def compile_kernel(library: Path) -> None:
    """Raises `OSError` where there is no compiler, `CalledProcessError` where it refuses."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise FileNotFoundError("There is no C compiler.")
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        objects = []
        for source, flags in _SOURCES.items():
            objects.append(str(Path(folder) / f"{source}.o"))
            _run([compiler, *flags, "-c", str(_HERE / source), "-o", objects[-1]])
        built = Path(folder) / library.name
        _run([compiler, "-shared", "-o", str(built), *objects, "-lpthread"])
        built.replace(library)  # a process that runs the old file keeps it


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
