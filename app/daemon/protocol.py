"""The protocol between the daemon and its clients.

One JSON object a line over a Unix stream socket. The server greets with
`{"ken": RELEASE, "protocol": 1, "pid": N}`; a client asks `{"id": 1, "method": "search", "params":
{...}}` and gets `{"id": 1, "result": ...}` or `{"id": 1, "error": {...}}`, before either any number
of `{"id": 1, "progress": {...}}`. A connection handles one request at a time.

Owns which methods there are; `app.daemon.wire` has the messages. The methods and their types are those of
`Library`; this module knows nothing of what they do.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.api import Library

METHODS = frozenset(name for name in vars(Library) if not name.startswith("_")) - {"close"}
"""Methods of `Library` that a client may call. The server's own are `daemon`, for facts on the process, and
`search_json`, for the answer as it is printed."""


@dataclass(frozen=True, slots=True)
class DaemonInfo:
    """Facts on the daemon's process."""

    pid: int
    release: str
    started: float
    """Seconds since the epoch."""
    memory_mb: float
    """Resident memory of the daemon and the processes it started."""
    cpu_seconds: float
    """Processor time of these, since the start."""
    model_loaded: bool
