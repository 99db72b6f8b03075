"""Messages over a real socket: whole, in time and of bounded size, or refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from app.daemon import wire
from app.daemon.wire import (
    Closed,
    Lines,
    ProtocolViolated,
    error_from,
    error_message,
    is_same_user,
    peer_uid,
)
from app.errors import DaemonError, PathInvalid
from embedder.errors import ModelNotFound
from index.errors import IndexFull


@pytest.fixture
def pair() -> Iterator[tuple[Lines, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield Lines(left, limit=1000), right


def test_messages_arrive_whole_however_they_are_split(pair: tuple[Lines, socket.socket]) -> None:
    lines, other = pair
    for part in (b'{"a"', b": 1}\n", b'{"b": "\\ud800"}\n{"c"', b": []}\n"):
        other.sendall(part)
    assert [lines.receive(1.0) for _ in range(3)] == [{"a": 1}, {"b": "\ud800"}, {"c": []}]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\n",
        b"[1, 2]\n",
        b"\xff\xfe\n",
        b"\n",
        b"[" * 900 + b"\n",
        b"{" + b"x" * 2000 + b"}\n",
        b"7\n",
    ],
)
def test_nonsense_is_refused(pair: tuple[Lines, socket.socket], nonsense: bytes) -> None:
    lines, other = pair
    other.sendall(nonsense)
    with pytest.raises(ProtocolViolated):
        lines.receive(1.0)


def test_half_a_message_is_not_waited_for(
    pair: tuple[Lines, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REST_OF_LINE", 0.01)
    lines, other = pair
    other.sendall(b'{"id": 1')
    with pytest.raises(ProtocolViolated):
        lines.receive(None)


def test_silence_and_a_closed_end_are_told_apart(pair: tuple[Lines, socket.socket]) -> None:
    lines, other = pair
    with pytest.raises(TimeoutError):
        lines.receive(0.01)
    other.close()
    with pytest.raises(Closed):
        lines.receive(1.0)


def test_a_reader_that_does_not_read_is_given_up(pair: tuple[Lines, socket.socket]) -> None:
    lines, _ = pair
    with pytest.raises(Closed):
        lines.send({"long": "x" * 10_000_000}, timeout=0.05)


def test_the_kernel_says_who_is_there(pair: tuple[Lines, socket.socket]) -> None:
    lines, _ = pair
    assert peer_uid(lines.connection) == os.geteuid()
    assert is_same_user(lines.connection)


@pytest.mark.parametrize("kind", [PathInvalid, ModelNotFound, IndexFull, DaemonError])
def test_titled_errors_travel_as_what_they_are(kind: type[PathInvalid]) -> None:
    received = error_from(error_message(kind("what happened", "what to do")))
    assert type(received) is kind
    assert (received.what, received.fix, received.title) == ("what happened", "what to do", kind.title)


def test_any_other_error_tells_no_secrets() -> None:
    received = error_from(error_message(ValueError("a password")))
    assert isinstance(received, DaemonError)
    assert "password" not in received.what
