"""Fetching as this machine sees it: what is there already, several at once, a full disk."""

from __future__ import annotations

import errno
import fcntl
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from support.model_hub import Hub
from support.publishing import NAME, Heard, contents
from support.tiny_model import make_tiny_checkpoint

from embedder.checkpoints.checkpoint import open_checkpoint
from embedder.checkpoints.download import fetch
from embedder.checkpoints.known_models import KnownModel
from embedder.checkpoints.models import list_models, models_folder
from embedder.errors import DownloadFailed, ModelInvalid, ModelNotFound

pytestmark = pytest.mark.fast


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


def test_the_home_of_a_first_fetch_is_closed_to_other_users(
    known: KnownModel, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEN_MODELS", raising=False)
    monkeypatch.setenv("KEN_HOME", str(tmp_path / "ken"))
    fetch(source=published, offline=True)
    assert (tmp_path / "ken").stat().st_mode & 0o777 == 0o700


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
            target=lambda: (fetch(source=published, offline=True, observer=heard), done.set()), daemon=True
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
