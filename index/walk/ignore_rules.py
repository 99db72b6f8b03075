"""Patterns of `.gitignore` files: read, compiled line by line, and matched in bounded time.

Owns the pattern language, as git defines it (https://git-scm.com/docs/gitignore, `wildmatch.c`), and a cache
of compiled files. Knows nothing of folders above or below a file, or of what is left out.

A line that git would never match (an unfinished bracket, a backslash at its end) is a `Fault`: it is
skipped, and every other line holds. Matching never backtracks: what stands between two stars is
taken at the first place where it fits and kept there, which finds every match because a star takes anything
(regular expressions with atomic groups). So a path costs at most the product of its length and the pattern's.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST_BYTES = 1 << 20
"""Of one ignore file; what follows is not applied, and a fault says so."""
MOST_GLOBS = 10_000
"""Patterns of one file that need matching: so many take about 1.5 ms a path, and no real file has them."""
MOST_NAME = 255
"""Characters of a name on every file system that is in use: a longer pattern matches none."""
MOST_FILES = 512
"""Compiled ignore files kept for the next path."""
_ALTERNATIVES = 250
"""Patterns joined into one regular expression: few enough that compiling one takes milliseconds."""
_CLASSES = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r\\f\\v", "upper": "A-Z", "xdigit": "0-9a-fA-F",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is skipped, and why; `line` counts from 1, 0 for the whole file."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Match:
    """The line that decides about a path."""

    text: str
    line: int
    ignored: bool
    """False where the pattern begins with `!` and so takes the path back."""


class NeverMatches(ValueError):
    """A pattern that git accepts and that matches nothing."""


class IgnoreFile:
    """The compiled patterns of one file; the last line that matches a path decides."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.faults: list[Fault] = []
        self._lines = lines
        self._files = _Table()
        self._folders = _Table()
        for number, line in enumerate(lines):
            try:
                self._add(number, line)
            except NeverMatches as error:
                self.faults.append(Fault(number + 1, line, str(error)))
            if self._folders.full:
                reason = f"it comes after {MOST_GLOBS:,} patterns with wildcards, so the rest is not applied"
                self.faults.append(Fault(number + 1, line, reason))
                break
        self._files.finish()
        self._folders.finish()

    def match(self, path: str, *, folder: bool) -> Match | None:
        """The line that decides about `path`, relative to the file's folder; None where none does."""
        number = (self._folders if folder else self._files).last(path)
        if number < 0:
            return None
        line = self._lines[number]
        return Match(line, number + 1, not line.startswith("!"))

    def _add(self, number: int, line: str) -> None:
        pattern = _stripped(line)
        if not pattern or pattern.startswith("#"):
            return
        pattern = pattern.removeprefix("!")
        folders_only = pattern.endswith("/")
        pattern = pattern.removesuffix("/")
        if not pattern:
            raise NeverMatches("no pattern is left of it")
        tables = (self._folders,) if folders_only else (self._folders, self._files)
        for table in tables:
            table.add(number, pattern)


class _Table:
    """Patterns by what they need: equal names and paths and suffixes are looked up, the rest is matched."""

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._suffixes: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self._globs: dict[bool, list[tuple[int, str]]] = {False: [], True: []}
        """By whether they are matched with the whole path: number and regular expression."""
        self._joined: dict[bool, list[re.Pattern[str]]] = {}

    def add(self, number: int, pattern: str) -> None:
        """Later numbers are stronger. Raises NeverMatches."""
        anchored = "/" in pattern
        pattern = pattern.removeprefix("/") if anchored else pattern
        if not re.search(r"[*?\[\\]", pattern):
            (self._paths if anchored else self._names)[pattern] = number
        elif not anchored and re.fullmatch(r"\*\.[^*?\[\\]+", pattern):
            self._suffixes[pattern[1:]] = number
        else:
            self._globs[anchored].append((number, _expression(pattern)))

    @property
    def full(self) -> bool:
        return sum(map(len, self._globs.values())) > MOST_GLOBS

    def finish(self) -> None:
        """Join expressions, the strongest first: the first alternative that fits decides."""
        for anchored, globs in self._globs.items():
            globs.reverse()
            self._joined[anchored] = []

    def last(self, path: str) -> int:
        """The greatest number of a pattern that matches; -1 where none does."""
        name = path.rpartition("/")[2]
        found = max(self._names.get(name, -1), self._paths.get(path, -1))
        if self._suffixes:
            at = name.find(".")
            while at >= 0:
                found = max(found, self._suffixes.get(name[at:], -1))
                at = name.find(".", at + 1)
        for anchored, globs in self._globs.items():
            if globs and globs[0][0] > found:
                found = max(found, self._last_glob(anchored, path if anchored else name))
        return found

    def _last_glob(self, anchored: bool, text: str) -> int:
        globs, joined = self._globs[anchored], self._joined[anchored]
        for first in range(0, len(globs), _ALTERNATIVES):
            if first // _ALTERNATIVES == len(joined):
                some = globs[first : first + _ALTERNATIVES]
                joined.append(re.compile("|".join(rf"({one}\Z)" for _, one in some), re.DOTALL))
            if found := joined[first // _ALTERNATIVES].match(text):
                return globs[first + (found.lastindex or 1) - 1][0]
        return -1


def read(path: str) -> IgnoreFile | None:
    """The patterns of the file at `path`, compiled once as long as it does not change.

    None where there is none. A file that cannot be read has one fault and no patterns; a link is not
    followed, as git does not.
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
        return _CACHE.get(path, version) or _CACHE.put(path, version, _parsed(descriptor))
    except OSError as error:
        return _unreadable(error)
    finally:
        os.close(descriptor)


def parse(text: str) -> IgnoreFile:
    """The patterns of a text in the language of `.gitignore`."""
    return IgnoreFile([line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")])


def _parsed(descriptor: int) -> IgnoreFile:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    whole = len(data) <= MOST_BYTES
    if not whole:
        data = data[: data.rfind(b"\n", 0, MOST_BYTES) + 1]
    compiled = parse(os.fsdecode(data))
    if not whole:
        compiled.faults.append(
            Fault(0, "", "It is larger than 1 MB: the patterns beyond that are not applied")
        )
    return compiled


def _unreadable(error: OSError) -> IgnoreFile:
    empty = IgnoreFile(())
    reason = os.strerror(error.errno) if error.errno else str(error)
    empty.faults.append(Fault(0, "", f"it cannot be read ({reason}), so its patterns are not applied"))
    return empty


class _Cache:
    """Compiled files by path, the least used dropped first; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[str, tuple[tuple[int, ...], IgnoreFile]] = OrderedDict()

    def get(self, path: str, version: tuple[int, ...]) -> IgnoreFile | None:
        with self._lock:
            found = self._files.get(path)
            if found is None or found[0] != version:
                return None
            self._files.move_to_end(path)
            return found[1]

    def put(self, path: str, version: tuple[int, ...], compiled: IgnoreFile) -> IgnoreFile:
        with self._lock:
            self._files[path] = (version, compiled)
            if len(self._files) > MOST_FILES:
                self._files.popitem(last=False)
        return compiled


_CACHE = _Cache()


def _stripped(line: str) -> str:
    """Without blanks at the end, but for one that a backslash holds."""
    stripped = line.rstrip(" ")
    held = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if held % 2 and len(stripped) < len(line) else stripped


# From a pattern to a regular expression without backtracking


class _Element(NamedTuple):
    """One element of a pattern: `star`, `slash` or `character`, and the expression for it."""

    kind: str
    expression: str = ""


def _any_depth(segment: Sequence[_Element]) -> bool:
    """Whether a segment is `**`, or more stars and nothing else: it stands for any number of folders."""
    return len(segment) > 1 and all(element.kind == "star" for element in segment)


def _expression(pattern: str) -> str:
    """What matches the pattern from a text's beginning to its end. Raises NeverMatches."""
    segments = _segments(pattern)
    inside = False
    while len(segments) > 1 and _any_depth(segments[-1]):
        segments.pop()
        inside = True
    if inside and _any_depth(segments[0]) and len(segments) == 1:
        return ".+"
    groups: list[list[str]] = [[]]
    """The expressions of the segments between `**`."""
    for segment in segments:
        if _any_depth(segment) and len(segments) > 1:
            groups.append([])
        else:
            groups[-1].append(_segment(segment))
    first, *rest = ["/".join(group) for group in groups]
    if not rest:
        return first + ("/.+" if inside else "")
    *middle, last = rest
    parts = [f"{first}/" if first else ""]
    parts += [f"(?>(?:[^/]+/)*?{text}/)" for text in middle if text]
    parts.append(f"(?:[^/]+/)*{last}")
    return "".join(parts) + ("/.+" if inside else "")


def _segments(pattern: str) -> list[list[_Element]]:
    segments: list[list[_Element]] = [[]]
    for element in _elements(pattern):
        if element.kind == "slash":
            segments.append([])
        else:
            segments[-1].append(element)
    if any(sum(element.kind == "character" for element in segment) > MOST_NAME for segment in segments):
        raise NeverMatches("it is longer than a name can be")
    return segments


def _segment(elements: Sequence[_Element]) -> str:
    """One name's pattern: what stands between two stars is taken where it fits first."""
    pieces = [""]
    for element in elements:
        if element.kind != "star":
            pieces[-1] += element.expression
        elif len(pieces) == 1 or pieces[-1]:
            pieces.append("")
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    between = "".join(rf"(?>[^/]*?{piece})" for piece in middle)
    return first + between + "[^/]*" + (rf"{last}(?=/|\Z)" if last else "")


def _elements(pattern: str) -> Iterator[_Element]:
    """Raises NeverMatches."""
    at = 0
    while at < len(pattern):
        sign, at = pattern[at], at + 1
        match sign:
            case "*":
                yield _Element("star")
            case "/":
                yield _Element("slash")
            case "?":
                yield _Element("character", "[^/]")
            case "[":
                at, expression = _bracket(pattern, at)
                yield _Element("character", expression)
            case "\\" if at == len(pattern):
                raise NeverMatches("a backslash stands at its end")
            case "\\":
                sign, at = pattern[at], at + 1
                yield _Element("slash") if sign == "/" else _Element("character", re.escape(sign))
            case _:
                yield _Element("character", re.escape(sign))


def _bracket(pattern: str, at: int) -> tuple[int, str]:
    """Where a bracket ends whose members begin at `at`, and what matches one character as it says.

    Raises NeverMatches.
    """
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    first = at
    members: list[str] = []
    while at == first or pattern[at : at + 1] != "]":
        if pattern.startswith("[:", at) and (members_of := _class(pattern, at)):
            members.append(members_of)
            at = pattern.index("]", at) + 1
            continue
        low, at = _member(pattern, at)
        high = low
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
            high, at = _member(pattern, at + 1)
        if low <= high:
            members.append(f"{re.escape(low)}-{re.escape(high)}")
    if not members and not negated:
        raise NeverMatches("its range goes backwards")
    one = f"[{'^' if negated else ''}{''.join(members)}]" if members else "."
    return at + 1, f"(?!/){one}"


def _class(pattern: str, at: int) -> str:
    """The members of a class of characters such as `[:alpha:]`; empty where it is none but a bracket."""
    close = pattern.find("]", at + 2)
    if close < 0:
        raise NeverMatches("its bracket has no end")
    if close == at + 2 or pattern[close - 1] != ":":
        return ""
    name = pattern[at + 2 : close - 1]
    if name not in _CLASSES:
        raise NeverMatches(f"[:{name}:] is no class of characters")
    return _CLASSES[name]


def _member(pattern: str, at: int) -> tuple[str, int]:
    at += pattern[at : at + 1] == "\\"
    if at >= len(pattern):
        raise NeverMatches("its bracket has no end")
    return pattern[at], at + 1
