"""Which ignore files hold in a folder, and what they decide about a path in it.

Owns their order (`.kenignore`, `.ignore` and `.gitignore`, each nearest folder first) and how far up they are
looked for. Knows nothing of the rules beside them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from index.walk import ignore_rules
from index.walk.ignore_rules import Fault, IgnoreFile

NAMES = (".kenignore", ".ignore", ".gitignore")
MOST_IN_FORCE = 4 << 20
"""Bytes of ignore files that hold in one folder: each costs time at every path, and folders may nest."""


@dataclass(frozen=True, slots=True)
class AppliedFile:
    """One ignore file, at the folder its patterns are relative to."""

    base: str
    path: str
    """Or another name for where the patterns are from."""
    rules: IgnoreFile


@dataclass(frozen=True, slots=True)
class Decision:
    """The pattern that decides about a path, and the file it is in."""

    file: AppliedFile
    text: str
    ignored: bool
    """False where the pattern takes the path back."""


@dataclass(frozen=True, slots=True)
class Level:
    """The ignore files that hold in a folder, by strength and then nearest first."""

    ken: tuple[AppliedFile, ...] = ()
    ignore: tuple[AppliedFile, ...] = ()
    git: tuple[AppliedFile, ...] = ()

    @property
    def all(self) -> tuple[AppliedFile, ...]:
        return self.ken + self.ignore + self.git


def around(root: str) -> Level:
    """The `.gitignore` files between `root` and the top of the repository it lies in.

    None where they leave out `root` itself: whoever asks for a folder by name wants what is in it.
    """
    chain = [root]
    while not os.path.exists(os.path.join(chain[-1], ".git")):  # noqa: PTH110, PTH118
        parent = os.path.dirname(chain[-1])  # noqa: PTH120
        if parent == chain[-1]:
            return Level()
        chain.append(parent)
    level = Level()
    for folder in reversed(chain[1:]):
        level = entered(folder, level, (".gitignore",))
    decision = deciding(level.git, root, folder=True)
    return Level() if decision and decision.ignored else level


def entered(folder: str, above: Level, names: Collection[str] = NAMES) -> Level:
    """What holds inside `folder`, of which `names` may lie in it."""
    ken, ignore, git = (_applied(folder, name, above) if name in names else () for name in NAMES)
    if not (ken or ignore or git):
        return above
    return Level(ken + above.ken, ignore + above.ignore, git + above.git)


def deciding(files: Sequence[AppliedFile], path: str, *, folder: bool) -> Decision | None:
    """What the first of `files` that has a pattern for `path` decides."""
    for file in files:
        found = file.rules.match(path[len(file.base) :].lstrip(os.sep), folder=folder)
        if found is not None:
            return Decision(file, found.text, found.ignored)
    return None


def faults(folder: str, level: Level) -> dict[str, str]:
    """The ignore files in `folder` of which something does not hold, and what and why, in sentences."""
    return {f.path: _told(f.rules.faults) for f in level.all if f.base == folder and f.rules.faults}


def _applied(folder: str, name: str, above: Level) -> tuple[AppliedFile, ...]:
    path = os.path.join(folder, name)  # noqa: PTH118
    rules = ignore_rules.read(path)
    if rules is None:
        return ()
    if rules.size + sum(file.rules.size for file in above.all) > MOST_IN_FORCE:
        reason = f"the ignore files of the folders above hold {MOST_IN_FORCE >> 20} MB already"
        rules = ignore_rules.without_patterns(reason)
    return (AppliedFile(folder, path, rules),)


def _told(found: Sequence[Fault]) -> str:
    first, others = found[0], len(found) - 1
    more = f" {others} more of its lines do not hold as written." if others else ""
    if not first.line:
        return f"Not all of it is applied: {first.reason}.{more}"
    return f"Line {first.line} ({first.text[:80]}) {first.reason}.{more} The other lines hold."
