"""Which folders ken keeps and which parts of them were forgotten: the innermost one decides.

A person may keep `~/notes` and forget `~/notes/old`; a folder inside what was forgotten may be kept
again. Both are remembered side by side, what was forgotten with the state `FORGOTTEN`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from index.store import store
from index.store.store import StoredRoot
from index.walk.walker import Found, Rules, Skipped, check_path, walk

FORGOTTEN = store.FORGOTTEN
FORGOTTEN_RULE = "forgotten"


class RootSet:
    """The folders of an index, as they stand now."""

    def __init__(self, stored: Iterable[StoredRoot]) -> None:
        self._states = {folder.path: folder.state for folder in stored}

    @property
    def roots(self) -> list[str]:
        return [path for path, state in self._states.items() if state != FORGOTTEN]

    @property
    def missing(self) -> set[str]:
        """RootSet folders that were not there when they were last looked for."""
        return {path for path, state in self._states.items() if state == "missing"}

    def owner(self, path: str) -> str | None:
        """The innermost folder that `path` is or lies under, kept or forgotten."""
        return max((f for f in self._states if is_under(path, f)), key=len, default=None)

    def root_of(self, path: str) -> str | None:
        """The kept folder that `path` belongs to; None where it belongs to none or was forgotten."""
        owner = self.owner(path)
        return None if owner is None or self.forgotten(path) else owner

    def forgotten(self, path: str) -> bool:
        owner = self.owner(path)
        return owner is not None and self._states[owner] == FORGOTTEN

    def related(self, paths: Iterable[str]) -> list[str]:
        """The roots to walk so that `paths` are level with the disk: theirs, and those inside these."""
        own = {root for path in paths if (root := self.root_of(path)) is not None}
        inner = {root for root in self.roots if any(is_under(root, path) for path in own)}
        return sorted(own | inner)

    def walk(self, root: str, rules: Rules) -> Iterator[Found | Skipped]:
        """`index.walk.walker.walk` without what was forgotten and without what belongs to a folder inside."""
        for verdict in walk(root, rules):
            if self.owner(verdict.path) in (root, None):
                yield verdict

    def verdicts(self, path: str, rules: Rules) -> Iterator[Found | Skipped]:
        """The verdicts on `path`, or on all in it where it is a folder; none where it is gone."""
        root = self.root_of(path)
        if root is None or is_gone(path):
            return
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
            inside = (verdict for verdict in walk(root, rules, path) if is_under(verdict.path, path))
            yield from (verdict for verdict in inside if self.owner(verdict.path) == root)
        else:
            yield check_path(path, root, rules)


def is_under(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_gone(path: str) -> bool:
    """Whether there is nothing at `path`, as far as can be seen."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
