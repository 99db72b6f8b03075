"""What is looked at: walking folders under ignore rules, size limits and names of credentials.

Owns the verdict on a path, found or left out and by which rule. Opens no document.

The order in which rules speak, strongest first: patterns of the configuration, `.kenignore`, names of
credentials, `.ignore`, `.gitignore` (each nearest folder first, with git's semantics: the last matching
pattern of a file decides, `!` takes back), then what is left out by default. Only the configuration and the
`.kenignore` of the root itself take credentials back: the folder of somebody else's project must not.
ken's own homes and models are never walked, whatever any rule says, and links are not followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index import kinds
from index.walk import credential_names, default_ignores, ignore_rules, own_folders
from index.walk.ignore_rules import IgnoreFile
from index.walk.reasons import cannot, special

MEBIBYTE = 1 << 20
IGNORE_FILES = (".kenignore", ".ignore", ".gitignore")


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
    """Leave out files whose names say that they hold keys and passwords."""
    max_bytes: int | None = None
    """Leave out larger files; None: as much as each format can take."""
    own: tuple[str, ...] = ()
    """Real paths of ken's home and models: never walked."""


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
    rules: IgnoreFile


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
            yield Skipped(folder, cannot(error, "folder"), "system", folder=True)
            continue
        if own := _own(folder, {entry.name for entry in listed}, rules):
            yield own
            continue
        level = _entered(folder, above, rules, {entry.name for entry in listed})
        inner: list[tuple[str, _Level]] = []
        for entry in listed:
            verdict = _entry(entry, level, state)
            if verdict is None:
                inner.append((entry.path, level))
            else:
                yield verdict
        yield from _faults(folder, level)
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
    if own := _own(folder, None, state.rules):
        return own
    for name in Path(path).relative_to(state.root).parts:
        level = _entered(folder, level, state.rules, None)
        folder = os.path.join(folder, name)  # noqa: PTH118
        try:
            verdict = _verdict(folder, name, os.lstat(folder), level, state)
        except OSError as error:
            return Skipped(path, cannot(error, "file"), "system")
        if verdict is None:
            verdict = _own(folder, None, state.rules)
        if verdict is not None:
            return _fault_of(folder, level) or verdict if folder == path else verdict
    return level


def _asked_for(path: str, state: _Walk) -> Found | Skipped:
    name = os.path.basename(path)  # noqa: PTH119
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return Skipped(path, cannot(error, "file"), "system")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, "It is a folder.", "folder", folder=True)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"It is {special(status.st_mode)}, not a file.", "not a file")
    real = os.path.realpath(path)
    pattern = _credential(name, os.path.dirname(real)) or _credential(os.path.basename(real), "")  # noqa: PTH119, PTH120
    if state.rules.secrets and pattern:
        return Skipped(path, "It may hold keys or passwords.", f"secret: {pattern}")
    return _readable(path, name, status, state.rules)


def _entry(entry: os.DirEntry[str], level: _Level, state: _Walk) -> Found | Skipped | None:
    try:
        status = entry.stat(follow_symlinks=False)
        verdict = _verdict(entry.path, entry.name, status, level, state)
    except OSError as error:
        return Skipped(entry.path, cannot(error, "file"), "system")
    if isinstance(verdict, Found) and verdict.stat.st_nlink > 1:
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
        return _link(path, state)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"It is {special(status.st_mode)}, not a file.", "not a file")
    return _readable(path, name, status, state.rules)


def _link(path: str, state: _Walk) -> Skipped:
    """Why a link is left out: what it leads to is read where it lies, if that is in a folder that is kept."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return Skipped(path, cannot(error, "link"), "link")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, "It is a link to a folder; links to folders are not followed.", "link")
    target = os.path.realpath(path)
    base = os.path.realpath(state.root)
    if target.startswith(base.rstrip(os.sep) + os.sep):
        return Skipped(path, f"It is a link to {target}, which lies in the same folder.", "nothing twice")
    return Skipped(path, "It is a link that leads out of the folder; such links are not followed.", "link")


def _ignored(path: str, name: str, folder: bool, level: _Level, state: _Walk) -> Skipped | None:
    rules = state.rules
    kept = False
    for patterns in (state.configured, level.ken):
        if (ruled := _matched(patterns, path, folder)) is None:
            continue
        if ruled.reason:
            return ruled
        kept = True
        if patterns is state.configured or ruled.rule.startswith(os.path.join(state.root, ".kenignore:")):  # noqa: PTH118
            return None
        break
    if rules.secrets and (pattern := _credential("" if folder else name, path if folder else "")):
        return Skipped(path, "It may hold keys or passwords.", f"secret: {pattern}", folder)
    if kept:
        return None
    for patterns in (level.ignore, level.git):
        if (ruled := _matched(patterns, path, folder)) is not None:
            return ruled if ruled.reason else None
    return _by_default(path, name, folder, rules)


def _matched(patterns: Sequence[_Pattern], path: str, folder: bool) -> Skipped | None:
    """The verdict of the first file that has one: an empty reason says that the path is taken back."""
    for pattern in patterns:
        found = pattern.rules.match(path[len(pattern.base) :].lstrip(os.sep), folder=folder)
        if found is not None:
            reason = f"The pattern {found.text} in {pattern.file} leaves it out." if found.ignored else ""
            return Skipped(path, reason, f"{pattern.file}: {found.text}", folder)
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


def _credential(name: str, folder: str) -> str:
    """The pattern by which a file's name, or a folder or one above it, is that of credentials; else empty."""
    found = credential_names.file_pattern(name) if name else ""
    return found or (credential_names.folder_pattern(folder) if folder else "")


def _own(folder: str, names: set[str] | None, rules: Rules) -> Skipped | None:
    """The verdict on a folder that is ken's own."""
    if not own_folders.is_own(folder, rules.own, names):
        return None
    return Skipped(
        folder, "It holds ken's own index or models; they are never indexed.", "ken's own", folder=True
    )


def configured_faults(rules: Rules) -> list[str]:
    """What of the configuration's patterns is skipped, and why, in sentences."""
    faults = IgnoreFile(rules.ignore).faults
    return [f"reading.ignore: the pattern {fault.text} is skipped: {fault.reason}." for fault in faults]


def _faults(folder: str, level: _Level) -> Iterator[Skipped]:
    """The ignore files of `folder` of which something is skipped."""
    for patterns in (level.ken, level.ignore, level.git):
        for pattern in patterns:
            if pattern.base == folder and pattern.rules.faults:
                yield _told(pattern)


def _fault_of(path: str, level: _Level) -> Skipped | None:
    """The same for one path."""
    found = (fault for fault in _faults(os.path.dirname(path), level) if fault.path == path)  # noqa: PTH120
    return next(found, None) if os.path.basename(path) in IGNORE_FILES else None  # noqa: PTH119


def _told(pattern: _Pattern) -> Skipped:
    faults = pattern.rules.faults
    first = faults[0]
    where = f"Line {first.line} ({first.text[:80]})" if first.line else "It"
    what = f"is skipped: {first.reason}" if first.line else first.reason.removeprefix("it ")
    more = f" So are {len(faults) - 1} further lines." if len(faults) > 1 else ""
    return Skipped(pattern.file, f"{where} {what}.{more} Its other patterns hold.", "ignore file")


def _configured(root: str, rules: Rules) -> tuple[_Pattern, ...]:
    return (_Pattern(root, "the configuration", IgnoreFile(rules.ignore)),) if rules.ignore else ()


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
        _read_patterns(folder, name) if names is None or name in names else None for name in IGNORE_FILES
    ]
    if not any(found):
        return above
    ken, ignore, git = ((pattern,) if pattern else () for pattern in found)
    return _Level(ken + above.ken, ignore + above.ignore, git + above.git)


def _read_patterns(folder: str, name: str) -> _Pattern | None:
    path = os.path.join(folder, name)  # noqa: PTH118
    compiled = ignore_rules.read(path)
    return None if compiled is None else _Pattern(folder, path, compiled)
