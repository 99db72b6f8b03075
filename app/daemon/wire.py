"""Messages between the daemon and its clients: one JSON object a line over a Unix stream socket.

Owns their framing and their limits, the check of the user, and how an error travels. A client that only
prints an answer imports this and little else, so nothing here takes milliseconds to import, as `typing` and
`dataclasses` do.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time

from app.errors import TITLED_ERRORS, DaemonError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self

PROTOCOL = 1
MAX_REQUEST = 1 << 20
"""Bytes a request may have: a query is at most pages of text."""
MAX_REPLY = 256 << 20
"""Bytes a reply may have: `text` returns a whole document."""
REST_OF_LINE = 10.0
"""Seconds from the first byte of a line to its end."""


class Closed(Exception):
    """The other side closed the connection."""


class ProtocolViolated(Exception):
    """The other side sent something that the protocol does not allow."""


class Lines:
    """Whole messages over a connected socket; used by one thread at a time."""

    def __init__(self, connection: socket.socket, limit: int) -> None:
        self.connection = connection
        self.limit = limit
        self._buffer = bytearray()

    def send(self, message: dict[str, Any], timeout: float | None = 30.0) -> None:
        """Send one message; raises `Closed` if the other side left or read nothing for `timeout` seconds."""
        try:
            self.connection.settimeout(timeout)
            self.connection.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        except OSError as error:
            raise Closed(str(error)) from error

    def receive(self, timeout: float | None) -> dict[str, Any]:
        """The next message; raises TimeoutError if no byte of it comes within `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._buffer:
            deadline = time.monotonic() + REST_OF_LINE
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            scanned = len(self._buffer)
            if scanned > self.limit:
                raise ProtocolViolated(f"a message of more than {self.limit} bytes")
            if not scanned:
                chunk = self._read_chunk(deadline)
                deadline = time.monotonic() + REST_OF_LINE
            else:
                chunk = self._read_chunk(deadline)
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return _parse(line)

    def _read_chunk(self, deadline: float | None) -> bytes:
        try:
            self.connection.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
            chunk = self.connection.recv(1 << 16)
        except TimeoutError:
            if self._buffer:
                raise ProtocolViolated("half a message") from None
            raise
        except OSError as error:
            raise Closed(str(error)) from error
        if not chunk:
            raise Closed("closed")
        return chunk

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolated("not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolViolated("not a JSON object")
    return message


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end, from the kernel (SO_PEERCRED on Linux, LOCAL_PEERCRED on macOS)."""
    if sys.platform == "darwin":
        # struct xucred { u_int version; uid_t uid; ... } of 76 bytes: sys/ucred.h; SOL_LOCAL = 0.
        return int(struct.unpack_from("II", connection.getsockopt(0, 1, 76))[1])
    size = struct.calcsize("3i")
    return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])


def is_same_user(connection: socket.socket) -> bool:
    """Whether the other side runs as this user."""
    try:
        return peer_uid(connection) == os.geteuid()
    except OSError:
        return False


def error_message(error: BaseException) -> dict[str, str]:
    """A titled error as a message; any other error becomes a `DaemonError`."""
    if isinstance(error, TITLED_ERRORS):
        return {"class": type(error).__name__, "what": error.what, "fix": error.fix}
    return {
        "class": "DaemonError",
        "what": f"The daemon failed on this request ({type(error).__name__}).",
        "fix": "`ken daemon logs` shows where; `ken daemon restart` starts it afresh.",
    }


def error_from(message: Any) -> Exception:
    """The error in a message, in its original class."""
    if not isinstance(message, dict):
        return DaemonError("The daemon sent an error that cannot be read.", "Run `ken daemon restart`.")
    known = {kind.__name__: kind for kind in _all_kinds()}
    kind = known.get(str(message.get("class")), DaemonError)
    return kind(str(message.get("what", "")), str(message.get("fix", "")))


def _all_kinds() -> Iterator[type[Exception]]:
    waiting: list[type[Exception]] = list(TITLED_ERRORS)
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += kind.__subclasses__()
