"""Settings: `config.toml` in ken's home, read once a process. A missing file or field means the default.

Each section of the file is one dataclass here, each key one field with its docstring.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from app import paths
from app.errors import ConfigInvalid


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """`[model]`: what turns text into vectors."""

    name: str = ""
    """A fetched model's name or a folder; empty for the default."""
    engine: Literal["auto", "mlx", "native", "openvino"] = "auto"
    """What computes: `auto` takes the fastest that is right on this machine."""
    precision: Literal["auto", "f32", "bf16", "int8", "8bit", "4bit"] = "auto"
    """How exactly. A change re-embeds everything, with search working meanwhile."""
    threads: int = 0
    """Threads to compute with; 0 for as many as there are cores."""
    memory_mb: int = 0
    """What the engine may cache beside the weights; 0 for its own default."""


@dataclass(frozen=True, slots=True)
class ReadingConfig:
    """`[reading]`: which files are looked at, and how they are read."""

    ignore: tuple[str, ...] = ()
    """Further patterns to leave out, in the syntax of `.gitignore`."""
    include_hidden: bool = False
    """Look at files and folders whose name begins with a dot, too."""
    max_file_mb: int = 0
    """Larger files are left out, and listed as such; 0 for as much as each format can take."""
    processes: int = 0
    """Processes that read; 0 for one for each two cores."""
    passage_tokens: int = 0
    """Longest passage in tokens; 0 for the default. A change cuts everything again."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """`[search]`."""

    limit: int = 10
    """Hits shown where no number is asked for."""


@dataclass(frozen=True, slots=True)
class TuiConfig:
    """`[tui]`: the terminal interface."""

    theme: str = "auto"
    """`auto`, `dark`, `light`, `ansi` (the terminal's own sixteen colours), or the name of another theme."""
    keymap: Literal["default", "vim", "emacs"] = "default"
    """Whose key habits to follow."""
    editor: str = ""
    """The command that opens a file; empty for `$VISUAL` or `$EDITOR`."""
    keys: dict[str, str] = field(default_factory=dict)
    """`[tui.keys]`: keys of single actions, by the names that the help screen shows."""


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """`[daemon]`: the process in the background that keeps the index level with the disk."""

    autostart: bool = True
    """Start it where a command would use it."""
    nice: int = 10
    """How far indexing steps back behind questions and other programs, 0 to 19."""
    idle_minutes: float = 5.0
    """Minutes without work or question after which the model is let go."""
    pause_on_battery: bool = False
    """Do not index while the machine runs on battery; searching goes on."""
    pause_above_load: float = 0.0
    """Do not index while the load of the last minute is above this for each core; 0 for never."""
    scan_minutes: float = 60.0
    """Minutes between two comparisons of everything with the disk, for changes that nobody reported."""
    poll_seconds: float = 60.0
    """Seconds between two comparisons of what cannot be watched, such as network drives."""
    notify: bool = True
    """Tell answers to standing questions on the desktop too."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    model: ModelConfig = field(default_factory=ModelConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    tui: TuiConfig = field(default_factory=TuiConfig)
    daemon: DaemonConfig = field(default_factory=DaemonConfig)


def load(path: Path | None = None) -> Config:
    """The settings of `path` (ken's own by default); raises `ConfigInvalid`, naming key and line."""
    path = path or paths.config_path()
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} cannot be read: {error}.", "Check the file's permissions.") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"{path}: {error}.", "Mend that line, or remove it for the default.") from error
    config: Config = _build(Config, values, str(path), "")
    return config


def _build(kind: type[Any], values: dict[str, Any], where: str, prefix: str) -> Any:
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, 1)
            fix = f"Did you mean {prefix}{near[0]}?" if near else f"Known here: {', '.join(hints)}."
            raise ConfigInvalid(f"{where}: there is no setting {prefix}{key}.", fix)
    built = {key: _convert(hints[key], value, where, prefix + key) for key, value in values.items()}
    return kind(**built)


def _convert(hint: Any, value: Any, where: str, key: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, dict):
            return _build(hint, value, where, key + ".")
        raise ConfigInvalid(f"{where}: {key} is a section.", f"Write [{key}] on a line of its own.")
    if not _fits(hint, value):
        raise ConfigInvalid(
            f"{where}: {key} = {value!r} is not {_describe(hint)}.", "Mend or remove that line."
        )
    return _container(hint, value)


def _fits(hint: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(_fits(argument, value) for argument in arguments)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(arguments[0], item) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(arguments[1], item) for item in value.values())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return type(value) is hint and not (hint is int and value < 0)


def _container(hint: Any, value: Any) -> Any:
    return tuple(value) if typing.get_origin(hint) is tuple else value


def _describe(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin is tuple:
        return "a list of " + _describe(arguments[0]).removeprefix("a ") + "s"
    return {str: "a text", int: "a whole number from 0", float: "a number", bool: "true or false"}.get(
        hint, "of the right kind"
    )
