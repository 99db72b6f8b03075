"""ken's kernel against the NumPy oracle, with each of the instruction sets that this processor has."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest
from support.oracle import vector
from support.tiny_model import make_tiny_checkpoint

import embedder
from embedder import self_test
from embedder.checkpoints import artifact_cache
from embedder.checkpoints.checkpoint import Checkpoint, open_checkpoint
from embedder.checkpoints.convert import convert
from embedder.engines import choose
from embedder.engines.native import NativeEngine
from embedder.engines.native_kernel import LIBRARY
from embedder.engines.native_kernel import instructions as available
from embedder.errors import EngineUnavailable, PrecisionUnavailable

pytestmark = pytest.mark.skipif(not available(), reason="the kernel is not built")

SETS = available()
SEVEN_BITS = ("sse41", "avx2", "avx512")
"""Sets without a product of unsigned and signed bytes, so that activations have seven bits."""
LENGTHS = (2, 3, 16, 17, 18, 31, 32, 33, 34, 64, 65, 90, 200)
"""Around the tiny model's window of 17 and the kernel's blocks of 32, and far past both."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(make_tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(params=SETS)
def instructions(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make(
    checkpoint: Checkpoint, precision: str, instructions: str = "auto", threads: int = 2
) -> NativeEngine:
    return NativeEngine(checkpoint, precision, threads=threads, instruction_set=instructions)  # type: ignore[arg-type]


def texts(*lengths: int) -> list[list[int]]:
    rng = np.random.default_rng(7)
    return [[2, *rng.integers(4, 1000, size=n - 2).tolist(), 1] for n in lengths]


@pytest.mark.parametrize(("precision", "least"), [("bf16", 0.9995), ("int8", 0.999)])
def test_vectors_are_the_oracles_on_either_side_of_window_and_block(
    checkpoint: Checkpoint, precision: str, least: float, instructions: str
) -> None:
    made = make(checkpoint, precision, instructions)
    for ids in texts(*LENGTHS):
        got = made.run([ids])[0]
        assert float(got @ vector(checkpoint, ids)) > (0.998 if instructions in SEVEN_BITS else least), len(
            ids
        )
        assert float(got @ got) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "int8"])
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_a_text_alone_and_in_a_batch_agree_whatever_the_threads(
    checkpoint: Checkpoint, precision: str, instructions: str, threads: int
) -> None:
    made, ids = make(checkpoint, precision, instructions, threads), texts(*LENGTHS)
    alone = np.concatenate([make(checkpoint, precision, instructions, 1).run([text]) for text in ids])
    np.testing.assert_allclose(made.run(ids), alone, atol=2e-6)
    np.testing.assert_allclose(made.run(ids[::-1])[::-1], alone, atol=2e-6)


def test_all_instruction_sets_give_nearly_the_same_int8_vectors(
    checkpoint: Checkpoint, instructions: str
) -> None:
    ids = texts(*LENGTHS)
    first, other = make(checkpoint, "int8", SETS[0]).run(ids), make(checkpoint, "int8", instructions).run(ids)
    np.testing.assert_allclose(other, first, atol=2e-2 if instructions in SEVEN_BITS else 2e-3)


@pytest.mark.fast
def test_several_key_heads_are_told_apart(tmp_path: Path, instructions: str) -> None:
    made = open_checkpoint(make_tiny_checkpoint(tmp_path, num_key_value_heads=2))
    for ids in texts(5, 40):
        assert float(make(made, "bf16", instructions).run([ids])[0] @ vector(made, ids)) > 0.9995


def test_the_longest_text_and_many_short_ones(checkpoint: Checkpoint, instructions: str) -> None:
    made = make(checkpoint, "int8", instructions)
    (longest,) = texts(2048)
    assert float(made.run([longest])[0] @ vector(checkpoint, longest)) > 0.998
    short = texts(*([2] * 300))
    assert np.isfinite(made.run(short)).all()


def test_several_engines_run_at_once(checkpoint: Checkpoint) -> None:
    ids = texts(40, 41)
    want = make(checkpoint, "int8").run(ids)
    got: list[bool] = []

    def run() -> None:
        mine = make(checkpoint, "int8")
        got.append(all(np.array_equal(mine.run(ids), want) for _ in range(20)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [True] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="the system lists threads elsewhere")
def test_threads_stay_between_batches(checkpoint: Checkpoint) -> None:
    made, ids = make(checkpoint, "int8", threads=5), texts(40, 41)
    made.run(ids)
    before = psutil.Process().num_threads()
    for _ in range(3):
        made.run(ids)
    assert psutil.Process().num_threads() == before


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize(
    "flags",
    [("-fsanitize=address,undefined", "-DWITH_FORK"), ("-fsanitize=thread",)],
    ids=["memory", "races"],
)
def test_the_team_of_threads_under_sanitizers(flags: Sequence[str], tmp_path: Path) -> None:
    program, source = tmp_path / "check", Path(__file__).with_name("team_check.c")
    common = ["cc", "-std=gnu11", "-g", "-O1", "-pthread", f"-I{LIBRARY.parent}", "-fno-sanitize-recover=all"]
    subprocess.run([*common, *flags, source, "-o", program], check=True, timeout=60)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("packing", ["8bit", "4bit"])
def test_packed_checkpoints_run_as_they_are(checkpoint: Checkpoint, packing: str, tmp_path: Path) -> None:
    converted = open_checkpoint(convert(checkpoint.folder, tmp_path / "packed", packing))
    made = make(converted, "auto")
    assert made.precision == packing
    ids = texts(30)[0]
    assert float(made.run([ids])[0] @ vector(converted, ids)) > 0.995


def test_the_packed_file_is_used_again_and_a_damaged_one_made_again(
    checkpoint: Checkpoint, home: Path
) -> None:
    ids = texts(12, 40)
    first = make(checkpoint, "int8").run(ids)
    (kept,) = (home / "models" / ".compiled").iterdir()
    inode = kept.stat().st_ino
    np.testing.assert_array_equal(make(checkpoint, "int8").run(ids), first)
    assert kept.stat().st_ino == inode
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.unlink()
    kept.write_bytes(content)
    np.testing.assert_array_equal(make(checkpoint, "int8").run(ids), first)
    kept.write_bytes(b"not weights")
    np.testing.assert_array_equal(make(checkpoint, "int8").run(ids), first)


def test_packed_files_of_no_use_for_a_month_go(
    checkpoint: Checkpoint, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(checkpoint, "bf16")
    old = set((home / "models" / ".compiled").iterdir())
    month = artifact_cache.time.time() + 31 * 86400
    monkeypatch.setattr(artifact_cache.time, "time", lambda: month)
    make(checkpoint, "int8")
    left = set((home / "models" / ".compiled").iterdir())
    assert len(left) == 1 and not left & old


def test_a_folder_that_cannot_be_written_to_costs_only_time(checkpoint: Checkpoint, home: Path) -> None:
    (home / "models").mkdir(parents=True)
    (home / "models" / ".compiled").write_text("a file where the folder should be")
    (ids,) = texts(20)
    assert float(make(checkpoint, "int8").run([ids])[0] @ vector(checkpoint, ids)) > 0.998


def test_what_it_cannot_run_is_said(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(PrecisionUnavailable, match="f32"):
        make(checkpoint, "f32")
    absent = "neon-i8mm" if "sse41" in SETS else "sse41"
    with pytest.raises(EngineUnavailable, match="cannot run the native engine with"):
        make(checkpoint, "int8", absent)
    with pytest.raises(EngineUnavailable, match="128"):
        make(open_checkpoint(make_tiny_checkpoint(tmp_path, intermediate_size=96)), "int8")


def test_it_is_chosen_wherever_it_is_fast() -> None:
    assert choose.choose("native") == "native"
    assert choose.choose("auto", "f32") == "mlx"
    assert choose.choose("auto") == ("mlx" if choose.has_gpu() else "native")


@pytest.mark.model
@pytest.mark.parametrize(("precision", "least"), [("bf16", 0.9999), ("int8", 0.999)])
def test_the_real_model_gives_its_reference_vectors(
    real_models: Path, precision: str, least: float, instructions: str
) -> None:
    if instructions == "scalar":
        pytest.skip("plain C takes minutes")
    with embedder.load(engine="native", precision=precision, instructions=instructions) as model:  # type: ignore[arg-type]
        reference = self_test.references()[model.fingerprint.split("-")[0]]
        assert (model.embed_documents(self_test.TEXTS) * reference).sum(axis=1).min() > least
