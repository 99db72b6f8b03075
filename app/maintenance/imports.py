"""An export taken in: which of the folders that it names may be indexed here, and why others may not.

An export can come from anybody, so no folder of its naming is read before a person agrees.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from app import paths
from app.errors import PathInvalid
from app.folders.typed_paths import absolute_path, indexable_path
from app.lock import WriteLock
from index.store import export_import
from index.store.copies import staged_copy
from index.store.store import Store
from index.walk.credential_names import matching_pattern

SYSTEM = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/lib", "/var/log",
    "/System", "/Library", "/private/etc", "/private/var/db",
)  # fmt: skip
"""Where the system keeps its own files: nobody's notes."""


def named_folders(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The folders that an export names: those that can be indexed here, and the others with the reason."""
    found = dict.fromkeys(export_import.exported_roots(folder))
    refused = {path: reason for path in found if (reason := _refusal(path))}
    return [path for path in found if path not in refused], refused


def import_(folder: Path, keep: Collection[str], tell: export_import.ProgressCallback) -> int:
    """All of an export or nothing; of the folders it names those in `keep` are kept."""
    paths.make_home()
    with WriteLock("ken import"), staged_copy(paths.index_path()) as draft, Store(draft) as store:
        return export_import.import_(store, folder, keep, tell)


def _refusal(path: str) -> str:
    """Why a folder that an export names is not indexed here; empty where it can be."""
    for folder in (path, *map(str, Path(path).parents)):
        if pattern := matching_pattern(folder, folder=True):
            return f"a folder named {pattern} holds keys and passwords"
    if path == os.sep or any(path == place or path.startswith(f"{place}/") for place in SYSTEM):
        return "it is the system's"
    try:
        indexable_path(path)
    except PathInvalid as error:
        return error.what
    return "" if absolute_path(path) == path else "a link leads to it"
