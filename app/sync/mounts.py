"""Whether a folder lies on a drive that sends no events for what others change on it."""

from __future__ import annotations

import os

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


def is_remote(path: str) -> bool:
    """Whether changes made elsewhere are possible and nobody would tell of them."""
    import psutil  # 20 ms, and only needed where folders are followed

    best, kind = "", ""
    path = os.path.realpath(path)
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint.rstrip("/")
        if (path == mount or path.startswith(mount + "/")) and len(mount) >= len(best):
            best, kind = mount, partition.fstype
    return kind in REMOTE or kind.startswith(("fuse.", "macfuse", "osxfuse"))
