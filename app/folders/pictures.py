"""Which pictures are read as text by the settings, and what is said where nothing here reads them."""

from __future__ import annotations

import os
from collections import Counter
from functools import lru_cache

from app.api import Problem
from app.folders.roots import RootSet
from index.extract import recognizer
from index.store import scans
from index.store.store import Store
from index.walk import ignore_levels, ignore_rules
from index.walk.ignore_rules import IgnoreFile
from index.walk.walker import Rules

_compiled = lru_cache(maxsize=8)(ignore_rules.compile_patterns)


def left_out(path: str, rules: Rules, kept: RootSet) -> bool:
    """Whether a picture is in no root, or `reading.ocr_ignore` leaves out it or a folder above."""
    root = kept.root_of(path)
    if root is None:
        return True
    return bool(rules.ocr_ignore) and _is_ignored(_compiled(rules.ocr_ignore), path, root)


def unread_pictures(store: Store, rules: Rules) -> list[Problem]:
    """One problem for each folder with pictures, if nothing on this machine can read pictures."""
    if recognizer.is_installed():
        return []
    kept = RootSet(store.roots())
    paths = {path for path, _ in scans.waiting(store) if not left_out(path, rules, kept)}
    folders = Counter(os.path.dirname(path) for path in paths)  # noqa: PTH120
    return [
        Problem(folder, "skipped", _reason(count), "picture") for folder, count in sorted(folders.items())
    ]


def _reason(count: int) -> str:
    return f"{'a picture' if count == 1 else f'{count:,} pictures'}: {recognizer.INSTALL}"


def _is_ignored(patterns: IgnoreFile, path: str, root: str) -> bool:
    """What the nearest of the file and the folders above it that a pattern names has for a verdict."""
    files = (ignore_levels.AppliedFile(root, "the configuration", patterns),)
    at, folder = path, False
    while at.startswith(root):
        if decision := ignore_levels.decide(files, at, folder=folder):
            return decision.ignored
        if at == root:
            break
        at, folder = os.path.dirname(at), True  # noqa: PTH120
    return False
