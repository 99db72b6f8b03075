"""The connection of a client to the daemon: where it listens, whether it is this user's, a call.

Owns that, and the errors it ends with. Each call has a connection of its own, so that a restart of the daemon
between two calls has no effect. Knows no method and no type: values are plain. Imports nothing that takes
milliseconds, for the same reason as `app.daemon.wire`.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from app import __version__, paths
from app.daemon.wire import (
    MAX_REPLY,
    PROTOCOL,
    Closed,
    Lines,
    ProtocolViolated,
    error_from,
    is_same_user,
)
from app.errors import DaemonError
from app.lock import holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CONNECT_TIMEOUT = 2.0
"""Seconds to connect, and for the greeting."""
SILENCE = 60.0
"""Seconds without a message after which the daemon counts as hung. The first query after a pause waits for
the model; long work sends progress every second. Only `follow` may be silent for longer."""
CALL = 1
"""Number of the only call of a connection."""

AGAIN = "`ken daemon restart` starts it again; `--no-daemon` works without it."


class DaemonOutdated(DaemonError):
    """A daemon of another release answers."""


class DaemonSilent(DaemonError):
    """One listens and does not answer."""


class DaemonAbsent(DaemonError):
    """None listens."""

    title = "Daemon not running"


def greet() -> None:
    """Raises `DaemonOutdated` for a daemon of another release, `DaemonError` if none answers."""
    _connect_and_greet(None).close()


def exchange(
    path: Path | None,
    method: str,
    params: dict[str, Any],
    progress: Callable[[Any], None] | None = None,
    silence: float | None = SILENCE,
) -> Any:
    """The result of a call, plain values in and out; `progress` gets what the daemon reports meanwhile."""
    with _connect_and_greet(path) as lines:
        _send(lines, {"id": CALL, "method": method, "params": params})
        while True:
            message = _receive(lines, silence)
            if "error" in message:
                raise error_from(message["error"])
            if message.get("id") != CALL:
                raise DaemonError("The daemon answered another request.", AGAIN)
            if "result" in message:
                return message["result"]
            if progress is not None:
                progress(message.get("progress"))


def _connect_and_greet(path: Path | None) -> Lines:
    """A connection to a daemon of this release."""
    lines = _open_socket(path or find_socket())
    try:
        _check_greeting(_receive(lines, CONNECT_TIMEOUT))
    except BaseException:
        lines.close()
        raise
    return lines


def find_socket() -> Path:
    """The socket of the running daemon, from its lock file; else that of a daemon started now.

    The two may differ, because a service that the system starts has another environment.
    """
    noted = (holder(paths.daemon_lock_path()) or {}).get("socket")
    return Path(noted) if isinstance(noted, str) else paths.socket_path()


def answering() -> int | None:
    """The process id of the daemon that answers, of any release; None if none listens.

    Raises `DaemonError` if one listens and does not answer.
    """
    try:
        with _open_socket(find_socket()) as lines:
            found = _receive(lines, CONNECT_TIMEOUT).get("pid")
    except DaemonAbsent:
        return None
    return found if isinstance(found, int) else None


def _open_socket(path: Path) -> Lines:
    """A connection to this user's daemon at `path`; raises `DaemonError`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _connect(connection, path)
        if not is_same_user(connection):
            raise DaemonError(f"{path} belongs to another user.", "Set KEN_HOME to a folder of your own.")
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
        connection.close()
        raise DaemonAbsent(
            f"No daemon is running for {paths.home()}.", "`ken daemon start` starts it."
        ) from error
    except (BlockingIOError, TimeoutError) as error:
        connection.close()
        raise DaemonSilent("The daemon does not answer.", AGAIN) from error
    except OSError as error:
        connection.close()
        raise DaemonError(f"{path} cannot be connected to: {error.strerror}.", AGAIN) from error
    except BaseException:
        connection.close()
        raise
    return Lines(connection, MAX_REPLY)


def _connect(connection: socket.socket, path: Path) -> None:
    """Connect; try again for a while if so many connect at once that the system refuses (EAGAIN)."""
    connection.settimeout(CONNECT_TIMEOUT)
    deadline = time.monotonic() + CONNECT_TIMEOUT
    while True:
        try:
            return connection.connect(os.fspath(path))
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _check_greeting(greeting: dict[str, Any]) -> None:
    if "error" in greeting:
        raise error_from(greeting["error"])
    if greeting.get("protocol") != PROTOCOL or greeting.get("ken") != __version__:
        release = str(greeting.get("ken", "another release"))[:20]
        raise DaemonOutdated(
            f"The daemon is ken {release}, this is {__version__}.", "Run `ken daemon restart`."
        )


def _send(lines: Lines, message: dict[str, Any]) -> None:
    try:
        lines.send(message, CONNECT_TIMEOUT)
    except Closed as error:
        raise DaemonError("The daemon closed the connection.", AGAIN) from error


def _receive(lines: Lines, timeout: float | None) -> dict[str, Any]:
    try:
        return lines.receive(timeout)
    except TimeoutError as error:
        raise DaemonSilent("The daemon does not answer.", AGAIN) from error
    except Closed as error:
        raise DaemonError("The daemon ended before it answered.", AGAIN) from error
    except ProtocolViolated as error:
        raise DaemonError(f"The daemon sent {error}.", AGAIN) from error
