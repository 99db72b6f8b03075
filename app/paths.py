"""Where ken keeps things: every path in one place.

`KEN_HOME` moves all of them. Models alone can be moved further, with `KEN_MODELS`
(`embedder.checkpoints.models` knows how).
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
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
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PathInvalid(
            f"{folder}, where ken keeps everything, cannot be written.",
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
    """The file whose lock is the right to write the index."""
    return home() / "write.lock"


def pause_mark() -> Path:
    """A file that is there while a person has paused indexing: it outlives every process."""
    return home() / "paused"


def daemon_lock_path() -> Path:
    """The file whose lock is the right to be this home's daemon."""
    return home() / "daemon.lock"


def socket_path() -> Path:
    """Where a daemon that is started now listens: beside the index unless that path is too long for a socket.

    Else in a folder of this user's (`make_socket_folder`). Where that is depends on the environment: who
    looks for a running daemon asks its lock. Raises `PathInvalid` where no path is short enough.
    """
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
    """Make the folder of a socket that lies elsewhere, and see that it is this user's alone.

    The folder above may be one in which everybody writes: whatever is there already is looked at and, where
    it is a link, another user's or open to others, refused with `PathInvalid`.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise _no_place(folder, f"cannot be made: {error.strerror}") from error
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
