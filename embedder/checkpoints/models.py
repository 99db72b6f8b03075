"""The models folder: its path and the models in it. Knows nothing of the content of a model."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from embedder.errors import ModelNotFound

DEFAULT_MODEL = "embeddinggemma-300m"
SMALLER_MODELS = tuple(f"{DEFAULT_MODEL}-{precision}" for precision in ("bf16", "8bit", "4bit"))
"""Used where the default model is absent, in this order."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model folder and its bytes on the disk."""

    name: str
    folder: Path
    bytes: int


def models_folder() -> Path:
    """`KEN_MODELS`, else `models` in `KEN_HOME`, else in the platform's data folder."""
    if folder := os.environ.get("KEN_MODELS"):
        return Path(folder).expanduser().absolute()
    home = os.environ.get("KEN_HOME")
    return (Path(home).expanduser().absolute() if home else platformdirs.user_data_path("ken")) / "models"


def is_offline() -> bool:
    """Whether `KEN_OFFLINE` keeps ken off the network."""
    return os.environ.get("KEN_OFFLINE", "") not in ("", "0")


def make_models_folder() -> Path:
    """Create the models folder. What is created above it is closed to other users, as ken's home is."""
    folder = models_folder()
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        _leave_out_of_backups(folder)
    return folder


def list_models() -> list[InstalledModel]:
    """Whole models, by name; a model that is being fetched is in a hidden folder and is not listed."""
    folder = models_folder()
    if not folder.is_dir():
        return []
    found = [path for path in sorted(folder.iterdir()) if is_model(path)]
    return [InstalledModel(path.name, path, _size(path)) for path in found]


def _leave_out_of_backups(folder: Path) -> None:
    """Tell macOS' Time Machine that a folder holds what can be fetched again: gigabytes that never change."""
    if sys.platform == "darwin":
        import subprocess  # which every search would pay for

        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["tmutil", "addexclusion", folder], capture_output=True, timeout=10, check=False)


def is_model(folder: Path) -> bool:
    return not folder.name.startswith(".") and (folder / "config.json").is_file()


def find_model(model: str | Path | None = None) -> Path:
    """The folder of a model given by name or folder; None is the default, or a smaller one that is present.

    Raises `ModelNotFound` where there is none.
    """
    if model is None:
        present = (name for name in (DEFAULT_MODEL, *SMALLER_MODELS) if is_model(models_folder() / name))
        model = next(present, DEFAULT_MODEL)
    if isinstance(model, str) and is_model_name(model) and is_model(models_folder() / model):
        return models_folder() / model
    folder = Path(model).expanduser().absolute()
    if (folder / "config.json").is_file():
        return folder
    if isinstance(model, str) and is_model_name(model) and not folder.exists():
        command = "ken model fetch" if model == DEFAULT_MODEL else f"ken model fetch {model}"
        raise ModelNotFound(f"There is no model {model!r} in {models_folder()}.", f"Run `{command}`.")
    raise ModelNotFound(
        f"{folder} holds no model: config.json is missing.", "Give the folder of a checkpoint."
    )


def is_model_name(text: str) -> bool:
    """Whether a text can only be the name of a model in the models folder, never a path out of it."""
    return (
        bool(text)
        and not text.startswith((".", "~"))
        and "/" not in text
        and "\\" not in text
        and "\0" not in text
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
