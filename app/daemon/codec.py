"""Dataclasses to JSON values and back, checked against their type hints.

Owns the conversion. `decode` returns exactly the hinted types or raises `Malformed`; it ignores unknown
fields, so that a newer peer may add some. Knows nothing of sockets or of what the messages mean.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_PLAIN = frozenset({str, int, float, bool})
"""Types of most values, passed on unchanged."""


class Malformed(ValueError):
    """A value that does not fit the type it is meant to have."""


def encode(value: object) -> Any:
    """A value of plain types, tuples, frozen sets and dataclasses, converted for `json.dumps`."""
    if value is None or type(value) in _PLAIN:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(encode(item) for item in value)
    return value


def decode(hint: Any, value: Any) -> Any:
    """The value as an instance of `hint`; raises `Malformed` where it cannot be one."""
    if hint in _PLAIN and type(value) is hint:
        return value
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(hint), value)
    if origin is Literal:
        return _require(value in get_args(hint), value, hint) and value
    if origin in (tuple, list, frozenset, Sequence):
        return _decode_items(origin, get_args(hint), value)
    if origin is dict:
        _require(isinstance(value, dict), value, hint)
        return {key: decode(get_args(hint)[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return _decode_dataclass(hint, value)
    if hint is float:
        _require(isinstance(value, (int, float)) and not isinstance(value, bool), value, hint)
        return float(value)
    if hint is None or hint is type(None):
        return _require(value is None, value, hint) and None
    _require(type(value) is hint, value, hint)
    return value


def _decode_union(choices: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in choices:
        return None
    for choice in choices:
        if choice is not type(None):
            try:
                return decode(choice, value)
            except Malformed:
                continue
    raise Malformed(f"{value!r:.60} is none of {choices}")


def _decode_items(origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    _require(isinstance(value, list), value, origin)
    if origin is tuple and arguments[-1:] != (...,):
        _require(len(value) == len(arguments), value, origin)
        return tuple(decode(hint, item) for hint, item in zip(arguments, value, strict=True))
    items = (decode(arguments[0], item) for item in value)
    return list(items) if origin is list else frozenset(items) if origin is frozenset else tuple(items)


def _decode_dataclass(hint: Any, value: Any) -> Any:
    _require(isinstance(value, dict), value, hint)
    known = _fields(hint)
    try:
        return hint(**{name: decode(known[name], item) for name, item in value.items() if name in known})
    except TypeError as error:
        raise Malformed(str(error)) from error


@cache
def _fields(kind: Any) -> dict[str, Any]:
    """The fields a dataclass is made of, and their types."""
    hints = hints_of(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


@cache
def hints_of(thing: Any) -> dict[str, Any]:
    """The resolved type hints of a class or function."""
    return get_type_hints(thing)


def _require(fits: bool, value: Any, hint: Any) -> bool:
    if not fits:
        raise Malformed(f"{value!r:.60} is not {hint}")
    return True
