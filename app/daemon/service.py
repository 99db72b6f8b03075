"""Starting the daemon at login: a launchd agent on macOS, a systemd user unit on Linux."""

from __future__ import annotations

import hashlib
import os
import plistlib
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from app import paths
from app.daemon import lifecycle
from app.errors import DaemonError
from app.launch import module_command

KEPT = ("KEN_HOME", "KEN_MODELS", "KEN_OFFLINE", "PATH", "LANG", "HTTPS_PROXY", "HF_HOME")
"""Variables of the installing shell that the service keeps."""


def label() -> str:
    """The service's name, one for each `KEN_HOME`."""
    if not os.environ.get("KEN_HOME"):
        return "ken-search"
    return "ken-search-" + hashlib.blake2b(os.fsencode(paths.home()), digest_size=4).hexdigest()


def service_path() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{label()}.plist"
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user" / f"{label()}.service"


def install() -> Path:
    """Have the system start the daemon now and at each login; returns the file that says so."""
    path = service_path()
    with suppress(DaemonError):
        uninstall()
    paths.make_home()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = launchd_agent() if sys.platform == "darwin" else systemd_unit()
    path.write_bytes(content)
    # The system's daemon would find another in its place and end.
    lifecycle.stop_daemon()
    try:
        _run(*_commands_on(path))
    except DaemonError:
        path.unlink()
        raise
    return path


def uninstall() -> bool:
    """Undo `install`; False where nothing was installed."""
    path = service_path()
    if not path.exists():
        return False
    try:
        _run(*_commands_off(path))
    finally:
        path.unlink()
    return True


def launchd_agent() -> bytes:
    """The property list (man 5 launchd.plist). Restarted after a crash, not after `ken daemon stop`.

    A person waits for its answers, so the system shall not slow it down: indexing steps back by itself.
    """
    return plistlib.dumps(
        {
            "Label": label(),
            "ProgramArguments": module_command("app.daemon"),
            "EnvironmentVariables": _environment(),
            "ProcessType": "Interactive",
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "WorkingDirectory": str(paths.home()),
            "StandardErrorPath": str(paths.log_path()),
        }
    )


def systemd_unit() -> bytes:
    """The unit (man 5 systemd.service). Restarted after a crash, not after `ken daemon stop`."""
    settings = "\n".join(
        f"Environment={_quoted(f'{name}={value}')}" for name, value in _environment().items()
    )
    start = " ".join(_quoted(word).replace("$", "$$") for word in module_command("app.daemon"))
    return f"""\
[Unit]
Description=ken: search by meaning, kept fresh

[Service]
ExecStart={start}
{settings}
WorkingDirectory={str(paths.home()).replace("%", "%%")}
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
""".encode()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
    return {**kept, "KEN_HOME": str(paths.home()), "MALLOC_ARENA_MAX": "2"}


def _quoted(text: str) -> str:
    """One word of a unit file: quoted, with `%` taken literally."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _commands_on(path: Path) -> tuple[list[str], ...]:
    if sys.platform == "darwin":
        return (["launchctl", "bootstrap", f"gui/{os.getuid()}", str(path)],)
    return (
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", "--now", path.name],
    )


def _commands_off(path: Path) -> tuple[list[str], ...]:
    if sys.platform == "darwin":
        return (["launchctl", "bootout", f"gui/{os.getuid()}/{label()}"],)
    return (["systemctl", "--user", "disable", "--now", path.name],)


def _run(*commands: list[str]) -> None:
    for command in commands:
        if shutil.which(command[0]) is None:
            raise DaemonError(
                f"{command[0]} is not on this system.",
                "`ken daemon start` starts it without; put that where you log in.",
            )
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise DaemonError(
                f"`{' '.join(command)}` failed: {done.stderr.strip() or done.returncode}.",
                "`ken daemon start` starts it without the system's help.",
            )
