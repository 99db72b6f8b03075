"""Which file systems are mounted, which of them holds a folder, and which send no events.

A disk is told by the number its file system gives itself and by the folder of it that is mounted, so
that one that was taken out, or replaced by another, is seen even where a folder still has its name.
Decides nothing.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

REMOTE = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afpfs",
        "webdav",
        "davfs",
        "ncpfs",
        "9p",
        "virtiofs",
        "vboxsf",
        "prl_fs",
        "vmhgfs",
        "ceph",
        "glusterfs",
        "lustre",
        "afs",
        "coda",
        "sshfs",
        "drvfs",
    ]
)
"""File systems of other machines, and of the host under a guest."""

LABELS = "/dev/disk/by-uuid"


class Disk(NamedTuple):
    """A mounted file system, or the part of it that is mounted."""

    number: int
    """Names it; 0: it cannot be told."""
    mount: str
    """The folder it is mounted at."""
    lasting: bool
    """Whether the number is its own: one that comes from the device may be another disk's tomorrow."""


class Disks:
    """The file systems as they are mounted now; made anew for each comparison."""

    def __init__(self) -> None:
        self._mounts = mounts()
        self._of: dict[str, Disk] = {}

    def holding(self, path: str) -> Disk:
        """The disk that holds the folder of `path`, whether that folder is there or not."""
        return self._in(os.path.dirname(path))  # noqa: PTH120

    def _in(self, folder: str) -> Disk:
        disk = self._of.get(folder)
        if disk is None:
            above = os.path.dirname(folder)  # noqa: PTH120
            if folder in self._mounts or above == folder:
                disk = _disk(folder, self._mounts[folder].kind if folder in self._mounts else "")
            else:
                disk = self._in(above)
            self._of[folder] = disk
        return disk


class Mount(NamedTuple):
    """What is mounted at a folder."""

    device: str
    kind: str
    """The kind of file system, as the system names it."""


def mounts() -> dict[str, Mount]:
    """Every folder at which something is mounted, and what is seen there."""
    import psutil  # 20 ms, and only needed where folders are compared or followed

    return {one.mountpoint: Mount(one.device, one.fstype) for one in psutil.disk_partitions(all=True)}


def is_remote(path: str) -> bool:
    """Whether changes made elsewhere are possible and nobody would tell of them."""
    best, kind = "", ""
    path = os.path.realpath(path)
    for point, mounted in mounts().items():
        mount = point.rstrip("/")
        if (path == mount or path.startswith(mount + "/")) and len(mount) >= len(best):
            best, kind = mount, mounted.kind
    return kind in REMOTE or kind.startswith(("fuse.", "macfuse", "osxfuse"))


def _disk(mount: str, kind: str) -> Disk:
    """The file system's own number where it has one: some only pass on their device's (man 2 statfs)."""
    try:
        status, system = os.stat(mount), os.statvfs(mount)  # noqa: PTH116
    except OSError:
        return Disk(0, mount, lasting=False)
    own = system.f_fsid
    lasting = (own & 0xFFFFFFFF) not in (0, status.st_dev & 0xFFFFFFFF)
    if lasting:
        name = f"{own:x}"
    else:
        name = _label(status.st_dev)
        lasting = bool(name)
        name = name or f"{status.st_dev} {kind} {system.f_frsize * system.f_blocks}"
    digest = hashlib.blake2b(f"{name} {status.st_ino}".encode(), digest_size=8).digest()
    return Disk(int.from_bytes(digest) >> 1 or 1, mount, lasting)


def _label(device: int) -> str:
    """The identity that Linux's udev found on a device; empty where it knows of none."""
    try:
        with os.scandir(LABELS) as entries:
            return next((entry.name for entry in entries if entry.stat().st_rdev == device), "")
    except OSError:
        return ""
