"""Every path of ken's own files.

`KEN_HOME` moves all of them. `KEN_MODELS` moves the models alone (`embedder.checkpoints.models`).
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from app.errors import PathInvalid

SOCKET_PATH_LIMIT = 100
"""`sun_path` holds 104 bytes on macOS and 108 on Linux, the closing NUL included."""


def home() -> Path:
    """The folder of all of ken's files: `KEN_HOME`, or the platform's folder for application data."""
    chosen = os.environ.get("KEN_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # its import takes some milliseconds

    return platformdirs.user_data_path("ken")


def make_home() -> Path:
    """Create the same folder if it is missing, closed to other users."""
    folder = home()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PathInvalid(
            f"{folder}, the folder of ken's files, cannot be created: {error.strerror}.",
            "Choose another folder with KEN_HOME.",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PathInvalid(
            f"{folder}, the folder of ken's files, cannot be written.",
            "Check its permissions and its disk, or choose another folder with KEN_HOME.",
        )
    return folder


def index_path() -> Path:
    return home() / "index.db"


def config_path() -> Path:
    return home() / "config.toml"


def log_path() -> Path:
    return home() / "ken.log"


def lock_path() -> Path:
    """The lock file of the process that writes the index."""
    return home() / "write.lock"


def pause_mark() -> Path:
    """A file that exists while the user has paused indexing, also across restarts."""
    return home() / "paused"


def daemon_lock_path() -> Path:
    """The lock file of the daemon of this home."""
    return home() / "daemon.lock"


def socket_path() -> Path:
    """The socket of a daemon that starts now: beside the index, or in a folder of this user's.

    The latter (`make_socket_folder`) is for a path that is too long for a socket. That folder depends on the
    environment, so clients read the path of a running daemon from its lock file. Raises `PathInvalid` if no
    path is short enough.
    """
    import hashlib
    import tempfile  # 10 ms, and a running daemon says itself where it listens

    name = hashlib.blake2b(os.fsencode(home()), digest_size=8).hexdigest() + ".sock"
    folders = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")
    elsewhere = [Path(folder) / f"ken-{os.geteuid()}" / name for folder in folders if folder]
    for path in (home() / "daemon.sock", *elsewhere):
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
    raise PathInvalid(
        f"No path for the daemon's socket has at most {SOCKET_PATH_LIMIT} bytes.",
        "Choose a folder with a shorter path with KEN_HOME.",
    )


def make_socket_folder(folder: Path) -> None:
    """Create the folder of a socket outside of ken's home, and check that only this user can use it.

    Every user may be able to write to the folder above. Raises `PathInvalid` if the folder exists and is a
    link, belongs to another user, or is open to others.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise _no_place(folder, f"cannot be created: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise _no_place(folder, "is in the way and is no folder")
    if found.st_uid != os.geteuid():
        raise _no_place(folder, "belongs to another user")
    if found.st_mode & 0o077:
        raise _no_place(folder, "is open to other users")


def _no_place(folder: Path, why: str) -> PathInvalid:
    return PathInvalid(
        f"{folder}, where the daemon's socket would be, {why}.",
        "Remove it, set XDG_RUNTIME_DIR to a folder of your own, or choose a shorter path with KEN_HOME.",
    )


def assets_path() -> Path:
    """The files that ken ships: in this package when installed, at the top of a source tree."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def short(path: str) -> str:
    """A path with `~` for the user's home."""
    user = str(Path.home())
    if path == user or path.startswith(user + os.sep):
        return "~" + path[len(user) :]
    return path
