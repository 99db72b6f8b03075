"""A disk that fails on demand: a read-only view of a folder through the kernel's FUSE protocol.

`python -m support.faulty_disk SOURCE MOUNT FAULTS` serves until it is killed. Each line of the file FAULTS
is an operation (`stat`, `list`, `read`), a name and the errno it gives; the errno 0 means that reading
never comes back while the line stands. With a fourth argument `folding` names are looked up as APFS does:
case and Unicode form are ignored, and listed as they were written. Nothing is cached. The protocol is that of
linux/fuse.h, version 7.31.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
import threading
import time
import unicodedata
from pathlib import Path

REQUEST = struct.Struct("=IIQQIIIHH")
REPLY = struct.Struct("=IiQ")
ATTRIBUTES = struct.Struct("=QQQQQQIIIIIIIIII")
ENTRY = struct.Struct("=QQQQII")
READ = struct.Struct("=QQI")
DIRENT = struct.Struct("=QQII")
LOOKUP, FORGET, GETATTR, OPEN, READ_, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 25, 26, 27, 28, 29, 36, 42
DIRECT_IO = 1
LARGEST_REQUEST = 1 << 18
MS_RDONLY_NOSUID_NODEV = 7


class Disk:
    def __init__(self, source: Path, faults: Path, device: int, *, folding: bool) -> None:
        self.folding = folding
        self.paths = {1: str(source)}
        self.faults = faults
        self.device = device

    def serve(self) -> None:
        while True:
            try:
                data = os.read(self.device, LARGEST_REQUEST)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return
            threading.Thread(target=self.answer, args=(data,), daemon=True).start()

    def answer(self, data: bytes) -> None:
        _, operation, unique, node, *_ = REQUEST.unpack_from(data)
        if operation in (FORGET, INTERRUPT, BATCH_FORGET):
            return
        try:
            number, body = 0, self.body(operation, node, data[REQUEST.size :])
        except OSError as error:
            number, body = error.errno or errno.EIO, b""
        os.write(self.device, REPLY.pack(REPLY.size + len(body), -number, unique) + body)

    def body(self, operation: int, node: int, data: bytes) -> bytes:
        if operation == INIT:
            return struct.pack("=IIIIHHIIHHI7I", 7, 31, 1 << 16, 0, 8, 6, 1 << 17, 1, 32, 0, 0, *[0] * 7)
        path = self.paths[node]
        match operation:
            case _ if operation == LOOKUP:
                return self.lookup(self.named(path, os.fsdecode(data.rstrip(b"\0"))))
            case _ if operation == GETATTR:
                return struct.pack("=QII", 0, 0, 0) + self.attributes(path)
            case _ if operation in (OPEN, OPENDIR):
                return struct.pack("=QII", 0, DIRECT_IO, 0)
            case _ if operation == READ_:
                self.fail("read", path)
                _, offset, size = READ.unpack_from(data)
                return Path(path).read_bytes()[offset : offset + size]
            case _ if operation == READDIR:
                self.fail("list", path)
                _, offset, _ = READ.unpack_from(data)
                return b"" if offset else b"".join(self.listed(path))
            case _ if operation == STATFS:
                return struct.pack("=QQQQQIIII6I", 1000, 500, 500, 1000, 500, 4096, 255, 4096, 0, *[0] * 6)
            case _ if operation in (RELEASE, RELEASEDIR, FLUSH):
                return b""
        raise OSError(errno.ENOSYS, "")

    def fail(self, operation: str, path: str) -> None:
        while (number := self.fault(operation, path)) == 0:
            time.sleep(0.01)
        if number is not None:
            raise OSError(number, "")

    def fault(self, operation: str, path: str) -> int | None:
        lines = (line.split() for line in self.faults.read_text().splitlines())
        name = os.path.basename(path)  # noqa: PTH119
        return next((int(number) for op, on, number in lines if (op, on) == (operation, name)), None)

    def named(self, folder: str, name: str) -> str:
        alike = [
            one.name for one in Path(folder).iterdir() if self.folding and folded(one.name) == folded(name)
        ]
        return os.path.join(folder, name if name in alike or not alike else alike[0])  # noqa: PTH118

    def lookup(self, path: str) -> bytes:
        attributes = self.attributes(path)
        node = os.lstat(path).st_ino
        self.paths[node] = path
        return ENTRY.pack(node, 0, 0, 0, 0, 0) + attributes

    def attributes(self, path: str) -> bytes:
        self.fail("stat", path)
        of = os.lstat(path)
        times = (of.st_atime_ns, of.st_mtime_ns, of.st_ctime_ns)
        return ATTRIBUTES.pack(
            of.st_ino, of.st_size, of.st_blocks, *(one // 10**9 for one in times),
            *(one % 10**9 for one in times), of.st_mode, of.st_nlink, 0, 0, 0, 4096, 0,
        )  # fmt: skip

    def listed(self, path: str) -> list[bytes]:
        entries = []
        for number, entry in enumerate(sorted(os.scandir(path), key=lambda one: one.name), 1):
            name = os.fsencode(entry.name)
            kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12
            packed = DIRENT.pack(entry.inode(), number, len(name), kind) + name
            entries.append(packed + bytes(-len(packed) % 8))
        return entries


def folded(name: str) -> str:
    """The name as APFS compares it."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def main(source: str, mount: str, faults: str, names: str = "") -> None:
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"faulty", os.fsencode(mount), b"fuse", MS_RDONLY_NOSUID_NODEV, options):
        raise OSError(ctypes.get_errno(), "the disk cannot be mounted")
    disk = Disk(Path(source), Path(faults), device, folding=names == "folding")
    threading.Thread(target=disk.serve).start()
    print("mounted", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
