"""The MCP server over HTTP on this machine alone, for clients that start no process.

Owns who may ask: whoever shows the token of this ken home, and no page of a browser from elsewhere. The token
keeps out other users and web pages; the Host and Origin headers keep out names that lead here by rebinding
(MCP specification 2025-06-18, transports, security warning).
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.errors import UsageInvalid

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
PORT = 8377
PATH = "/mcp"
TOKEN_BYTES = 32


def token_path() -> Path:
    return paths.home() / "mcp.token"


def token() -> str:
    """The token that a client shows, made at the first call; its file is this user's alone."""
    path = token_path()
    try:
        if kept := path.read_text(encoding="ascii").strip():
            return kept
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise UsageInvalid(f"{path} cannot be read: {error}.", "Remove it: a new one is made.") from error
    paths.make_home()
    made = secrets.token_urlsafe(TOKEN_BYTES)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(made + "\n")
    return made


class TokenRequired:
    """Passes on requests that show the token; answers all others itself."""

    def __init__(self, app: ASGIApp, expected: str) -> None:
        self._app = app
        self._expected = f"Bearer {expected}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._shows_token(scope):
            await _refuse(send)
            return
        await self._app(scope, receive, send)

    def _shows_token(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._expected)


async def _refuse(send: Send) -> None:
    body = b'{"error": "Show the token: Authorization: Bearer TOKEN"}'
    headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def listen(port: int) -> socket.socket:
    """A socket on the loopback address; `UsageInvalid` where the port is taken. 0: any that is free."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, port))
        taken.listen()
    except OSError as error:
        taken.close()
        raise UsageInvalid(
            f"Port {port} cannot be used: {error.strerror}.", "Choose another: --port."
        ) from error
    return taken


def serve(server: MCPServer, listening: socket.socket, expected: str) -> None:
    """Answer until interrupted."""
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    port = listening.getsockname()[1]
    names = [f"{HOST}:{port}", f"localhost:{port}"]
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names]
        ),
    )
    settings = uvicorn.Config(TokenRequired(app, expected), log_level="warning", server_header=False)
    uvicorn.Server(settings).run(sockets=[listening])
