"""Starts the daemon at login, by a launchd agent on macOS or a systemd user unit on Linux."""

from __future__ import annotations

import hashlib
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app import paths
from app.daemon import lifecycle
from app.errors import DaemonError, PathInvalid
from app.launch import module_command

KEPT = ("KEN_HOME", "KEN_MODELS", "KEN_OFFLINE", "PATH", "LANG", "HTTPS_PROXY", "HF_HOME")
"""Environment variables that the service takes from the shell that installs it."""
WITHOUT = "`ken daemon start` starts it without the system's help; put that where you log in."
COMMAND_TIMEOUT = 60.0
BOOTSTRAP_SECONDS = 15.0
"""Seconds to try: for about 5 after it let go of an agent, launchd does not take one of the same name."""
BOOTSTRAP_STEP = 0.5
LAUNCHD_BUSY, LAUNCHD_LOADED, LAUNCHD_NO_DOMAIN = 5, 37, 125
"""Exit codes of `launchctl bootstrap`, as `launchctl error` explains them: an input or output error, an
operation already in progress, a domain that does not support what was asked."""


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
    """Let the system start the daemon now and at each login; returns the file that was written.

    If the system refuses, the former file is restored: if it worked, it still does at the next login.
    """
    path = service_path()
    paths.make_home()
    before = path.read_bytes() if path.exists() else None
    with suppress(DaemonError):
        _disable(path)
    _write(path, launchd_agent() if sys.platform == "darwin" else systemd_unit())
    # The system's daemon would find another one running and end.
    lifecycle.stop_daemon()
    try:
        _enable(path)
    except DaemonError:
        if before is None:
            path.unlink()
        else:
            _write(path, before)
        raise
    return path


def uninstall() -> bool:
    """Undo `install`; False if nothing was installed."""
    path = service_path()
    if not path.exists():
        return False
    try:
        _disable(path)
    finally:
        path.unlink()
    return True


def program() -> str | None:
    """The interpreter that the installed service starts; None if none is installed, or it cannot be read."""
    path = service_path()
    try:
        if sys.platform == "darwin":
            return str(plistlib.loads(path.read_bytes())["ProgramArguments"][0])
        start = next(line for line in path.read_text().splitlines() if line.startswith("ExecStart="))
        return shlex.split(start.removeprefix("ExecStart="))[0].replace("$$", "$").replace("%%", "%")
    except (OSError, ValueError, LookupError, StopIteration, plistlib.InvalidFileException):
        return None


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise PathInvalid(
            f"{path} cannot be written: {error.strerror}.", "Check the permissions of its folder."
        ) from error


def launchd_agent() -> bytes:
    """The property list (man 5 launchd.plist). Restarted after a crash, not after `ken daemon stop`.

    Users wait for its answers, so the system must not slow it down; indexing lowers its own priority.
    """
    return plistlib.dumps(
        {
            "Label": label(),
            "ProgramArguments": module_command("app.daemon"),
            "EnvironmentVariables": _environment(),
            "ProcessType": "Interactive",
            "MaterializeDatalessFiles": False,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "WorkingDirectory": str(paths.home()),
            "StandardErrorPath": str(paths.log_path()),
        }
    )


def systemd_unit() -> bytes:
    """The unit (man 5 systemd.service). Restarted after a crash, not after `ken daemon stop`."""
    settings = "\n".join(f"Environment={_quote(f'{name}={value}')}" for name, value in _environment().items())
    start = " ".join(_quote(word).replace("$", "$$") for word in module_command("app.daemon"))
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
    return lifecycle.daemon_environment({name: os.environ[name] for name in KEPT if os.environ.get(name)})


def _quote(text: str) -> str:
    """One word of a unit file: quoted, with `%` taken literally."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _enable(path: Path) -> None:
    if sys.platform != "darwin":
        _require("systemctl", "--user", "daemon-reload")
        _require("systemctl", "--user", "enable", "--now", path.name)
        return
    for domain in _domains():
        command = ("launchctl", "bootstrap", domain, str(path))
        deadline = time.monotonic() + BOOTSTRAP_SECONDS
        while (done := _run(*command)).returncode == LAUNCHD_BUSY and time.monotonic() < deadline:
            time.sleep(BOOTSTRAP_STEP)
        if done.returncode in (0, LAUNCHD_LOADED):
            return
        if done.returncode != LAUNCHD_NO_DOMAIN:
            break
    raise _failed(command, done)


def _disable(path: Path) -> None:
    if sys.platform != "darwin":
        _require("systemctl", "--user", "disable", "--now", path.name)
        return
    tried = [_run("launchctl", "bootout", f"{domain}/{label()}") for domain in _domains()]
    if all(done.returncode for done in tried):
        raise _failed(tried[0].args, tried[0])


def _domains() -> tuple[str, str]:
    """Domains in which launchd may run an agent: the desktop session, or the user's without one (ssh)."""
    return f"gui/{os.getuid()}", f"user/{os.getuid()}"


def _require(*command: str) -> None:
    done = _run(*command)
    if done.returncode:
        raise _failed(command, done)


def _failed(command: Sequence[str], done: subprocess.CompletedProcess[str]) -> DaemonError:
    return DaemonError(f"`{' '.join(command)}` failed: {done.stderr.strip() or done.returncode}.", WITHOUT)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        raise DaemonError(f"{command[0]} is not on this system.", WITHOUT)
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DaemonError(f"`{' '.join(command)}` did not end or start: {error}.", WITHOUT) from error
