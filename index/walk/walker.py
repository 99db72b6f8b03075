"""What is looked at: walking folders under ignore rules, size limits and the keeping of secrets.

Owns the verdict on a path, found or left out and by which rule. Opens no document.

The order in which rules speak, strongest first: patterns of the configuration, `.kenignore`, secrets,
`.ignore`, `.gitignore` (each nearest folder first, with git's semantics: the last matching pattern
of a file decides, `!` takes back), then what is left out by default.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pathspec import GitIgnoreSpec

from index import credentials, kinds
from index.walk import default_ignores

MEBIBYTE = 1 << 20
_IGNORE_FILES = (".kenignore", ".ignore", ".gitignore")
_MOST_RULES_BYTES = MEBIBYTE


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person may set about which files are looked at."""

    ignore: tuple[str, ...] = ()
    """Patterns in `.gitignore`'s language, relative to each folder ken keeps; the strongest rule."""
    hidden: bool = False
    """Look at names that begin with a dot."""
    ignore_files: bool = True
    """Follow `.gitignore`, `.ignore` and `.kenignore`."""
    defaults: bool = True
    """Leave out dependencies, caches, build outputs and version control."""
    secrets: bool = True
    """Leave out files that hold keys and passwords."""
    max_bytes: int | None = None
    """Leave out larger files; None: as much as each format can take."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to be read. `stat` is of the file itself where `path` is a link."""

    path: str
    stat: os.stat_result


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path left out. A folder stands for everything in it."""

    path: str
    reason: str
    """One sentence for a person."""
    rule: str
    """What decided: "default: caches", "/home/x/.gitignore: *.log", "secret: .env", ..."""
    folder: bool = False


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One ignore file, at the folder its patterns are relative to."""

    base: str
    file: str
    spec: GitIgnoreSpec
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Level:
    """The ignore files in force in a folder, by strength and then nearest first."""

    ken: tuple[_Pattern, ...] = ()
    ignore: tuple[_Pattern, ...] = ()
    git: tuple[_Pattern, ...] = ()


@dataclass(slots=True)
class _Walk:
    root: str
    rules: Rules
    configured: tuple[_Pattern, ...]
    seen: set[tuple[int, int]] = field(default_factory=set)


def walk(root: str, rules: Rules, inside: str = "") -> Iterator[Found | Skipped]:
    """Every file under `root` (or `root` itself, a file) with its verdict, each folder in name order.

    Folders that are left out are named once and not entered. A file met again under another name
    (a link, a hard link) is left out. `inside`: only that folder under `root`, by the same rules; other
    names of its files outside of it are not known then.
    """
    state = _Walk(root, rules, _configured(root, rules))
    top = inside or root
    if not os.path.isdir(top):  # noqa: PTH112
        yield judge(top, root, rules)
        return
    above = _descend(top, state)
    if isinstance(above, Found | Skipped):
        yield above
        return
    waiting = [(top, above)]
    while waiting:
        folder, above = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Skipped(folder, _cannot(error, "folder"), "system", folder=True)
            continue
        level = _entered(folder, above, rules, {entry.name for entry in listed})
        inner: list[tuple[str, _Level]] = []
        for entry in listed:
            verdict = _entry(entry, level, state)
            if verdict is None:
                inner.append((entry.path, level))
            else:
                yield verdict
        waiting.extend(reversed(inner))


def judge(path: str, root: str, rules: Rules) -> Found | Skipped:
    """The verdict `walk(root)` gives on one path: on the first folder above it that is left out, or itself.

    Does not know of other names of the same file, unless `path` is a link into `root`. Where `root` is
    the file itself, a person asked for it: only secrets, kind and size can leave it out.
    """
    state = _Walk(root, rules, _configured(root, rules))
    if path == root:
        return _asked_for(root, state)
    verdict = _descend(path, state)
    if isinstance(verdict, _Level):
        return Skipped(path, "It is a folder.", "folder", folder=True)
    return verdict


def _descend(path: str, state: _Walk) -> Found | Skipped | _Level:
    """The way from the root to `path`: a verdict, or the rules in force around a folder that is entered."""
    level = _levels_above(state.root, state.rules)
    folder = state.root
    for name in Path(path).relative_to(state.root).parts:
        level = _entered(folder, level, state.rules, None)
        folder = os.path.join(folder, name)  # noqa: PTH118
        try:
            verdict = _verdict(folder, name, os.lstat(folder), level, state)
        except OSError as error:
            return Skipped(path, _cannot(error, "file"), "system")
        if verdict is not None:
            return verdict
    return level


def _asked_for(path: str, state: _Walk) -> Found | Skipped:
    name = os.path.basename(path)  # noqa: PTH119
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return Skipped(path, _cannot(error, "file"), "system")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, "It is a folder.", "folder", folder=True)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"It is {_special(status.st_mode)}, not a file.", "not a file")
    if state.rules.secrets and (pattern := _secret(path, name, folder=False)):
        return Skipped(path, "It may hold keys or passwords.", f"secret: {pattern}")
    return _readable(path, name, status, state.rules)


def _entry(entry: os.DirEntry[str], level: _Level, state: _Walk) -> Found | Skipped | None:
    try:
        status = entry.stat(follow_symlinks=False)
        verdict = _verdict(entry.path, entry.name, status, level, state)
    except OSError as error:
        return Skipped(entry.path, _cannot(error, "file"), "system")
    if isinstance(verdict, Found) and (verdict.stat.st_nlink > 1 or stat.S_ISLNK(status.st_mode)):
        key = (verdict.stat.st_dev, verdict.stat.st_ino)
        if key in state.seen:
            return Skipped(
                entry.path, "It is another name of a file that is looked at already.", "nothing twice"
            )
        state.seen.add(key)
    return verdict


def _verdict(
    path: str, name: str, status: os.stat_result, level: _Level, state: _Walk
) -> Found | Skipped | None:
    """Found, Skipped, or None for a folder to enter."""
    folder = stat.S_ISDIR(status.st_mode)
    ignored = _ignored(path, name, folder, level, state)
    if ignored is not None:
        return ignored
    if folder:
        return None
    if stat.S_ISLNK(status.st_mode):
        followed = _followed(path, state)
        if isinstance(followed, Skipped):
            return followed
        status = followed
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"It is {_special(status.st_mode)}, not a file.", "not a file")
    return _readable(path, name, status, state.rules)


def _followed(path: str, state: _Walk) -> os.stat_result | Skipped:
    """What a link leads to; a link to a folder, to nothing, or to what is looked at anyway is left out."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return Skipped(path, _cannot(error, "link"), "link")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, "It is a link to a folder; links to folders are not followed.", "link")
    target = os.path.realpath(path)
    base = os.path.realpath(state.root)
    if target.startswith(base.rstrip(os.sep) + os.sep):
        return Skipped(path, f"It is a link to {target}, which lies in the same folder.", "nothing twice")
    if state.rules.secrets and (pattern := _secret(target, os.path.basename(target), folder=False)):  # noqa: PTH119
        return Skipped(path, "It is a link to a file that may hold keys or passwords.", f"secret: {pattern}")
    return status


def _ignored(path: str, name: str, folder: bool, level: _Level, state: _Walk) -> Skipped | None:
    rules = state.rules
    for patterns in (state.configured, level.ken):
        if (ruled := _matched(patterns, path, folder)) is not None:
            return ruled if ruled.reason else None
    if rules.secrets and (pattern := _secret(path, name, folder)):
        return Skipped(path, "It may hold keys or passwords.", f"secret: {pattern}", folder)
    for patterns in (level.ignore, level.git):
        if (ruled := _matched(patterns, path, folder)) is not None:
            return ruled if ruled.reason else None
    return _by_default(path, name, folder, rules)


def _matched(patterns: Sequence[_Pattern], path: str, folder: bool) -> Skipped | None:
    """The verdict of the first file that has one: an empty reason says that the path is taken back."""
    for pattern in patterns:
        relative = path[len(pattern.base) :].lstrip(os.sep)
        result = pattern.spec.check_file(relative + "/" if folder else relative)
        if result.include is not None:
            line = pattern.lines[result.index] if result.index is not None else ""
            rule = f"{pattern.file}: {line}"
            return Skipped(
                path,
                f"The pattern {line} in {pattern.file} leaves it out." if result.include else "",
                rule,
                folder,
            )
    return None


def _by_default(path: str, name: str, folder: bool, rules: Rules) -> Skipped | None:
    if rules.defaults:
        kind = default_ignores.kind_of(path, name, folder)
        if kind:
            return Skipped(path, f"By default ken leaves out {kind}.", f"default: {kind}", folder)
    if name.startswith(".") and not rules.hidden:
        return Skipped(path, "It is hidden (its name begins with a dot).", "default: hidden", folder)
    return None


def _readable(path: str, name: str, status: os.stat_result, rules: Rules) -> Found | Skipped:
    kind = kinds.unread(name)
    if kind:
        return Skipped(path, f"Files of this kind are not read: {kind}.", f"format: {kind}")
    named = kinds.of_file_name(name)
    most = named.max_bytes if named else kinds.CONTAINER_BYTES
    if rules.max_bytes is not None:
        most = min(most, rules.max_bytes)
    if status.st_size > most:
        size, limit = status.st_size / MEBIBYTE, most / MEBIBYTE
        return Skipped(
            path, f"It is {size:.0f} MB; files of this kind are read up to {limit:.0f} MB.", "default: size"
        )
    return Found(path, status)


def _secret(path: str, name: str, folder: bool) -> str:
    if not folder and name in credentials.EXAMPLES:
        return ""
    for pattern in credentials.FOLDERS if folder else credentials.FILES:
        if fnmatchcase(name, pattern) or ("/" in pattern and path.endswith("/" + pattern)):
            return pattern
    return ""


def _configured(root: str, rules: Rules) -> tuple[_Pattern, ...]:
    if not rules.ignore:
        return ()
    return (_Pattern(root, "the configuration", GitIgnoreSpec.from_lines(rules.ignore), rules.ignore),)


def _levels_above(root: str, rules: Rules) -> _Level:
    """The `.gitignore` files between `root` and the top of the repository it lies in.

    None where they leave out `root` itself: whoever asks for a folder by name wants what is in it.
    """
    level = _Level()
    top = root
    chain: list[str] = []
    while rules.ignore_files and not os.path.exists(os.path.join(top, ".git")):  # noqa: PTH110, PTH118
        parent = os.path.dirname(top)  # noqa: PTH120
        if parent == top:
            return level
        top = parent
        chain.append(top)
    for folder in reversed(chain):
        level = _entered(folder, level, rules, {".gitignore"})
    ruled = _matched(level.git, root, folder=True)
    return _Level() if ruled is not None and ruled.reason else level


def _entered(folder: str, above: _Level, rules: Rules, names: set[str] | None) -> _Level:
    """The rules inside `folder`; `names` saves looking for files that are not there."""
    if not rules.ignore_files:
        return above
    found = [
        _read_patterns(folder, name) if names is None or name in names else None for name in _IGNORE_FILES
    ]
    if not any(found):
        return above
    ken, ignore, git = ((pattern,) if pattern else () for pattern in found)
    return _Level(ken + above.ken, ignore + above.ignore, git + above.git)


def _read_patterns(folder: str, name: str) -> _Pattern | None:
    path = os.path.join(folder, name)  # noqa: PTH118
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        lines = tuple(stream.read(_MOST_RULES_BYTES).decode("utf-8", "replace").splitlines())
    return _Pattern(folder, path, GitIgnoreSpec.from_lines(lines), lines)


def _special(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for test, name in kinds if test(mode)), "something special")


def _cannot(error: OSError, what: str) -> str:
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return f"There is no permission to read this {what}."
        case errno.ELOOP:
            return "It is a link that leads back to itself."
        case errno.ENOENT:
            return "It leads to nothing." if what == "link" else "It is gone."
        case errno.ENAMETOOLONG:
            return "Its path is longer than the system can open."
        case _:
            return f"The system cannot read this {what}: {os.strerror(error.errno or 0)}."
