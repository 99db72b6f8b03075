"""Import of an export: which of its folders may be indexed on this machine, and why others may not.

Owns that check. An export may come from an untrusted source, so no folder that it names is read before the
user agrees.
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
"""Folders of the system's own files, which are no documents."""


def named_folders(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The folders of an export: those that may be indexed here, and the others with the reason."""
    found = dict.fromkeys(export_import.exported_roots(folder))
    refused = {path: reason for path in found if (reason := _refusal(path))}
    return [path for path in found if path not in refused], refused


def import_(folder: Path, keep: Collection[str], tell: export_import.ProgressCallback) -> int:
    """Import all of an export or nothing. Of its folders, those in `keep` become roots."""
    paths.make_home()
    with WriteLock("ken import"), staged_copy(paths.index_path()) as draft, Store(draft) as store:
        return export_import.import_(store, folder, keep, tell)


def _refusal(path: str) -> str:
    """Why a folder of an export may not be indexed here; empty if it may."""
    for folder in (path, *map(str, Path(path).parents)):
        if pattern := matching_pattern(folder, folder=True):
            return f"a folder named {pattern} holds keys and passwords"
    if path == os.sep or any(path == place or path.startswith(f"{place}/") for place in SYSTEM):
        return "it belongs to the system"
    try:
        indexable_path(path)
    except PathInvalid as error:
        return error.what
    return "" if absolute_path(path) == path else "a link leads to it"
