"""Which engine runs on a machine, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedder.engines import choose, native_kernel

FLAGS = "flags\t\t: fpu ssse3 sse4_1\n"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    native_kernel.instructions.cache_clear()
    yield
    native_kernel.instructions.cache_clear()


@pytest.fixture
def without_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_kernel, "LIBRARY", tmp_path / "kernel.so")
    monkeypatch.setattr(native_kernel.sys, "platform", "linux")
    monkeypatch.setattr(native_kernel.platform, "machine", lambda: "x86_64")


@pytest.mark.parametrize("device", [True, False])
def test_mlx_for_cuda_needs_a_gpu(
    device: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_kernel: None
) -> None:
    monkeypatch.setattr(choose, "_is_installed", lambda package: package == "mlx-cuda")
    monkeypatch.setattr(choose, "_CUDA_DEVICES", (tmp_path / "gpu",))
    if device:
        (tmp_path / "gpu").touch()
    assert choose.has_gpu() == device
    assert choose.choose("auto") == "mlx"
    assert (choose.explain("auto") == "") == device


def test_a_kernel_that_was_not_built_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_kernel: None
) -> None:
    monkeypatch.setattr(choose, "_CUDA_DEVICES", ())
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(native_kernel, "CPUINFO", cpuinfo)
    cpuinfo.write_text(FLAGS)
    assert choose.explain("auto") == native_kernel.NOT_BUILT
    cpuinfo.write_text(FLAGS.replace(" sse4_1", ""))
    assert "has neither SSE4.1" in choose.explain("auto")
    cpuinfo.unlink()
    assert not native_kernel.is_missing()
    monkeypatch.setattr(native_kernel.platform, "machine", lambda: "aarch64")
    cpuinfo.write_text("Features\t: fp asimd asimddp\n")
    assert choose.explain("auto") == native_kernel.NOT_BUILT
    monkeypatch.setattr(native_kernel.platform, "machine", lambda: "riscv64")
    assert "x86-64" in choose.explain("auto")
    assert "f32" in choose.explain("auto", "f32")
    assert choose.explain("native") == ""
