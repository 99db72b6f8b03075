"""The walk: which files of a root belong to the index, by ignore rules, sizes and names of credentials.

Owns the verdict on a path: found, or skipped and by which rule. Opens no document.

The rules in order, strongest first: patterns of the configuration, `.kenignore`, names of credentials,
`.ignore`, `.gitignore`, then the default rules. Of several ignore files the nearest folder's comes first,
with git's semantics: the last matching pattern of a file decides, and `!` includes a path again. Only the
configuration and the `.kenignore` of the root itself can include credentials: a project that someone else
wrote cannot. ken's own homes and models are never walked, whatever a rule says. Links are not followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from index import kinds
from index.macos import is_hidden
from index.no_links import FolderEntry, list_folder
from index.walk import credential_names, default_ignores, ignore_levels, ignore_rules, own_folders
from index.walk.ignore_levels import AppliedFile, Decision, Level
from index.walk.reasons import describe_special_file, explain_os_error

MEBIBYTE = 1 << 20
"""Bytes."""
IGNORE_FILES = ignore_levels.IGNORE_FILE_NAMES


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of the walk."""

    ignore: tuple[str, ...] = ()
    """Patterns in `.gitignore`'s language, relative to each root; the strongest rule."""
    hidden: bool = False
    """Include names that begin with a dot."""
    ignore_files: bool = True
    """Apply `.gitignore`, `.ignore` and `.kenignore`."""
    defaults: bool = True
    """Skip dependencies, caches, build outputs and version control."""
    secrets: bool = True
    """Skip files that have the name of a file of keys or passwords."""
    max_bytes: int | None = None
    """Skip files of more bytes; None: only the limit of each format applies."""
    ocr_ignore: tuple[str, ...] = ()
    """Patterns like those of `ignore`: files that are not read as pictures."""
    own: tuple[str, ...] = ()
    """Real paths of ken's home and models, which are never walked."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the index. `stat` is of the file itself where `path` is a link."""

    path: str
    stat: os.stat_result
    real: str = ""
    """The real path that was judged, which is another one only where `path` is a root and a link."""
    unread: str = ""
    """Why the file is found by its name alone, in a sentence; empty where it is read."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that is left out; a folder is left out with everything in it."""

    path: str
    reason: str
    """One sentence for the user."""
    rule: str
    """The rule that decided: "default: caches", "/home/x/.gitignore: *.log", "secret: .env", ..."""
    folder: bool = False


@dataclass(slots=True)
class _Walk:
    root: str
    rules: Rules
    configured: tuple[AppliedFile, ...]
    seen: set[tuple[int, int]] = field(default_factory=set)


def walk(root: str, rules: Rules, inside: str = "") -> Iterator[FoundFile | Skipped]:
    """Every file under `root` (or `root` itself, a file) with its verdict, each folder in name order.

    `root` is a real path: a folder that became a link, in it or above it, is not listed.
    A folder that is left out yields one verdict and is not entered. A second name of the same file (a link, a
    hard link) is left out. `inside` limits the walk to one folder under `root`, with the same rules; names of
    the same files outside that folder are then unknown.
    """
    state = _Walk(root, rules, _configured_rules(root, rules))
    top = inside or root
    if not os.path.isdir(top):  # noqa: PTH112
        yield check_path(top, root, rules)
        return
    above = _descend(top, state)
    if isinstance(above, FoundFile | Skipped):
        yield above
        return
    waiting = [(top, above)]
    while waiting:
        inner: list[tuple[str, Level]] = []
        yield from _walk_folder(*waiting.pop(), state, inner)
        waiting.extend(reversed(inner))


def _walk_folder(
    folder: str, above: Level, state: _Walk, inner: list[tuple[str, Level]]
) -> Iterator[FoundFile | Skipped]:
    """The verdicts in one folder; the folders in it that are to be walked are added to `inner`."""
    try:
        listed = list_folder(folder)
    except OSError as error:
        yield Skipped(folder, explain_os_error(error, "folder"), "system", folder=True)
        return
    names = {entry.name for entry in listed}
    if own := _skip_own_folder(folder, names, state.rules):
        yield own
        return
    level = _enter(folder, above, state.rules, names)
    faults = ignore_levels.faults_in(folder, level)
    for entry in listed:
        path = os.path.join(folder, entry.name)  # noqa: PTH118
        fault = faults.get(path)
        verdict = _skip_ignore_file_fault(path, fault) if fault else _entry(path, entry, level, state)
        if verdict is None:
            inner.append((path, level))
        else:
            yield verdict


def check_path(path: str, root: str, rules: Rules) -> FoundFile | Skipped:
    """The verdict of `walk(root)` on one path: on the first folder above it that is left out, or on itself.

    Other names of the same file are unknown here, unless `path` is a link into `root`. Where `root` is the
    file itself, the user named it, so only its name, kind and size can leave it out.
    """
    if not _is_possible(path):
        return Skipped(path, "No file can have such a name.", "system")
    state = _Walk(root, rules, _configured_rules(root, rules))
    if path == root:
        return _check_named_file(root, state)
    verdict = _descend(path, state)
    if isinstance(verdict, Level):
        return Skipped(path, "It is a folder.", "folder", folder=True)
    return verdict


def _is_possible(path: str) -> bool:
    """Whether a path can exist on a disk: clients may send any text as a path."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _descend(path: str, state: _Walk) -> FoundFile | Skipped | Level:
    """Apply the rules to every folder from the root to `path`: a verdict, or the rules inside that folder."""
    level = ignore_levels.level_above(state.root) if state.rules.ignore_files else Level()
    folder = state.root
    if own := _skip_own_folder(folder, None, state.rules):
        return own
    for name in Path(path).relative_to(state.root).parts:
        level = _enter(folder, level, state.rules)
        folder = os.path.join(folder, name)  # noqa: PTH118
        try:
            verdict = _verdict(folder, name, os.lstat(folder), level, state)
        except OSError as error:
            return Skipped(path, explain_os_error(error, "file"), "system")
        if verdict is None:
            verdict = _skip_own_folder(folder, None, state.rules)
        if verdict is not None:
            fault = ignore_levels.faults_in(os.path.dirname(path), level).get(path)  # noqa: PTH120
            return _skip_ignore_file_fault(path, fault) if fault and folder == path else verdict
    return level


def _check_named_file(path: str, state: _Walk) -> FoundFile | Skipped:
    folder, name = os.path.split(path)
    if os.path.realpath(folder) != folder:
        return Skipped(path, "A folder on the way to it is a link now; links are not followed.", "link")
    real = os.path.realpath(path)
    try:
        status = os.stat(real)  # noqa: PTH116
    except OSError as error:
        return Skipped(path, explain_os_error(error, "file"), "system")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, "It is a folder.", "folder", folder=True)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"It is {describe_special_file(status.st_mode)}, not a file.", "not a file")
    if state.rules.secrets and (pattern := _credentials_at(path, real)):
        return _skip_credential_name(path, pattern)
    verdict = _check_format(path, name, status, state.rules)
    return replace(verdict, real=real) if isinstance(verdict, FoundFile) else verdict


def _credentials_at(path: str, target: str) -> str:
    """The pattern of credentials that a file's name has, or that of a link's target or of a folder there."""
    above = [] if target == path else [str(folder) for folder in Path(target).parents]
    files = (credential_names.matching_pattern(one, folder=False) for one in (path, target))
    folders = (credential_names.matching_pattern(one, folder=True) for one in above)
    return next(filter(None, (*files, *folders)), "")


def _entry(path: str, entry: FolderEntry, level: Level, state: _Walk) -> FoundFile | Skipped | None:
    if isinstance(entry.status, OSError):
        return Skipped(path, explain_os_error(entry.status, "file"), "system")
    verdict = _verdict(path, entry.name, entry.status, level, state)
    if isinstance(verdict, FoundFile) and verdict.stat.st_nlink > 1:
        key = (verdict.stat.st_dev, verdict.stat.st_ino)
        if key in state.seen:
            return Skipped(path, "It is another name of a file that is looked at already.", "nothing twice")
        state.seen.add(key)
    return verdict


def _verdict(
    path: str, name: str, status: os.stat_result, level: Level, state: _Walk
) -> FoundFile | Skipped | None:
    """Found, Skipped, or None for a folder that the walk enters."""
    folder = stat.S_ISDIR(status.st_mode)
    ignored = _ignored_verdict(path, status, folder, level, state)
    if ignored is not None:
        return ignored
    if folder:
        return None
    if stat.S_ISLNK(status.st_mode):
        return _skip_link(path, state)
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"It is {describe_special_file(status.st_mode)}, not a file.", "not a file")
    return _check_format(path, name, status, state.rules)


def _skip_link(path: str, state: _Walk) -> Skipped:
    """The reason why a link is left out. Its target is indexed at its own path, if that is under a root."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return Skipped(path, explain_os_error(error, "link"), "link")
    if stat.S_ISDIR(status.st_mode):
        return Skipped(path, "It is a link to a folder; links to folders are not followed.", "link")
    target = os.path.realpath(path)
    base = os.path.realpath(state.root)
    if target.startswith(base.rstrip(os.sep) + os.sep):
        return Skipped(path, f"It is a link to {target}, which lies in the same folder.", "nothing twice")
    return Skipped(path, f"It is a link out of the folder, to {target}; such links are not followed.", "link")


def _ignored_verdict(
    path: str, status: os.stat_result, folder: bool, level: Level, state: _Walk
) -> Skipped | None:
    """The verdict of the strongest rule that applies; None where no rule leaves the path out."""
    strong = state.configured + level.ken
    decision = ignore_levels.decide(strong, path, folder=folder)
    if decision and decision.ignored:
        return _skip_ignored(path, decision, folder)
    if state.rules.secrets and (pattern := credential_names.matching_pattern(path, folder=folder)):
        of_root = [file for file in strong if file.base == state.root]
        taken_back = ignore_levels.decide(of_root, path, folder=folder)
        if taken_back is None or taken_back.ignored:
            return _skip_credential_name(path, pattern, folder)
    if decision:
        return None
    if weak := ignore_levels.decide(level.ignore + level.git, path, folder=folder):
        return _skip_ignored(path, weak, folder) if weak.ignored else None
    return _default_rule(path, status, folder, state.rules)


def _skip_ignored(path: str, by: Decision, folder: bool) -> Skipped:
    reason = f"The pattern {by.text} in {by.file.path} leaves it out."
    return Skipped(path, reason, f"{by.file.path}: {by.text}", folder)


def _skip_credential_name(path: str, pattern: str, folder: bool = False) -> Skipped:
    return Skipped(path, "It may hold keys or passwords.", f"secret: {pattern}", folder)


def _default_rule(path: str, status: os.stat_result, folder: bool, rules: Rules) -> Skipped | None:
    name = os.path.basename(path)  # noqa: PTH119
    if rules.defaults:
        kind = default_ignores.category_of(path, name, folder)
        if kind:
            return Skipped(path, f"By default ken leaves out {kind}.", f"default: {kind}", folder)
    if name.startswith(".") and not rules.hidden:
        return Skipped(path, "It is hidden (its name begins with a dot).", "default: hidden", folder)
    if is_hidden(status) and not rules.hidden:
        return Skipped(path, "It is hidden (macOS marks it so).", "default: hidden", folder)
    return None


def _check_format(path: str, name: str, status: os.stat_result, rules: Rules) -> FoundFile | Skipped:
    if kinds.is_temporary(name):
        return Skipped(path, "It is a temporary file of another program.", "default: temporary files")
    if kind := kinds.unread_kind(name):
        return FoundFile(path, status, path, f"Files of this kind are found by their name: {kind.words}.")
    if not status.st_size:
        return FoundFile(path, status, path, "It is empty.")
    named = kinds.of_file_name(name)
    most = named.max_bytes if named else kinds.CONTAINER_BYTES
    if rules.max_bytes is not None:
        most = min(most, rules.max_bytes)
    if status.st_size > most:
        size, limit = status.st_size / MEBIBYTE, most / MEBIBYTE
        return Skipped(
            path, f"It is {size:.0f} MB; files of this kind are read up to {limit:.0f} MB.", "default: size"
        )
    return FoundFile(path, status, path)


def _skip_own_folder(folder: str, names: set[str] | None, rules: Rules) -> Skipped | None:
    """Skip a folder that belongs to ken; None for any other folder."""
    if not own_folders.is_kens_folder(folder, rules.own, names):
        return None
    return Skipped(
        folder, "It holds ken's own index or models; they are never indexed.", "ken's own", folder=True
    )


def configured_faults(rules: Rules) -> list[str]:
    """One sentence for each pattern of the configuration that is skipped, with the reason."""
    faults = ignore_rules.compile_patterns(rules.ignore).faults
    return [f"reading.ignore: the pattern {fault.text} {fault.reason}." for fault in faults]


def _skip_ignore_file_fault(path: str, reason: str) -> Skipped:
    return Skipped(path, reason, "ignore file")


def _configured_rules(root: str, rules: Rules) -> tuple[AppliedFile, ...]:
    if not rules.ignore:
        return ()
    return (AppliedFile(root, "the configuration", ignore_rules.compile_patterns(rules.ignore)),)


def _enter(folder: str, above: Level, rules: Rules, names: Collection[str] = IGNORE_FILES) -> Level:
    return ignore_levels.enter(folder, above, names) if rules.ignore_files else above
