"""A small disk of its own, really full when it is full: a tmpfs in a mount namespace.

Owns the namespace and what is started in it; needs root or user namespaces, and skips without.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MOUNT = "mount -t tmpfs -o size={megabytes}m,mode=700 ken {folder} && echo mounted && exec cat"


class SmallDisk:
    """At `folder` for what `run` starts; at `inside` for the test itself."""

    def __init__(self, keeper: subprocess.Popen[bytes], folder: Path) -> None:
        self._keeper = keeper
        self.folder = folder

    @property
    def inside(self) -> Path:
        """The same folder by a path that leads into the namespace."""
        return Path(f"/proc/{self._keeper.pid}/root{self.folder}")

    @property
    def free(self) -> int:
        """Bytes."""
        found = os.statvfs(self.inside)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.inside / "ballast").open("ab", buffering=0) as ballast:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        ballast.write(b"x" * size)
                except OSError:
                    continue

    def copy_index(self, target: Path) -> Path:
        """The index with its log, copied to where SQLite follows the path; nothing may be writing."""
        target.mkdir()
        for file in self.inside.glob("index.db*"):
            shutil.copy(file, target)
        return target / "index.db"

    def make_room(self, megabytes: int) -> None:
        self._enter("mount", "-o", f"remount,size={megabytes}m", str(self.folder))

    def ken(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command with its home on this disk."""
        return self._enter(sys.executable, "-c", "from app.cli import main; main()", *words)

    def _enter(self, *command: str) -> subprocess.CompletedProcess[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        enter = ["nsenter", "--target", str(self._keeper.pid), "--mount", *user]
        return subprocess.run(
            [*enter, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ | {"KEN_HOME": str(self.folder)},
        )


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    folder.mkdir(parents=True)
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    try:
        keeper = subprocess.Popen(
            ["unshare", "--mount", *user, "sh", "-c", MOUNT.format(megabytes=megabytes, folder=folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        pytest.skip("unshare is not here")
    with keeper:
        assert keeper.stdout is not None
        if keeper.stdout.readline() != b"mounted\n":
            pytest.skip("nothing may be mounted here")
        yield SmallDisk(keeper, folder)
        keeper.kill()
