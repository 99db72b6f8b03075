"""Files that once stopped, or could stop, the indexing of all others: each made in a folder by its kind."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

YEAR = 365 * 24 * 3600 * 10**9
LONG_AGO = 50 * YEAR
"""When the files were last changed, but for those whose time is odd: one written just now is read twice."""
LARGEST = (1 << 63) - 1, 1 << 53, 1 << 43, 1 << 40
"""Sizes of a sparse file, in bytes: the first that the file system takes is used."""


def _text(name: str, text: str, mtime_ns: int = LONG_AGO) -> Callable[[Path], Path]:
    return _bytes(name.encode(), text.encode("utf-8", "surrogatepass"), mtime_ns)


def _bytes(name: bytes, data: bytes, mtime_ns: int = LONG_AGO) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / os.fsdecode(name)
        path.write_bytes(data)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        return path

    return make


def _notebook(language: object, source: object = "# t") -> str:
    cell = {"cell_type": "markdown", "source": source}
    return json.dumps({"cells": [cell], "metadata": {"kernelspec": {"language": language}}})


def _front_matter(value: str) -> str:
    return f"---\ntitle: {value}\ntags: {value}\ndate: {value}\n---\nAbout herons.\n"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.md")
    return folder / "pipe.md"


def _socket(folder: Path) -> Path:
    """Bound by a short name: a socket's path has at most some hundred bytes."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket.md")
    finally:
        os.chdir(before)
    return folder / "socket.md"


def _device(folder: Path) -> Path:
    try:
        os.mknod(folder / "device.md", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        (folder / "device.md").symlink_to("/dev/zero")
    return folder / "device.md"


def _sparse(folder: Path) -> Path:
    path = folder / "sparse.md"
    with path.open("wb") as file:
        for size in LARGEST:
            try:
                file.truncate(size)
            except OSError as error:
                assert error.errno in (errno.EFBIG, errno.EINVAL, errno.ENOSPC), error
                continue
            break
    return path


def _link(name: str, target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder / name

    return make


def _folder(folder: Path) -> Path:
    (folder / "folder.md").mkdir()
    return folder / "folder.md"


def _zip(folder: Path) -> Path:
    path = folder / "cut.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w:t>" + "herons " * 5000)
    path.write_bytes(path.read_bytes()[:-100])
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "changed in 2300": _text("far.md", "# Far\n\nAbout herons.\n", 330 * YEAR),
    "changed in 2500": _text("farther.md", "# Farther\n\nAbout herons.\n", 530 * YEAR),
    "changed in 1823": _text("long-ago.md", "# Long ago\n\nAbout herons.\n", -(1 << 62)),
    "half a character as language": _text("language.ipynb", _notebook("py\ud800")),
    "a list as language": _text("list.ipynb", _notebook(["python"])),
    "a number as source": _text("number.ipynb", _notebook("python", 7)),
    "NUL in its title": _text("nul.md", "# He\0ron\n\n## A\0B\n\nAbout \0 herons.\n"),
    "half a character as title": _text("half.html", "<title>He&#xD800;ron</title><p>About herons."),
    "a title without end": _text("title.md", "# " + "heron " * 200_000),
    "front matter of lists": _text("lists.md", _front_matter("[[[[a, {b: [c]}]]]]")),
    "front matter of numbers": _text("numbers.md", _front_matter("9" * 5_000)),
    "front matter that never ends": _text("endless.md", "---\ntitle: [\n" + "a: b\n" * 1000),
    "front matter with aliases": _text("aliases.md", "---\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n---\nx"),
    "a name that is no text": _bytes(b"n\xff\xfe.md", b"# Name\n\nAbout herons.\n"),
    "a name of commands": _bytes(b"n\n\x1b]0;x\x07\xe2\x80\xae.md", b"# Name\n\nAbout herons.\n"),
    "the longest name": _text("n" * 252 + ".md", "# Name\n\nAbout herons.\n"),
    "a pipe": _pipe,
    "a socket": _socket,
    "a device": _device,
    "the largest file": _sparse,
    "a link to itself": _link("loop.md", "loop.md"),
    "a link to nothing": _link("nothing.md", "/nothing/is/here.md"),
    "a link to the memory of a process": _link("memory.md", "/proc/self/mem"),
    "a folder named like a note": _folder,
    "nothing in it": _text("empty.md", ""),
    "only zeros": _bytes(b"zeros.md", bytes(100_000)),
    "half of UTF-16": _bytes(b"half.txt", b"\xff\xfea\x00b\x00\xd8"),
    "a word without end": _text("word.md", "heron" * 200_000),
    "an archive cut short": _zip,
    "a PDF of nothing": _bytes(b"nothing.pdf", b"%PDF-1.7\n" + b"\x00\xff" * 5_000),
    "a mail with odd headers": _bytes(
        b"odd.eml",
        b"Subject: =?zip?B?\xff\xff?=\nDate: 99999999999999\nContent-Type: text/plain; charset=zip\n\nx",
    ),
}
