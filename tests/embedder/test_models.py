from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.tiny_model import make_tiny_checkpoint

from embedder.checkpoints.models import (
    find_model,
    is_model_name,
    list_models,
    make_models_folder,
    models_folder,
)
from embedder.errors import ModelNotFound

pytestmark = pytest.mark.fast


def test_models_lie_where_the_environment_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models_folder() == home / "models"
    monkeypatch.setenv("KEN_MODELS", str(home / "shared"))
    assert models_folder() == home / "shared"
    monkeypatch.delenv("KEN_MODELS")
    monkeypatch.delenv("KEN_HOME")
    assert models_folder().parts[-2:] == ("ken", "models")


def test_a_model_is_found_by_name_by_folder_and_by_default(tmp_path: Path) -> None:
    for model in (None, "embeddinggemma-300m"):
        with pytest.raises(ModelNotFound) as raised:
            find_model(model)
        assert raised.value.fix == "Run `ken model fetch`."
    smaller = make_tiny_checkpoint(models_folder() / "embeddinggemma-300m-8bit")
    assert find_model() == smaller
    default = make_tiny_checkpoint(models_folder() / "embeddinggemma-300m")
    assert find_model() == default
    elsewhere = make_tiny_checkpoint(tmp_path / "mine")
    assert find_model(elsewhere) == find_model(str(elsewhere)) == elsewhere
    assert [model.name for model in list_models()] == ["embeddinggemma-300m", "embeddinggemma-300m-8bit"]


def test_what_is_half_fetched_or_no_model_is_not_listed() -> None:
    make_tiny_checkpoint(models_folder() / ".fetching-embeddinggemma-300m" / "whole")
    make_tiny_checkpoint(models_folder() / ".hidden")
    (models_folder() / "empty").mkdir()
    (models_folder() / "file").write_text("")
    assert list_models() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "~", "~root", "a\\b", "a\0b"])
def test_a_name_never_leads_out_of_the_models_folder(name: str) -> None:
    assert not is_model_name(name)
    with pytest.raises(ModelNotFound):
        find_model(name)


def test_time_machine_leaves_models_out(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command, asked = tmp_path / "bin" / "tmutil", tmp_path / "asked"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "platform", "darwin")
    for _ in range(2):
        folder = make_models_folder()
    assert asked.read_text() == f"addexclusion {folder}\n"
