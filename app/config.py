"""Settings: `config.toml` in ken's home, read once by a process. A missing file or field means the default.

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
from app.api import USUAL_LIMIT
from app.errors import ConfigInvalid
from embedder.engines.instructions import Instructions
from embedder.engines.server_address import SERVED_MODEL, ServerAddress, is_address


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """`[model]`: the embedding model."""

    name: str = ""
    """A fetched model's name or a folder; empty for the default."""
    engine: Literal["auto", "mlx", "native"] | ServerAddress = "auto"
    """The inference engine; `auto` takes the fastest that is correct on this machine. An address, like
    `http://127.0.0.1:8080`, is that of a server with EmbeddingGemma: llama.cpp, Ollama or another that has
    `/v1/embeddings`. It is accepted if its vectors agree with the model's."""
    served_model: str = SERVED_MODEL
    """The model's name at that server."""
    public_server: bool = False
    """Whether texts may be sent to a server outside this machine and its private networks."""
    precision: Literal["auto", "f32", "bf16", "int8", "8bit", "4bit"] = "auto"
    """The number format of the weights. A change embeds everything again; search works meanwhile."""
    threads: int = 0
    """Threads of the engine; 0 for one a core."""
    instructions: Instructions = "auto"
    """The instruction set of the engine `native`; `auto` takes the fastest of this processor."""
    approximate: bool = True
    """Whether passages that wait for the model are found by meaning approximately until it has read them."""
    memory_mb: int = 0
    """Megabytes that the engine may cache beside the weights; 0 for its own default."""


@dataclass(frozen=True, slots=True)
class ReadingConfig:
    """`[reading]`: which files are indexed, and how they are read."""

    ignore: tuple[str, ...] = ()
    """More patterns of files to leave out, in the syntax of `.gitignore`."""
    ocr_ignore: tuple[str, ...] = ()
    """Pictures and scans that are not read as text, in the same syntax: `Photos/`, `*.gif`, `*` for all."""
    include_hidden: bool = False
    """Index files and folders whose name begins with a dot, too."""
    max_file_mb: int = 0
    """Megabytes beyond which a file is left out and listed; 0 for the limit of each format."""
    processes: int = 0
    """Reader processes; 0 for one for each two cores."""
    passage_tokens: int = 0
    """Tokens of the longest passage; 0 for the default. A change cuts all documents again."""


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """`[search]`."""

    limit: int = USUAL_LIMIT
    """Results shown if the command gives no number."""


@dataclass(frozen=True, slots=True)
class TuiConfig:
    """`[tui]`: the terminal interface."""

    theme: str = "auto"
    """`auto`, `dark`, `light`, `ansi` (the terminal's own sixteen colours), or the name of another theme."""
    keymap: Literal["default", "vim", "emacs"] = "default"
    """The set of keys: `default`, `vim` or `emacs`."""
    editor: str = ""
    """The command that opens a file; empty for `$VISUAL` or `$EDITOR`."""
    keys: dict[str, str] = field(default_factory=dict)
    """`[tui.keys]`: keys of single actions, by their names on the help screen."""


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """`[daemon]`: the background process that keeps the index current."""

    autostart: bool = True
    """Whether commands start it."""
    nice: int = 10
    """The nice value of indexing, 0 to 19: queries and other programs go first."""
    idle_minutes: float = 5.0
    """Minutes without work or query after which the model is unloaded."""
    pause_on_battery: bool = False
    """Pause indexing while the machine runs on battery; search works."""
    pause_above_load: float = 0.0
    """Pause indexing while the load of the last minute is above this for each core; 0: never."""
    scan_minutes: float = 60.0
    """Minutes between two scans of all roots, for changes without an event."""
    poll_seconds: float = 60.0
    """Seconds between two scans of roots that cannot be watched, such as network drives."""
    notify: bool = True
    """Show a desktop notification for hits of saved searches."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings."""

    model: ModelConfig = field(default_factory=ModelConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    tui: TuiConfig = field(default_factory=TuiConfig)
    daemon: DaemonConfig = field(default_factory=DaemonConfig)


def load(path: Path | None = None) -> Config:
    """The settings in `path` (default: ken's own); raises `ConfigInvalid` with key and line."""
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
        raise ConfigInvalid(f"{path}: {error}.", "Correct or remove that line.") from error
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
            f"{where}: {key} = {value!r} is not {_describe(hint)}.", "Correct or remove that line."
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
    if hint is ServerAddress:
        return is_address(value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return type(value) is hint and not (hint is int and value < 0)


def _container(hint: Any, value: Any) -> Any:
    return tuple(value) if typing.get_origin(hint) is tuple else value


def _describe(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_describe, arguments))
    if origin is tuple:
        return "a list of " + _describe(arguments[0]).removeprefix("a ") + "s"
    if hint is ServerAddress:
        return "an address like http://127.0.0.1:8080"
    return {str: "a text", int: "a whole number from 0", float: "a number", bool: "true or false"}.get(
        hint, "of the right kind"
    )
