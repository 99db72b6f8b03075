"""Which ignore files apply in a folder, and what they decide about a path in it.

Owns their order (`.kenignore`, `.ignore`, `.gitignore`, each with the nearest folder first) and how far above
the root they are searched. Knows nothing of the other rules of the walk.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from index.walk import ignore_rules
from index.walk.ignore_rules import Fault, IgnoreFile

IGNORE_FILE_NAMES = (".kenignore", ".ignore", ".gitignore")
MAX_BYTES_IN_FORCE = 4 << 20
"""Bytes of ignore files that apply in one folder: each costs time for every path, and folders may nest."""


@dataclass(frozen=True, slots=True)
class AppliedFile:
    """One ignore file, with the folder that its patterns are relative to."""

    base: str
    path: str
    """The path of the file, or another name for the source of the patterns."""
    rules: IgnoreFile


@dataclass(frozen=True, slots=True)
class Decision:
    """The pattern that decides about a path, and the file it is in."""

    file: AppliedFile
    text: str
    ignored: bool
    """False where the pattern includes the path again."""


@dataclass(frozen=True, slots=True)
class Level:
    """The ignore files that apply in a folder, strongest first, then nearest first."""

    ken: tuple[AppliedFile, ...] = ()
    ignore: tuple[AppliedFile, ...] = ()
    git: tuple[AppliedFile, ...] = ()

    @property
    def all(self) -> tuple[AppliedFile, ...]:
        return self.ken + self.ignore + self.git


def level_above(root: str) -> Level:
    """The `.gitignore` files between `root` and the top of its repository.

    Empty where they leave out `root` itself: a user who adds an ignored folder wants its files.
    """
    chain = [root]
    while not os.path.exists(os.path.join(chain[-1], ".git")):  # noqa: PTH110, PTH118
        parent = os.path.dirname(chain[-1])  # noqa: PTH120
        if parent == chain[-1]:
            return Level()
        chain.append(parent)
    level = Level()
    for folder in reversed(chain[1:]):
        level = enter(folder, level, (".gitignore",))
    decision = decide(level.git, root, folder=True)
    return Level() if decision and decision.ignored else level


def enter(folder: str, above: Level, names: Collection[str] = IGNORE_FILE_NAMES) -> Level:
    """The level inside `folder`; `names` are the names in that folder, or those that may be there."""
    ken, ignore, git = (
        _read_ignore_file(folder, name, above) if name in names else () for name in IGNORE_FILE_NAMES
    )
    if not (ken or ignore or git):
        return above
    return Level(ken + above.ken, ignore + above.ignore, git + above.git)


def decide(files: Sequence[AppliedFile], path: str, *, folder: bool) -> Decision | None:
    """The decision of the first of `files` that has a matching pattern; None where none has."""
    for file in files:
        found = file.rules.match(path[len(file.base) :].lstrip(os.sep), folder=folder)
        if found is not None:
            return Decision(file, found.text, found.ignored)
    return None


def faults_in(folder: str, level: Level) -> dict[str, str]:
    """The ignore files in `folder` that are not applied in full: path to a text for the user."""
    return {f.path: _describe(f.rules.faults) for f in level.all if f.base == folder and f.rules.faults}


def faults_above(root: str) -> dict[str, str]:
    """The same for the ignore files above `root` that apply in it."""
    return {f.path: _describe(f.rules.faults) for f in level_above(root).all if f.rules.faults}


def _read_ignore_file(folder: str, name: str, above: Level) -> tuple[AppliedFile, ...]:
    path = os.path.join(folder, name)  # noqa: PTH118
    rules = ignore_rules.read(path)
    if rules is None:
        return ()
    if rules.size + sum(file.rules.size for file in above.all) > MAX_BYTES_IN_FORCE:
        reason = f"the ignore files of the folders above hold {MAX_BYTES_IN_FORCE >> 20} MB already"
        rules = ignore_rules.rejected_file(reason)
    return (AppliedFile(folder, path, rules),)


def _describe(found: Sequence[Fault]) -> str:
    first, others = found[0], len(found) - 1
    more = f" {others} more of its lines are not applied as written." if others else ""
    if not first.line:
        return f"Not all of it is applied: {first.reason}.{more}"
    return f"Line {first.line} ({first.text[:80]}) {first.reason}.{more} The other lines are applied."
