"""A program that serves EmbeddingGemma over HTTP: llama.cpp's server, Ollama, text-embeddings-inference.

Owns the connection, and what is accepted as an answer. The server gets whole texts, prompt included, and puts
`<bos>` and `<eos>` around them; whether it does, and which model it has, the self-test finds out. No proxy is
used and no redirect followed: texts go to the address in the settings or nowhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

import numpy as np

from embedder.checkpoints.models import is_offline
from embedder.engines.base import Engine, Ids, Vectors
from embedder.engines.server_address import Endpoint, Server, endpoint_of, is_loopback, is_private
from embedder.errors import EngineUnavailable, PrecisionUnavailable, VectorsWrong

PROBE = "The tide table hangs beside the door of the harbour office."
"""Goes along with the first texts on a new connection: its vector tells whether the same model answers."""
_LEAST_AGREEMENT = 0.999
"""Least cosine of the probe's vectors: another batch changes the rounding, another model everything."""

_BATCH_TOKENS = 2048
"""Tokens of a request: enough to keep a server busy, and a query waits for one request."""
_TEXTS_AT_ONCE = 31
"""Texts of a request, which with the probe are 32: some servers take no more."""

_CONNECT_SECONDS, _ANSWER_SECONDS = 3.0, 300.0
"""llama.cpp without a GPU, on a machine with other work, took 100 s for the longest request."""
_PAUSES = (0.0, 0.2, 1.0)
"""Seconds before each try of a request: a server closes idle connections, starts, or has too much to do."""
_BUSY = (429, 503)
_NUMBER_BYTES, _FRAME_BYTES = 32, 1 << 16
"""Most bytes of a number of a vector in an answer, and of all that is not vectors."""


class ServedEngine(Engine):
    """A server as an engine. `text_of` turns token ids back into the text that they were made of."""

    name = "served"
    precision = "served"
    batch_tokens = _BATCH_TOKENS
    most_padding = 1.0
    tested_once = False

    def __init__(
        self, server: Server, dimension: int, precision: str, text_of: Callable[[Sequence[int]], str]
    ) -> None:
        """Ask the server for one vector. Raises `EngineUnavailable`, and `PrecisionUnavailable` where one is
        asked for."""
        if precision != "auto":
            raise PrecisionUnavailable(
                f"A server has a precision of its own, and {precision} is asked for.",
                "Let `model.precision` be auto: `ken config model.precision --unset`.",
            )
        self._server, self._dimension, self._text_of = server, dimension, text_of
        self._endpoint = endpoint_of(server.address)
        self._connection: HTTPConnection | None = None
        self._probe: Vectors | None = None
        self.version = f"served-{server.address}-{server.model}"
        self._embed([])

    def run(self, ids: Ids) -> Vectors:
        texts = [self._text_of(text) for text in ids]
        parts = (texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE))
        return np.concatenate([self._embed(part) for part in parts])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _embed(self, texts: list[str]) -> Vectors:
        """Unit vectors of at most `_TEXTS_AT_ONCE` texts; several tries where it may help."""
        reason = ""
        for pause in _PAUSES:
            time.sleep(pause)
            try:
                return self._ask(texts)
            except _Again as error:
                reason = str(error)
                self.close()
            except BaseException:
                self.close()  # what is left of an answer would be read as the next one
                raise
        raise EngineUnavailable(
            f"No answer from the server at {self._server.address} ({reason}).",
            "Start it, or let ken compute: `ken config model.engine --unset`.",
        )

    def _ask(self, texts: list[str]) -> Vectors:
        connection, new = self._connected()
        asked = [*texts, PROBE] if new else texts
        body = {"model": self._server.model, "input": asked, "encoding_format": "float"}
        try:
            connection.request(
                "POST", self._endpoint.path, json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            data = _read(response, len(asked) * self._dimension * _NUMBER_BYTES + _FRAME_BYTES)
        except OverflowError:
            raise self._refused("Its answer is too long.") from None
        except TimeoutError:
            raise self._refused(f"It did not answer within {_ANSWER_SECONDS:.0f} seconds.") from None
        except (OSError, HTTPException) as error:
            raise _Again(_shown(str(error)) or type(error).__name__) from error
        if response.status in _BUSY:
            raise _Again(f"{response.status} {_shown(response.reason)}")
        if response.status != 200:
            raise self._refused(f"It says {response.status}: {_shown(data.decode(errors='replace'))}.")
        vectors = self._vectors(data, len(asked))
        if new:
            self._check_probe(vectors[-1:])
        return vectors[: len(texts)]

    def _connected(self) -> tuple[HTTPConnection, bool]:
        """The connection, and whether it is a new one. The address that answers is judged before anything is
        sent, so that no name server can send texts elsewhere."""
        if self._connection is not None and self._connection.sock is not None:
            return self._connection, False
        self._connection = connection = _connection(self._endpoint)
        try:
            connection.connect()
        except OSError as error:
            raise _Again(_shown(error.strerror or str(error))) from error
        peer = connection.sock.getpeername()[0]
        self._check_peer(peer)
        connection.sock.settimeout(_ANSWER_SECONDS)
        return connection, True

    def _check_peer(self, peer: str) -> None:
        """Raise `EngineUnavailable` where no text may be sent to this IP address."""
        address = self._server.address
        if is_offline() and not is_loopback(peer):
            raise EngineUnavailable(
                f"{address} is another machine ({peer}), and KEN_OFFLINE keeps ken off the network.",
                "Unset KEN_OFFLINE, or let ken compute: `ken config model.engine --unset`.",
            )
        if not self._server.public and not is_private(peer):
            raise EngineUnavailable(
                f"{address} is outside this machine and its private networks ({peer}).",
                "Whoever runs it would read your files. To send them nevertheless: "
                "`ken config model.public_server true`.",
            )

    def _vectors(self, data: bytes, count: int) -> Vectors:
        """The vectors of an answer, normalized: (count, dimension)."""
        try:
            rows = sorted(json.loads(data)["data"], key=lambda row: row["index"])
            numbered = [row["index"] for row in rows] == list(range(count))
            numbers = all(type(value) in (int, float) for row in rows for value in row["embedding"])
            vectors = np.array([row["embedding"] for row in rows], np.float64) if numbers else np.empty(0)
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            raise self._refused("Its answer is no list of vectors.") from None
        if not numbered or vectors.shape != (count, self._dimension):
            raise self._refused(f"Its answer is not {count} vectors of {self._dimension} numbers.")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise self._refused("Its answer holds a vector without direction.")
        return np.asarray(vectors / lengths, np.float32)

    def _check_probe(self, probe: Vectors) -> None:
        if self._probe is None:
            self._probe = probe
        elif not float((probe * self._probe).sum()) >= _LEAST_AGREEMENT:
            raise VectorsWrong(
                f"The server at {self._server.address} has another model than before.",
                "Give it the one it had. No vector of the other was stored.",
            )

    def _refused(self, what: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"The server at {self._server.address} gave no vectors. {what}",
            "It must serve EmbeddingGemma, with a batch of 2,048 tokens (see assets/docs/models.md).",
        )


class _Again(Exception):
    """A try failed that may go well when it is made again."""


def _connection(endpoint: Endpoint) -> HTTPConnection:
    kind = HTTPSConnection if endpoint.secure else HTTPConnection
    return kind(endpoint.host, endpoint.port, timeout=_CONNECT_SECONDS)


def _read(response: HTTPResponse, most: int) -> bytes:
    """The whole answer. Raises `OverflowError` for more than `most` bytes, `TimeoutError` for a slow one."""
    end, data = time.monotonic() + _ANSWER_SECONDS, bytearray()
    while part := response.read(1 << 16):
        data += part
        if len(data) > most:
            raise OverflowError
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(data)


def _shown(text: str) -> str:
    """A line of what another program says: printable, and short."""
    return "".join(c if c.isprintable() else " " for c in text[:300]).strip().rstrip(".")
