"""The kernel on processors that are not here, which qemu stands in for, and under sanitizers on this one."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from support.emulator import compile_program, compiler_for, emulate

from embedder.engines.instructions import INSTRUCTIONS
from embedder.engines.native_kernel import LIBRARY, instructions
from embedder.engines.native_kernel.build import flags_of

PROCESSORS = {
    ("x86_64", "scalar"): ("core2duo",),
    ("x86_64", "sse41"): ("Penryn", "Nehalem"),
    ("x86_64", "avx2"): ("Haswell", "Skylake-Client"),
    ("aarch64", "scalar"): ("cortex-a57",),
    ("aarch64", "neon_dotprod"): ("neoverse-n1",),
    ("aarch64", "neon_i8mm"): ("max",),
}
"""By machine and instruction set, emulated processors of which it is the fastest. qemu has no
AVX-VNNI and no AVX-512."""
UNDEFINED = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
"""Undefined behaviour ends the program; needs no library, so it works in an emulator too."""
BUILDS = [(*one, ()) for one in PROCESSORS]
BUILDS += [(*one, UNDEFINED) for one in PROCESSORS if one[0] != platform.machine()]
OPERATIONS = Path(__file__).with_name("kernel_check.c")
DETECTION = '#include "processor.h"\n#include <stdio.h>\nint main(void) { printf("%d", processor()); }\n'


@pytest.mark.parametrize(("machine", "name", "sanitizer"), BUILDS)
def test_operations_are_those_of_plain_c(
    machine: str, name: str, sanitizer: tuple[str, ...], tmp_path: Path
) -> None:
    compiler = compiler_for(machine)
    flags = [*flags_of(machine, name), *sanitizer, "-UKEN_RUN", f"-I{LIBRARY.parent}"]
    program = tmp_path / "check"
    compile_program([*compiler, *flags, OPERATIONS], program)
    for processor in PROCESSORS[machine, name]:
        assert emulate(machine, processor, program) == "0 differences\n"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_each_processor_is_known(machine: str, tmp_path: Path) -> None:
    source, program = tmp_path / "detection.c", tmp_path / "detection"
    source.write_text(DETECTION)
    compile_program([*compiler_for(machine), f"-I{LIBRARY.parent}", source], program)
    for (family, name), processors in PROCESSORS.items():
        for processor in processors if family == machine else ():
            found = int(emulate(machine, processor, program))
            assert INSTRUCTIONS[found.bit_length() - 1] == name.replace("_", "-"), processor


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("name", [name for name in instructions() if name != "amx"])
def test_operations_under_sanitizers(name: str, tmp_path: Path) -> None:
    flags = flags_of(platform.machine(), name.replace("-", "_"))
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
    program = tmp_path / "check"
    compile_program(["cc", *flags, *sanitizers, "-UKEN_RUN", f"-I{LIBRARY.parent}", OPERATIONS], program)
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "0 differences\n"), done.stderr
