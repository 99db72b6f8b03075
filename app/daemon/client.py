"""`Library` over the daemon's socket.

Owns the client's side of a call. Each call has a connection of its own, so that a restart of the daemon
between two calls has no effect. Imports neither the model nor the index.
"""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app import __version__, paths
from app.api import (
    Answer,
    Excerpt,
    Folder,
    Library,
    Problem,
    Progress,
    ProgressCallback,
    Status,
    SyncReport,
    Why,
)
from app.daemon.codec import Malformed, decode, encode, hints_of
from app.daemon.protocol import (
    MAX_REPLY,
    PROTOCOL,
    Closed,
    DaemonInfo,
    Lines,
    ProtocolViolated,
    error_from,
    is_same_user,
)
from app.errors import DaemonError
from app.lock import holder
from index.closing import Closing
from index.types import Filter, Mode, Sort

CONNECT_TIMEOUT = 2.0
"""Seconds to connect, and for the greeting."""
SILENCE = 60.0
"""Seconds without a message after which the daemon counts as hung. The first query after a pause waits for
the model; long work sends progress every second."""

AGAIN = "`ken daemon restart` starts it again; `--no-daemon` works without it."


class DaemonOutdated(DaemonError):
    """A daemon of another release answers."""


class DaemonAbsent(DaemonError):
    """None listens."""

    title = "Daemon not running"


class RemoteLibrary(Closing):
    """Calls the daemon of this `KEN_HOME`. Methods raise `DaemonError` if none answers."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._numbers = itertools.count(1)

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        filter: Filter | None = None,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
        sort: Sort = "score",
    ) -> Answer:
        answer: Answer = self._ask(
            "search",
            {
                "query": query,
                "limit": limit,
                "mode": mode,
                "filter": filter,
                "explain": explain,
                "typing": typing,
                "sort": sort,
            },
        )
        return answer

    def similar(
        self,
        path: str,
        line: int | None = None,
        *,
        start: int | None = None,
        limit: int = 10,
        filter: Filter | None = None,  # noqa: A002
    ) -> Answer:
        answer: Answer = self._ask(
            "similar", {"path": path, "line": line, "start": start, "limit": limit, "filter": filter}
        )
        return answer

    def text(self, path: str) -> str:
        return str(self._ask("text", {"path": path}))

    def excerpt(self, path: str, start: int, length: int) -> Excerpt:
        excerpt: Excerpt = self._ask("excerpt", {"path": path, "start": start, "length": length})
        return excerpt

    def similarities(self, query: str, texts: Sequence[str]) -> tuple[float, ...]:
        close: tuple[float, ...] = self._ask("similarities", {"query": query, "texts": list(texts)})
        return close

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        folders: tuple[Folder, ...] = self._ask("add", {"paths": list(paths)})
        return folders

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        """As `Library.sync`. If this process is interrupted, the daemon continues."""
        params = {"paths": None if paths is None else list(paths)}
        report: SyncReport = self._ask("sync", params, progress)
        return report

    def forget(self, path: str) -> int:
        return int(self._ask("forget", {"path": path}))

    def pause(self) -> None:
        self._ask("pause", {})

    def resume(self) -> None:
        self._ask("resume", {})

    def status(self) -> Status:
        status: Status = self._ask("status", {})
        return status

    def tags(self) -> tuple[str, ...]:
        tags: tuple[str, ...] = self._ask("tags", {})
        return tags

    def problems(self) -> tuple[Problem, ...]:
        problems: tuple[Problem, ...] = self._ask("problems", {})
        return problems

    def why(self, path: str) -> Why:
        why: Why = self._ask("why", {"path": path})
        return why

    def greet(self) -> None:
        """Raises `DaemonOutdated` for a daemon of another release, `DaemonError` if none answers."""
        self._connect().close()

    def daemon(self) -> DaemonInfo:
        """Facts on the daemon's process."""
        return decode(DaemonInfo, self._exchange("daemon", {}))  # type: ignore[no-any-return]

    def follow(self, progress: Callable[[Status], None]) -> None:
        with self._connect() as lines:
            _send(lines, {"id": next(self._numbers), "method": "follow"})
            while "progress" in (message := _receive(lines, None)):
                progress(_decoded(Status, message["progress"]))

    def close(self) -> None:
        """Does nothing: no connection stays open between calls."""

    def _ask(self, method: str, params: dict[str, Any], progress: ProgressCallback | None = None) -> Any:
        return _decoded(
            hints_of(getattr(Library, method))["return"], self._exchange(method, params, progress)
        )

    def _exchange(self, method: str, params: dict[str, Any], progress: ProgressCallback | None = None) -> Any:
        with self._connect() as lines:
            number = next(self._numbers)
            _send(lines, {"id": number, "method": method, "params": encode(params)})
            while True:
                message = _receive(lines, SILENCE)
                if "error" in message:
                    raise error_from(message["error"])
                if message.get("id") != number:
                    raise DaemonError("The daemon answered another request.", AGAIN)
                if "result" in message:
                    return message["result"]
                if progress is not None:
                    progress(_decoded(Progress, message.get("progress")))

    def _connect(self) -> Lines:
        lines = _connected(self._path or find_socket())
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
        with _connected(find_socket()) as lines:
            found = _receive(lines, CONNECT_TIMEOUT).get("pid")
    except DaemonAbsent:
        return None
    return found if isinstance(found, int) else None


def _connected(path: Path) -> Lines:
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
        raise DaemonError("The daemon does not answer.", AGAIN) from error
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
        raise DaemonError("The daemon does not answer.", AGAIN) from error
    except Closed as error:
        raise DaemonError("The daemon ended before it answered.", AGAIN) from error
    except ProtocolViolated as error:
        raise DaemonError(f"The daemon sent {error}.", AGAIN) from error


def _decoded(hint: Any, value: Any) -> Any:
    try:
        return decode(hint, value)
    except Malformed as error:
        raise DaemonError(f"The daemon's answer cannot be read: {error}.", AGAIN) from error
