"""`Library` over the daemon's socket.

Owns the types of a call on the client's side; `app.daemon.connection` makes it. Imports neither the model
nor the index.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, cast

from app.api import Library, Progress, Status
from app.daemon.codec import Malformed, decode, encode, hints_of
from app.daemon.connection import AGAIN, SILENCE, exchange
from app.daemon.protocol import METHODS, DaemonInfo
from app.errors import DaemonError
from index.closing import Closing


def remote_library(path: Path | None = None) -> Library:
    """The library of the daemon of this `KEN_HOME`, or at the socket `path`.

    Methods raise `DaemonError` if none answers. If this process is interrupted, a `sync` continues there.
    """
    return cast("Library", _RemoteLibrary(path))


class _RemoteLibrary(Closing):
    """Each method of `Library` as a call of the daemon; the protocol gives parameters and types."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method not in METHODS:
            raise AttributeError(method)
        return partial(self._call, method)

    def _call(self, method: str, *arguments: object, **named: object) -> Any:
        function = getattr(Library, method)
        params = signature(function).bind(self, *arguments, **named).arguments
        del params["self"]
        progress = cast("Callable[[Any], None] | None", params.pop("progress", None))
        reported, silence = (Status, None) if method == "follow" else (Progress, SILENCE)
        tell = None if progress is None else lambda value: progress(_decode_value(reported, value))
        result = exchange(self._path, method, encode(params), tell, silence)
        return _decode_value(hints_of(function)["return"], result)

    def close(self) -> None:
        """Does nothing: no connection stays open between calls."""


def daemon_info() -> DaemonInfo:
    """Facts on the daemon's process."""
    info: DaemonInfo = _decode_value(DaemonInfo, exchange(None, "daemon", {}))
    return info


def _decode_value(hint: Any, value: Any) -> Any:
    try:
        return decode(hint, value)
    except Malformed as error:
        raise DaemonError(f"The daemon's answer cannot be read: {error}.", AGAIN) from error
