"""The roots of the index and the forgotten folders in them: for a path the innermost one decides.

Owns that rule. A user may index `~/notes`, forget `~/notes/old`, and index a folder inside of that again. The
index has both in one table; a forgotten folder has the state `FORGOTTEN`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from app.folders.disk_names import DiskNames, spelled
from index.store import store
from index.store.store import StoredRoot
from index.walk.walker import FoundFile, Rules, Skipped, check_path, walk

FORGOTTEN = store.FORGOTTEN
FORGOTTEN_RULE = "forgotten"


class RootSet:
    """The roots and forgotten folders of an index at this moment."""

    def __init__(self, stored: Iterable[StoredRoot]) -> None:
        self._states = {folder.path: folder.state for folder in stored}
        self._names = DiskNames()

    @property
    def roots(self) -> list[str]:
        return [path for path, state in self._states.items() if state != FORGOTTEN]

    @property
    def missing(self) -> set[str]:
        """Roots that were missing at the last check."""
        return {path for path, state in self._states.items() if state == "missing"}

    def innermost(self, path: str) -> str | None:
        """The innermost root or forgotten folder that is `path` or is above it."""
        return max((f for f in self._states if is_under(path, f)), key=len, default=None)

    def root_of(self, path: str) -> str | None:
        """The root that `path` belongs to; None if it belongs to none or was forgotten."""
        owner = self.innermost(path)
        return None if owner is None or self.forgotten(path) else owner

    def forgotten(self, path: str) -> bool:
        owner = self.innermost(path)
        return owner is not None and self._states[owner] == FORGOTTEN

    def related(self, paths: Iterable[str]) -> list[str]:
        """The roots to scan for `paths`: their own, and the roots inside of these."""
        own = {root for path in paths if (root := self.root_of(path)) is not None}
        inner = {root for root in self.roots if any(is_under(root, path) for path in own)}
        return sorted(own | inner)

    def as_kept(self, path: str) -> str:
        """A path in the disk's spelling, under the name that its root had when it was added.

        On a disk that ignores case a folder can be renamed and still be found under the former name.
        """
        if self.innermost(path) is None:
            for root in self._states:
                now = spelled(root)
                if now != root and is_under(path, now) and os.path.lexists(root):
                    return root + path[len(now) :]
        return path

    def spelled(self, path: str) -> str:
        """A path with the disk's spelling of the names below its root, which keeps its own."""
        root = self.root_of(path)
        return path if root is None else self._names.spelled(path, root)

    def walk(self, root: str, rules: Rules) -> Iterator[FoundFile | Skipped]:
        """`index.walk.walker.walk` without forgotten paths and without those of roots inside."""
        for verdict in walk(root, rules):
            if self.innermost(verdict.path) in (root, None):
                yield verdict

    def verdicts(self, path: str, rules: Rules) -> Iterator[FoundFile | Skipped]:
        """The verdicts on `path`, or on everything in it if it is a folder.

        None if it is deleted, or has another spelling now, which is then a path of its own.
        """
        root = self.root_of(path)
        if root is None or is_gone(path) or self.spelled(path) != path:
            return
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
            inside = (verdict for verdict in walk(root, rules, path) if is_under(verdict.path, path))
            yield from (verdict for verdict in inside if self.innermost(verdict.path) == root)
        else:
            yield check_path(path, root, rules)


def is_under(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or is in it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_gone(path: str) -> bool:
    """Whether nothing exists at `path`; False if that cannot be determined."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
