"""Mounted file systems: which one holds a folder, and which send no events.

Owns the identity of a disk: the number of its file system and the folder of it that is mounted. So a disk
that was removed or replaced is noticed even if a folder has its name. Decides nothing.
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
    """Its identity; 0: unknown."""
    mount: str
    """The mount point."""
    lasting: bool
    """Whether the file system itself has the number: a device number may name another disk tomorrow."""


class Disks:
    """The file systems mounted at this moment; each comparison makes a new one."""

    def __init__(self) -> None:
        self._mounts = mounts()
        self._of: dict[str, Disk] = {}

    def holding(self, path: str) -> Disk:
        """The disk that holds the folder of `path`; the folder need not exist."""
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
    """One mounted file system."""

    device: str
    kind: str
    """The type of file system, in the system's words."""


def mounts() -> dict[str, Mount]:
    """Every mount point with what is mounted there."""
    import psutil  # its import takes 20 ms

    return {one.mountpoint: Mount(one.device, one.fstype) for one in psutil.disk_partitions(all=True)}


def is_remote(path: str) -> bool:
    """Whether another machine can change the files without an event here."""
    kind = file_system(path)
    return kind in REMOTE or kind.startswith(("fuse.", "macfuse", "osxfuse"))


def file_system(path: str) -> str:
    """The type of the file system that holds a path, in the system's words; empty if it is not known."""
    best, kind = "", ""
    path = os.path.realpath(path)
    for point, mounted in mounts().items():
        mount = point.rstrip("/")
        if (path == mount or path.startswith(mount + "/")) and len(mount) >= len(best):
            best, kind = mount, mounted.kind
    return kind


def _disk(mount: str, kind: str) -> Disk:
    """The disk at a mount point, by the file system's own number if it has one: some pass on the device's
    (man 2 statfs)."""
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
    """The identity that Linux's udev found on a device; empty if it found none."""
    try:
        with os.scandir(LABELS) as entries:
            return next((entry.name for entry in entries if entry.stat().st_rdev == device), "")
    except OSError:
        return ""
