"""The compiled scan against NumPy, with every instruction set of this processor, under the compiler's
sanitizers, and in an emulator of others."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.engines import native_kernel
from index.search import scan_kernel, scans
from index.store.vectors import SEARCH_DIMENSION

SETS = scan_kernel.instructions()
FOLDER = scan_kernel.LIBRARY.parent
COMPILER = shutil.which("cc")
EMULATOR = shutil.which("qemu-aarch64")
needs_kernel = pytest.mark.skipif(not SETS, reason="the scan was not built")
needs_emulator = pytest.mark.skipif(
    EMULATOR is None or importlib.util.find_spec("ziglang") is None,
    reason="needs qemu-aarch64 and the package ziglang",
)


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
    check(tmp_path, [str(COMPILER), *flags], {"scalar": ()}, [])


@needs_emulator
@pytest.mark.parametrize("processor", ["neoverse-n1", "cortex-a57"])
def test_on_arm(processor: str, tmp_path: Path) -> None:
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-musl", "-static", "-O3"]
    sets = {"scalar": (), "neon_dotprod": ("-mcpu=generic+v8_2a+dotprod",)}
    check(tmp_path, compiler, sets, [str(EMULATOR), "-cpu", processor])


def check(folder: Path, compiler: list[str], sets: dict[str, tuple[str, ...]], emulator: list[str]) -> None:
    """Build `scan_check.c` with the scan for these instruction sets, and run it."""
    common = ["-std=gnu11", "-DVECTOR_BYTES=16", f"-I{FOLDER}", f"-I{native_kernel.LIBRARY.parent}"]
    objects = [str(folder / f"{name}.o") for name in sets]
    for (name, flags), made in zip(sets.items(), objects, strict=True):
        source = [f"-DKEN_SCAN=ken_scan_{name}", "-c", str(FOLDER / "scan.c"), "-o", made]
        run([*compiler, *common, *flags, *source])
    known = [f"-DHAVE_{name.upper()}" for name in sets]
    program = folder / "check"
    sources = [str(FOLDER / "dispatch.c"), str(Path(__file__).with_name("scan_check.c")), *objects]
    run([*compiler, *common, *known, *sources, "-o", str(program), "-lm", "-lpthread"])
    assert run([*emulator, str(program)]).startswith("0 differences")


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
