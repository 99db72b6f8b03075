"""Settings shown and changed one at a time: names like `search.limit`, comments of the file kept.

Owns how `config.toml` is written. What settings there are, and which values fit, is `app.config`'s.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from app import config, paths
from app.errors import ConfigInvalid, UsageInvalid
from index.kinds import did_you_mean

Row = tuple[str, object, object, str]
"""Name, value, default and what it does."""


def listed(name: str | None = None) -> list[Row]:
    """Every setting, those of a section, or one. Raises `UsageInvalid` where the name is none."""
    rows = [row for row in _rows() if name is None or row[0] == name or row[0].startswith(f"{name}.")]
    if not rows and name is not None:
        raise _unknown(name)
    return rows


def show(name: str) -> str:
    """One setting's value, as it is written."""
    return written(listed(name)[0][1])


def written(value: object) -> str:
    """A value as TOML has it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def change(name: str, value: str | None) -> None:
    """Write a setting into the file, or take it out of it where the value is None.

    A value is TOML; what is none is a text, and what is between commas a list where one is wanted. Raises
    `UsageInvalid` where there is no such setting, `ConfigInvalid` where the value does not fit.
    """
    import tomlkit

    section, _, key = name.partition(".")
    if section not in {field.name for field in dataclasses.fields(config.Config)} or not key:
        raise _unknown(name)
    path = paths.config_path()
    config.load(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else "")
    table: Any = document.setdefault(section, tomlkit.table())
    *tables, last = key.split(".")
    for inner in tables:
        table = table.setdefault(inner, tomlkit.table())
    if value is None:
        table.pop(last, None)
    else:
        table[last] = _read(name, value)
    _replace(path, tomlkit.dumps(document))


def _read(name: str, value: str) -> object:
    import tomllib

    current = next((row[2] for row in _rows() if row[0] == name), "")
    if isinstance(current, str):
        return value
    try:
        parsed: object = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    if isinstance(current, tuple) and not isinstance(parsed, list):
        return [part.strip() for part in value.split(",") if part.strip()]
    return parsed


def _replace(path: Path, text: str) -> None:
    """Put the file in place whole, after it was read as ken will read it."""
    home = paths.make_home()
    number, beside = tempfile.mkstemp(dir=home, prefix="config-", suffix=".toml")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            config.load(Path(beside))
        except ConfigInvalid as error:
            raise ConfigInvalid(error.what.replace(f"{beside}: ", ""), error.fix) from error
        os.replace(beside, path)  # noqa: PTH105
    finally:
        Path(beside).unlink(missing_ok=True)


def _rows() -> list[Row]:
    now, default = config.load(), config.Config()
    rows: list[Row] = []
    for section in dataclasses.fields(config.Config):
        values, defaults = getattr(now, section.name), getattr(default, section.name)
        helps = _docstrings(type(values))
        for field in dataclasses.fields(values):
            name = f"{section.name}.{field.name}"
            value, usual = getattr(values, field.name), getattr(defaults, field.name)
            rows.append((name, value, usual, helps.get(field.name, "")))
    return rows


def _docstrings(kind: type) -> dict[str, str]:
    """The docstring beneath each field of a dataclass."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr):
            found[ast.unparse(before.target)] = str(ast.literal_eval(after.value))
    return found


def _unknown(name: str) -> UsageInvalid:
    near = did_you_mean(name, [row[0] for row in _rows()])
    return UsageInvalid(f"There is no setting {name}{near}", "`ken config` lists all settings.")
