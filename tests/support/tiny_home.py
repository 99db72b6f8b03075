"""A ken home with the tiny model in it, and the command line run in this process."""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.tiny_model import PRECISION, make_tiny_checkpoint

from app.cli import main
from app.connect import local_library
from app.library import Library


@functools.cache
def tiny_models() -> Path:
    """A folder of models that holds the tiny one under the default model's name, made once a run."""
    folder = Path(tempfile.mkdtemp(prefix="ken-tiny-models-"))
    make_tiny_checkpoint(folder / "embeddinggemma-300m")
    return folder


def with_tiny_model(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Make `home` the KEN_HOME, and let ken find the tiny model there, run as exactly as is quick."""
    monkeypatch.setenv("KEN_HOME", str(home))
    monkeypatch.setenv("KEN_MODELS", str(tiny_models()))
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(f'[model]\nprecision = "{PRECISION}"\nthreads = 1\n')


@contextlib.contextmanager
def indexed_library(monkeypatch: pytest.MonkeyPatch, home: Path, folder: Path) -> Iterator[Library]:
    """A library in this process, with the tiny model, that has indexed a folder."""
    with_tiny_model(monkeypatch, home)
    with local_library() as library:
        library.add([str(folder)])
        library.sync()
        yield library


def ken(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    """Run a command; `exit_code`, `stdout` and `stderr` are as a shell would see them."""
    return CliRunner().invoke(main, [str(a) for a in arguments], input=stdin, catch_exceptions=False)


def ken_json(*arguments: str | Path) -> Any:
    """Run a command that must succeed, and parse the JSON it prints."""
    result = ken(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def notes(folder: Path, **files: str) -> Path:
    """Write files (`name__md` is name.md) into a folder, each with a time well in the past."""
    import os

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_text(text)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder
