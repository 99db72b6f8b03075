"""The daemon's socket server: who may connect, how many, how long, and which thread answers.

Owns the connections: each has a thread and answers one request at a time, so that a client that floods delays
only itself. Knows nothing of what the methods do: it calls those of the library it is given.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app import __version__, paths
from app.answers.typed_query import answer_as_json
from app.api import Library
from app.daemon.codec import Malformed, decode, encode, hints_of
from app.daemon.protocol import METHODS, DaemonInfo
from app.daemon.wire import (
    MAX_REQUEST,
    PROTOCOL,
    Closed,
    Lines,
    ProtocolViolated,
    error_message,
    is_same_user,
)
from app.errors import TITLED_ERRORS, DaemonCannotRun, DaemonError

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
IDLE_BEFORE_EVICTION = 5.0
"""Seconds of silence after which a connection may be closed for a new one when all are in use."""
SEND_TIMEOUT = 30.0
"""Seconds a client may leave a reply unread."""

OWN_PARAMETERS: dict[str, dict[str, Any]] = {
    "daemon": {},
    "search_json": {"typed": str, "folder": str, "limit": int | None},
}
"""Types of the parameters of the methods that `Library` does not have."""

Methods = Mapping[str, Callable[..., Any]]


class Server:
    """Listens from `start` to `stop`."""

    def __init__(self, library: Library, info: Callable[[], DaemonInfo], path: Path) -> None:
        own: Methods = {"daemon": info, "search_json": partial(answer_as_json, library)}
        self._methods: Methods = {**own, **{name: getattr(library, name) for name in METHODS}}
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._identity: tuple[int, int] | None = None
        self._wake, self._woken = socket.socketpair()
        self._connections: dict[_Connection, threading.Thread] = {}
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="accept", daemon=True)

    def start(self) -> None:
        """Bind the socket, closed to other users, and begin to accept. Raises a titled error."""
        if self.path.parent != paths.home():
            paths.make_socket_folder(self.path.parent)
        try:
            _clear_stale(self.path)
            _bind(self._listener, self.path)
        except OSError as error:
            raise DaemonCannotRun(
                f"The daemon's socket {self.path} cannot be created: {error.strerror}.",
                "Check the folder's permissions and its disk, or choose another with KEN_HOME.",
            ) from error
        self._identity = _identity(self.path)
        self._listener.listen(MAX_CONNECTIONS)
        self._thread.start()

    @property
    def in_place(self) -> bool:
        """Whether the socket is still at the path that clients use."""
        return self._identity is not None and self._identity == _identity(self.path)

    def stop(self) -> None:
        """Accept no more, close every connection and remove the socket."""
        self._wake.send(b"!")
        if self._thread.is_alive():
            self._thread.join()
        if self.in_place:
            # If the folder has become read-only, the next daemon removes the socket.
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)
        self._listener.close()
        with self._guard:
            open_now = list(self._connections.items())
        for connection, _ in open_now:
            connection.shut()
        for _, thread in open_now:
            if thread is not threading.current_thread():
                thread.join(timeout=2.0)
        self._wake.close()
        self._woken.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is not self._woken for key, _ in selector.select()):
                try:
                    accepted, _ = self._listener.accept()
                except OSError as error:
                    log.warning("a connection could not be accepted: %s", error)
                    time.sleep(0.1)
                    continue
                self._admit(accepted)

    def _admit(self, accepted: socket.socket) -> None:
        if not is_same_user(accepted):
            log.warning("refused a connection of another user")
            accepted.close()
            return
        connection = _Connection(self._methods, Lines(accepted, MAX_REQUEST))
        thread = threading.Thread(target=self._converse, args=(connection,), name="connection", daemon=True)
        with self._guard:
            if len(self._connections) >= MAX_CONNECTIONS and not self._evict():
                connection.refuse("Too many programs are connected to the daemon.")
                return
            self._connections[connection] = thread
        thread.start()

    def _evict(self) -> bool:
        idle = [c for c in self._connections if not c.busy and c.idle_for > IDLE_BEFORE_EVICTION]
        if not idle:
            return False
        longest = max(idle, key=lambda connection: connection.idle_for)
        del self._connections[longest]
        longest.shut()
        return True

    def _converse(self, connection: _Connection) -> None:
        try:
            connection.converse()
        finally:
            with self._guard:
                self._connections.pop(connection, None)
            connection.lines.close()


class _Connection:
    """One client connection."""

    def __init__(self, methods: Methods, lines: Lines) -> None:
        self._methods = methods
        self.lines = lines
        self.busy = True
        self._since = time.monotonic()

    @property
    def idle_for(self) -> float:
        return time.monotonic() - self._since

    def shut(self) -> None:
        with contextlib.suppress(OSError):
            self.lines.connection.shutdown(socket.SHUT_RDWR)

    def refuse(self, what: str) -> None:
        with contextlib.suppress(Closed):
            self.lines.send(
                {"error": error_message(DaemonError(what, "Try again in a moment."))}, timeout=0.1
            )
        self.lines.close()

    def converse(self) -> None:
        """Greet and answer until the client leaves, sends half a message or violates the protocol."""
        try:
            self.lines.send({"ken": __version__, "protocol": PROTOCOL, "pid": os.getpid()}, SEND_TIMEOUT)
            while True:
                self.busy, self._since = False, time.monotonic()
                request = self.lines.receive(timeout=None)
                self.busy = True
                self._answer(request)
        except Closed:
            pass
        except (ProtocolViolated, Malformed) as error:
            log.warning("a client sent %s", error)
            self.refuse(f"The daemon was sent {error}.")

    def _answer(self, request: dict[str, Any]) -> None:
        number, method, params = request.get("id"), request.get("method"), request.get("params", {})
        if type(number) is not int or not isinstance(method, str) or not isinstance(params, dict):
            raise ProtocolViolated("a request without an id, a method or parameters")
        if method not in self._methods:
            raise ProtocolViolated(f"an unknown method {method!r:.40}")
        try:
            result = self._call(method, params, lambda value: self._tell(number, value))
        except (Closed, ProtocolViolated, Malformed):
            raise
        except TITLED_ERRORS as error:
            self.lines.send({"id": number, "error": error_message(error)}, SEND_TIMEOUT)
        except Exception as error:
            log.exception("%s failed", method)
            self.lines.send({"id": number, "error": error_message(error)}, SEND_TIMEOUT)
        else:
            self.lines.send({"id": number, "result": encode(result)}, SEND_TIMEOUT)

    def _call(self, method: str, params: dict[str, Any], tell: Callable[[object], None]) -> object:
        function = self._methods[method]
        hints = hints_of(getattr(Library, method)) if method in METHODS else OWN_PARAMETERS[method]
        if unknown := set(params) - set(hints) | {"return", "progress"} & set(params):
            raise ProtocolViolated(f"unknown parameters {sorted(unknown)!r:.60}")
        arguments = {name: decode(hints[name], value) for name, value in params.items()}
        if "progress" in hints:
            arguments["progress"] = tell if method == "follow" else _as_long_as_heard(tell)
        try:
            return function(**arguments)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise ProtocolViolated(f"missing parameters of {method}") from error
            raise

    def _tell(self, number: int, value: object) -> None:
        self.lines.send({"id": number, "progress": encode(value)}, SEND_TIMEOUT)


def _as_long_as_heard(tell: Callable[[object], None]) -> Callable[[object], None]:
    """Passes progress on to a client; where the client is gone, the work goes on without it."""
    gone = False

    def tell_if_heard(value: object) -> None:
        nonlocal gone
        if not gone:
            try:
                tell(value)
            except Closed:
                gone = True

    return tell_if_heard


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells this daemon's socket from that of one that took its place."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _bind(listener: socket.socket, path: Path) -> None:
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(before)


def _clear_stale(path: Path) -> None:
    """Take away the socket a killed daemon left; anything else in its place is not ours to remove."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise DaemonCannotRun(f"{path} is in the way and is not ken's.", "Remove it, or move KEN_HOME.")
    path.unlink()
