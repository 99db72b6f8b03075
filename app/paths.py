"""Where ken keeps things: every path in one place.

`KEN_HOME` moves all of them. Models alone can be moved further, with `KEN_MODELS`
(`embedder.checkpoints.models` knows how).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from app.errors import PathInvalid

SOCKET_PATH_LIMIT = 100
"""`sun_path` holds 104 bytes on macOS and 108 on Linux, the closing NUL included."""


def home() -> Path:
    """The folder that holds everything: `KEN_HOME`, or the platform's place for an application's data."""
    chosen = os.environ.get("KEN_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # only where nobody chose: it costs each start some milliseconds

    return platformdirs.user_data_path("ken")


def make_home() -> Path:
    """The same, made where it is missing, and closed to other users."""
    folder = home()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PathInvalid(
            f"{folder}, where ken keeps everything, cannot be made: {error.strerror}.",
            "Choose another folder with KEN_HOME.",
        ) from error
    return folder


def index_path() -> Path:
    return home() / "index.db"


def config_path() -> Path:
    return home() / "config.toml"


def log_path() -> Path:
    return home() / "ken.log"


def lock_path() -> Path:
    """The file whose lock is the right to write the index."""
    return home() / "write.lock"


def pause_mark() -> Path:
    """A file that is there while a person has paused indexing: it outlives every process."""
    return home() / "paused"


def socket_path() -> Path:
    """The daemon's socket, beside the index unless that path is too long for one."""
    beside = home() / "daemon.sock"
    if len(os.fsencode(beside)) <= SOCKET_PATH_LIMIT:
        return beside
    name = hashlib.blake2b(os.fsencode(home()), digest_size=8).hexdigest()
    runtime = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(runtime) / f"ken-{os.getuid()}-{name}.sock"


def assets_path() -> Path:
    """What ken ships with: beside this package when installed, at the top of the tree in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def short(path: str) -> str:
    """A path as a person reads it: `~` for their home."""
    user = str(Path.home())
    if path == user or path.startswith(user + os.sep):
        return "~" + path[len(user) :]
    return path
