"""The compiled scan against NumPy, with every instruction set of this processor, under the compiler's
sanitizers, and in an emulator of others."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.emulator import compiler_for

from embedder.engines import native_kernel
from embedder.engines.native_kernel.build import SCAN, flags_of
from index.search import scan_kernel, scans
from index.store.vectors import SEARCH_DIMENSION

SETS = scan_kernel.instructions()
FOLDER = scan_kernel.LIBRARY.parent
COMPILER = shutil.which("cc")
ELSEWHERE = {"x86_64": ("scalar", "avx2"), "aarch64": ("scalar", "neon_dotprod")}
"""Instruction sets that qemu has, by machine."""
needs_kernel = pytest.mark.skipif(not SETS, reason="the scan was not built")


def expected(
    codes: scans.Codes, scales: scans.Floats, query: scans.Codes, k: int, rows: scans.Ids
) -> tuple[list[int], list[float]]:
    """Scored one by one, sorted as a whole."""
    sums = (codes[rows].astype(np.int32) @ query[0].astype(np.int32)).astype(np.float32)
    scored = [
        (-float(score), int(row))
        for row, score in zip(rows, sums * scales[rows], strict=True)
        if score == score
    ]
    best = sorted(scored)[:k]
    return [row for _, row in best], [-score for score, _ in best]


@needs_kernel
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_best_rows_with_ties_filters_and_missing_rows(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 300), "rows")
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32), "seed"))
    spread = data.draw(st.sampled_from([1, 3, 127]), "largest code")  # small ones make many equal scores
    codes = generator.integers(-spread, spread + 1, (count, SEARCH_DIMENSION), np.int8)
    codes[:, data.draw(st.integers(1, SEARCH_DIMENSION), "codes that differ") :] = 1
    scales = generator.choice(np.array([0.5, 1, 2, np.nan], np.float32), count)
    query = generator.integers(-spread, spread + 1, (1, SEARCH_DIMENSION), np.int8)
    k = data.draw(st.integers(1, count + 3), "k")
    rows = None
    if data.draw(st.booleans(), "filter"):
        rows = np.flatnonzero(generator.random(count) < 0.4)
    wanted = expected(codes, scales, query, k, np.arange(count) if rows is None else rows)
    for set_ in SETS:
        found, scores = scans.CompiledScan(set_).best(codes, scales, query, k, rows)
        assert (found.tolist(), scores.tolist()) == wanted
    found, scores = scans.BlockScan(scans.numpy_products).best(codes, scales, query, k, rows)
    assert (found.tolist(), scores.tolist()) == wanted


@needs_kernel
def test_many_threads_find_the_same_where_most_scores_are_equal() -> None:
    generator = np.random.default_rng(5)
    codes = generator.integers(-127, 128, (20, SEARCH_DIMENSION), np.int8)[generator.integers(0, 20, 70_000)]
    scales = np.ones(len(codes), np.float32)
    wanted = expected(codes, scales, codes[:1], 500, np.arange(len(codes)))
    for threads in (1, 2, 7):
        found, scores = scan_kernel.best_rows(
            codes, scales, codes[0], 500, threads=threads, instructions=SETS[0]
        )
        assert (found.tolist(), scores.tolist()) == wanted
    found, scores = scans.BlockScan(scans.numpy_products).best(codes, scales, codes[:1], 500)
    assert (found.tolist(), scores.tolist()) == wanted


@needs_kernel
@pytest.mark.parametrize("code", [-128, -127, 127])
def test_the_largest_sums_are_exact(code: int) -> None:
    codes = np.full((3, SEARCH_DIMENSION), code, np.int8)
    for set_ in SETS:
        _, scores = scans.CompiledScan(set_).best(codes, np.ones(3, np.float32), codes[:1], 3)
        assert scores.tolist() == [SEARCH_DIMENSION * code * code] * 3


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_plain_c_under_sanitizers(sanitizer: str, tmp_path: Path) -> None:
    flags = [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-g", "-O1", "-pthread"]
    check(tmp_path, [str(COMPILER)], {"scalar": flags_of(platform.machine(), "scalar", SCAN)}, [], flags)


@pytest.mark.parametrize(
    ("machine", "processor"),
    [("x86_64", "Penryn"), ("x86_64", "Haswell"), ("aarch64", "cortex-a57"), ("aarch64", "neoverse-n1")],
)
def test_on_other_processors(machine: str, processor: str, tmp_path: Path) -> None:
    sets = {name: flags_of(machine, name, SCAN) for name in ELSEWHERE[machine]}
    check(tmp_path, [*compiler_for(machine)], sets, [f"qemu-{machine}", "-cpu", processor])


def check(
    folder: Path,
    compiler: list[str],
    sets: dict[str, tuple[str, ...]],
    emulator: list[str],
    flags: Sequence[str] = (),
) -> None:
    """Build `scan_check.c` with the scan for these instruction sets, and run it."""
    common = ["-std=gnu11", f"-I{FOLDER}", f"-I{native_kernel.LIBRARY.parent}"]
    objects = [str(folder / f"{name}.o") for name in sets]
    for own, made in zip(sets.values(), objects, strict=True):
        run([*compiler, *own, *common, *flags, "-c", str(FOLDER / "scan.c"), "-o", made])
    known = [f"-DHAVE_{name.upper()}" for name in sets]
    program = folder / "check"
    sources = [str(FOLDER / "dispatch.c"), str(Path(__file__).with_name("scan_check.c")), *objects]
    run([*compiler, *common, *flags, *known, *sources, "-o", str(program), "-lm", "-lpthread"])
    assert run([*emulator, str(program)]).startswith("0 differences")


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
