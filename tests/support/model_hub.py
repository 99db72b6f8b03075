"""A model hub on the loopback interface: real HTTP with ranges, and whatever can go wrong with it."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Hub:
    """Serves folders as repositories until it is closed; its fields say how it misbehaves."""

    def __init__(self) -> None:
        self.repositories: dict[str, Path] = {}
        self.listings: dict[str, bytes] = {}
        """Answers for a repository's listing in place of the true one."""
        self.gated: set[str] = set()
        self.damaged: set[str] = set()
        """Ends of paths whose last byte arrives wrong."""
        self.redirect = False
        self.ranges_work = True
        self.break_off_after: int | None = None
        """Bytes of an answer after which the connection ends."""
        self.stall = False
        """Requests wait until `release` is set; `stalled` tells that one does."""
        self.stalled, self.release = threading.Event(), threading.Event()
        self.asked: list[tuple[str, str | None]] = []
        """Path and Authorization of every request."""
        self.ranges: list[tuple[str, str | None]] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def add(self, repository: str, folder: Path) -> None:
        self.repositories[repository] = folder

    def listing(self, repository: str) -> bytes:
        """What the hub's API says of a repository: large files have SHA-256, small ones git's digest."""
        folder = self.repositories[repository]
        siblings: list[dict[str, Any]] = []
        for path in folder.rglob("*"):
            if not path.is_file():
                continue
            data = path.read_bytes()
            git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
            entry: dict[str, Any] = {
                "rfilename": path.relative_to(folder).as_posix(),
                "size": len(data),
                "blobId": git,
            }
            if len(data) > 10_000:
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            siblings.append(entry)
        return json.dumps({"siblings": siblings}).encode()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self.stop()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.hub.asked.append((self.path, self.headers["Authorization"]))
        self.hub.ranges.append((self.path, self.headers["Range"]))
        if self.hub.stall:
            self.hub.stalled.set()
            self.hub.release.wait(60)
            return None
        path = self.path.partition("?")[0].removeprefix("/elsewhere")
        if path.startswith("/api/models/"):
            return self._list(path.removeprefix("/api/models/").removesuffix("/revision/main"))
        repository, _, name = path.lstrip("/").partition("/resolve/main/")
        if repository in self.hub.gated:
            return self.send_error(401)
        file = self.hub.repositories.get(repository, Path("/nowhere")) / name
        if not file.is_file():
            return self.send_error(404)
        if self.hub.redirect and not self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", "/elsewhere" + path)
            return self.end_headers()
        return self._send(path, file.read_bytes())

    def _list(self, repository: str) -> None:
        if repository not in self.hub.repositories and repository not in self.hub.listings:
            return self.send_error(404)
        body = self.hub.listings.get(repository)
        return self._send(self.path, self.hub.listing(repository) if body is None else body)

    def _send(self, path: str, data: bytes) -> None:
        if any(path.endswith(end) for end in self.hub.damaged):
            data = data[:-1] + bytes([data[-1] ^ 1])
        asked = self.headers["Range"] if self.hub.ranges_work else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        limit = self.hub.break_off_after
        self.wfile.write(data[start : start + limit] if limit else data[start:])
