"""The configuration files of assistants, and how ken is written into them.

Owns where each client keeps its servers and in which form. What else a file holds stays as it is; one that
cannot be read as plain JSON or TOML is not touched.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import UsageInvalid
from app.launch import module_command

NAME = "ken"
"""What the server is called in every client."""


@dataclass(frozen=True, slots=True)
class Client:
    """One assistant: the file of its settings, and the key beneath which servers are."""

    name: str
    linux: str
    macos: str
    key: str = "mcpServers"
    typed: bool = False
    """Whether an entry says that its transport is stdio."""

    @property
    def path(self) -> Path:
        return Path(self.macos if sys.platform == "darwin" else self.linux).expanduser()


_MAC = "~/Library/Application Support"
CLIENTS = {
    client.name: client
    for client in (
        Client(
            "claude-desktop",
            "~/.config/Claude/claude_desktop_config.json",
            f"{_MAC}/Claude/claude_desktop_config.json",
        ),
        Client("claude-code", "~/.claude.json", "~/.claude.json", typed=True),
        Client("cursor", "~/.cursor/mcp.json", "~/.cursor/mcp.json"),
        Client("vscode", "~/.config/Code/User/mcp.json", f"{_MAC}/Code/User/mcp.json", "servers", typed=True),
        Client("windsurf", "~/.codeium/windsurf/mcp_config.json", "~/.codeium/windsurf/mcp_config.json"),
        Client("gemini-cli", "~/.gemini/settings.json", "~/.gemini/settings.json"),
        Client("lm-studio", "~/.lmstudio/mcp.json", "~/.lmstudio/mcp.json"),
        Client("zed", "~/.config/zed/settings.json", "~/.config/zed/settings.json", "context_servers"),
        Client("codex", "~/.codex/config.toml", "~/.codex/config.toml", "mcp_servers"),
    )
}


def entry(client: Client) -> dict[str, Any]:
    """How the client starts ken: by its full path, since a desktop's programs have another PATH."""
    found = shutil.which("ken")
    command = [found, "mcp"] if found else [*module_command("app.cli"), "mcp"]
    kept = {name: os.environ[name] for name in ("KEN_HOME", "KEN_MODELS") if os.environ.get(name)}
    return {
        **({"type": "stdio"} if client.typed else {}),
        "command": command[0],
        "args": command[1:],
        **({"env": kept} if kept else {}),
    }


def entry_text(client: Client) -> str:
    """The entry as it is written to the file."""
    value = {client.key: {NAME: entry(client)}}
    if client.path.suffix == ".toml":
        import tomlkit

        return tomlkit.dumps(value).strip()
    return json.dumps(value, indent=2, ensure_ascii=False)


def install(client: Client) -> bool:
    """Write ken into the client's file; False where it is there already, just so."""
    path = client.path
    is_toml = path.suffix == ".toml"
    before = _text(path)
    document = _parse_settings(client, before, is_toml=is_toml)
    servers = document.setdefault(client.key, {})
    if not hasattr(servers, "get"):
        raise _unusable(client, f"{client.key} is no table in it")
    wanted = entry(client)
    if servers.get(NAME) == wanted:
        return False
    servers[NAME] = wanted
    if is_toml:
        import tomlkit

        text = tomlkit.dumps(document)
    else:
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    _replace(path, text, before)
    return True


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageInvalid(f"{path} cannot be read: {error}.", "Check its permissions.") from error


def _parse_settings(client: Client, text: str, *, is_toml: bool) -> Any:
    try:
        if is_toml:
            import tomlkit

            return tomlkit.parse(text)
        document = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise _unusable(client, f"it is not plain {'TOML' if is_toml else 'JSON'} ({error})") from error
    if not isinstance(document, dict):
        raise _unusable(client, "it is no object")
    return document


def _unusable(client: Client, why: str) -> UsageInvalid:
    return UsageInvalid(
        f"{client.path} was left as it is: {why}.", "Add what is shown above to the file yourself."
    )


def _replace(path: Path, text: str, before: str) -> None:
    """The file with the new text, whole or not at all; the old one is kept beside it."""
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if before else 0o600
        if before:
            shutil.copy2(target, target.with_name(target.name + ".before-ken"))
        number, beside = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(beside, mode)  # noqa: PTH101
        os.replace(beside, target)  # noqa: PTH105
    except OSError as error:
        raise UsageInvalid(
            f"{target} cannot be written: {error.strerror}.", "Check the permissions of its folder."
        ) from error
