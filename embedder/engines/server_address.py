"""The address of a program that serves the model over HTTP, and which addresses may be used.

Owns reading and judging addresses; sends nothing. Imports little, since settings need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NewType
from urllib.parse import urlsplit

from embedder.errors import EngineUnavailable

ServerAddress = NewType("ServerAddress", str)
"""A text that `is_address`, where the name of an engine is expected."""

SERVED_MODEL = "embeddinggemma"
"""The model's name at Ollama; llama.cpp and text-embeddings-inference serve one model under any name."""

_PATH = "/v1/embeddings"
"""Where OpenAI's interface, which the servers follow, has embeddings."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as the settings name it, in place of an engine's name."""

    address: str
    model: str = SERVED_MODEL
    """The model's name at the server."""
    public: bool = False
    """Whether texts may be sent outside this machine and its private networks."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of an address."""

    secure: bool
    host: str
    port: int
    path: str


def is_address(text: object) -> bool:
    return isinstance(text, str) and text.startswith(("http://", "https://"))


def endpoint_of(address: str) -> Endpoint:
    """The parts of `http[s]://host[:port][/path]`. Raises `EngineUnavailable` for any other text."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    secure = address.startswith("https://")
    if not is_address(address) or not host or not address.isprintable() or " " in address:
        raise _no_address(address, "It needs a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _no_address(parts.hostname or "", "It takes no user, password or query")
    path = parts.path.rstrip("/").removesuffix(_PATH).removesuffix("/v1") + _PATH
    return Endpoint(secure, host, port or (443 if secure else 80), path)


def is_private(address: str) -> bool:
    """Whether an IP address is this machine's or of a network that the internet does not reach."""
    ip = _ip(address)
    return not ip.is_global and not ip.is_multicast


def is_loopback(address: str) -> bool:
    """Whether an IP address is this machine's own, which no network reaches."""
    return _ip(address).is_loopback


def _ip(address: str) -> IPv4Address | IPv6Address:
    """An address without its interface; an IPv4 address in IPv6's clothes is itself."""
    ip = ip_address(address.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def _no_address(address: str, why: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"{address!r} is no address of a server. {why}.", "Write it like http://127.0.0.1:8080."
    )
