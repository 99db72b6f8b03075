"""Ignore files (`.gitignore`, `.ignore`, `.kenignore`): reading, compiling and matching paths.

Owns what a line means, as git defines it (https://git-scm.com/docs/gitignore, `parse_path_pattern` in
`dir.c`), and a cache of compiled files. Knows nothing of the folders above or below a file, nor of other
rules.

A line that can never match in git (an unfinished bracket, a backslash at its end) is a `Fault`: the line is
skipped, and every other line applies.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.walk.globs import Globs, NeverMatches, has_wildcard

MAX_FILE_BYTES = 1 << 20
"""Bytes of one ignore file that are applied; the rest is reported as a fault. No real file comes near."""
MAX_CACHED_FILES = 512
"""Compiled ignore files in the cache: a large tree has hundreds, and each is needed for many paths."""
MAX_CACHED_BYTES = 4 << 20
"""Bytes of source text in the cache: a compiled file takes up to 40 times the memory of its text."""
_SUFFIX = re.compile(rb"\*(\.[^*?\[\\/]+)")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NEITHER = (-1, -1)


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of an ignore file that is not applied as it is written."""

    line: int
    """Counted from 1; 0 means the whole file."""
    text: str
    reason: str
    """The rest of a sentence that begins with "Line 3", or why a part of the file is not applied."""


@dataclass(frozen=True, slots=True)
class Match:
    """The line that decides about a path."""

    text: str
    line: int
    ignored: bool
    """False where the pattern begins with `!`, which includes the path again."""


class IgnoreFile:
    """The compiled patterns of one file; the last line that matches a path decides."""

    def __init__(self, lines: Sequence[bytes], faults: Sequence[Fault] = ()) -> None:
        self.faults = list(faults)
        self.size = len(lines) + sum(map(len, lines))
        """Bytes of text."""
        self._lines = lines
        self._names: dict[bytes, tuple[int, int]] = {}
        """Patterns without wildcards: the last line for a file, and for a folder."""
        self._suffixes: dict[bytes, tuple[int, int]] = {}
        self._paths: dict[bytes, tuple[int, int]] = {}
        self._name_globs, self._path_globs = Globs(), Globs()
        for number, line in enumerate(lines):
            try:
                found = [f"is applied as git does: {remark}" for remark in self._add(number, line)]
            except NeverMatches as error:
                found = [f"is skipped: {error}"]
            self.faults += [Fault(number + 1, os.fsdecode(line), reason) for reason in found]
        self._name_globs.compile()
        self._path_globs.compile()

    def match(self, path: str, *, folder: bool) -> Match | None:
        """The line that decides about `path`, relative to the file's folder; None where none does."""
        number = self._last(os.fsencode(path), folder)
        if number < 0:
            return None
        line = self._lines[number]
        return Match(os.fsdecode(line), number + 1, not line.startswith(b"!"))

    def _add(self, number: int, line: bytes) -> Sequence[str]:
        """Add one line; returns remarks on what git reads differently than expected. Raises NeverMatches."""
        pattern = _strip_trailing_blanks(line.partition(b"\0")[0])
        if not pattern or pattern.startswith(b"#"):
            return ()
        pattern = pattern.removeprefix(b"!")
        folders_only = pattern.endswith(b"/")
        pattern = pattern.removesuffix(b"/")
        anchored = b"/" in pattern
        pattern = pattern.removeprefix(b"/")
        if not pattern:
            raise NeverMatches("it has no pattern")
        if not has_wildcard(pattern):
            _put(self._paths if anchored else self._names, pattern, number, folders_only)
        elif suffix := _SUFFIX.fullmatch(pattern):
            _put(self._suffixes, suffix[1], number, folders_only)
        else:
            globs = self._path_globs if anchored else self._name_globs
            return globs.add(number, pattern, folders_only=folders_only)
        return ()

    def _last(self, path: bytes, folder: bool) -> int:
        """The number of the last line that matches; -1 where none does."""
        name = path.rpartition(b"/")[2]
        found = max(self._names.get(name, _NEITHER)[folder], self._paths.get(path, _NEITHER)[folder])
        if self._suffixes:
            at = name.find(b".")
            while at >= 0:
                found = max(found, self._suffixes.get(name[at:], _NEITHER)[folder])
                at = name.find(b".", at + 1)
        if self._name_globs:
            found = max(found, self._name_globs.last_match(name, folder=folder))
        if self._path_globs:
            found = max(found, self._path_globs.last_match(path, folder=folder))
        return found


def read(path: str) -> IgnoreFile | None:
    """The patterns of the file at `path`, compiled once as long as it does not change.

    None where there is none. A file that cannot be read has one fault and no patterns.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        return _unreadable(error)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _CACHE.get(path, version) or _CACHE.put(path, version, parse_ignore_file(_content(descriptor)))
    except OSError as error:
        return _unreadable(error)
    finally:
        os.close(descriptor)


def parse_ignore_file(content: bytes) -> IgnoreFile:
    """The patterns of an ignore file's content, of which the first `MAX_FILE_BYTES` count."""
    if content.startswith(_UTF_16):
        return rejected_file("it is in UTF-16, which git does not read either: save it as UTF-8")
    faults: list[Fault] = []
    if len(content) > MAX_FILE_BYTES:
        content = content[: content.rfind(b"\n", 0, MAX_FILE_BYTES) + 1]
        faults.append(Fault(0, "", f"it is larger than {MAX_FILE_BYTES >> 20} MB: what follows is left out"))
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return IgnoreFile([line.removesuffix(b"\r") for line in lines], faults)


@lru_cache(maxsize=8)
def compile_patterns(patterns: tuple[str, ...]) -> IgnoreFile:
    """Compile single patterns."""
    return IgnoreFile([os.fsencode(pattern) for pattern in patterns])


def _content(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _unreadable(error: OSError) -> IgnoreFile:
    if error.errno == errno.ELOOP:
        return rejected_file("it is a link, which git does not follow either")
    return rejected_file(f"it cannot be read ({os.strerror(error.errno or 0)})")


def rejected_file(reason: str) -> IgnoreFile:
    """A file without patterns, with one fault: the reason why the real file is not applied."""
    return IgnoreFile((), (Fault(0, "", f"{reason}, so none of its patterns is applied"),))


class _CompiledFiles:
    """Compiled files by path, least recently used dropped first; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[str, tuple[tuple[int, ...], IgnoreFile]] = OrderedDict()
        self._size = 0

    def get(self, path: str, version: tuple[int, ...]) -> IgnoreFile | None:
        with self._lock:
            found = self._files.get(path)
            if found is None or found[0] != version:
                return None
            self._files.move_to_end(path)
            return found[1]

    def put(self, path: str, version: tuple[int, ...], compiled: IgnoreFile) -> IgnoreFile:
        with self._lock:
            if (before := self._files.pop(path, None)) is not None:
                self._size -= before[1].size
            self._files[path] = (version, compiled)
            self._size += compiled.size
            while len(self._files) > MAX_CACHED_FILES or self._size > MAX_CACHED_BYTES:
                self._size -= self._files.popitem(last=False)[1][1].size
        return compiled


_CACHE = _CompiledFiles()


def _put(table: dict[bytes, tuple[int, int]], key: bytes, number: int, folders_only: bool) -> None:
    table[key] = (table.get(key, _NEITHER)[0] if folders_only else number, number)


def _strip_trailing_blanks(line: bytes) -> bytes:
    """The line without blanks at its end, except one that a backslash escapes."""
    stripped = line.rstrip(b" ")
    held = len(stripped) - len(stripped.rstrip(b"\\"))
    return stripped + b" " if held % 2 and len(stripped) < len(line) else stripped
