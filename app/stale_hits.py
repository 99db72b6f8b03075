"""Whether a hit is still true: its file is looked at before it is shown; and what is to be told of that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from app.roots import FORGOTTEN
from app.sanitize import plain_path
from index.store.store import Store
from index.types import Hit, Mode


@dataclass(frozen=True, slots=True)
class Checked:
    """Hits whose file is there, and among their paths those whose file changed since it was indexed."""

    hits: tuple[Hit, ...]
    changed: dict[str, int]
    """Path to the size it has now."""
    gone: int


def check(hits: Iterable[Hit]) -> Checked:
    kept: list[Hit] = []
    changed: dict[str, int] = {}
    gone = 0
    for hit in hits:
        try:
            stat = os.stat(hit.path)  # noqa: PTH116
        except OSError:
            gone += 1
            continue
        kept.append(hit)
        if (stat.st_size, stat.st_mtime_ns, stat.st_ino) != (hit.size, hit.modified_ns, hit.inode):
            changed[hit.path] = stat.st_size
    return Checked(tuple(kept), changed, gone)


def notice(store: Store | None, mode: Mode, gone: int, goes_on: str) -> str:
    """What a person should know of an answer for which `gone` hits were left out; empty where all is well."""
    if store is None:
        return ""
    if gone and (away := _away(store)):
        return f"{plain_path(away[0])} is not there now; nothing that lies in it is shown."
    if mode != "words" and store.pending(1):
        return f"Indexing is not finished: some passages are found by their words only. {goes_on}"
    return ""


def _away(store: Store) -> list[str]:
    """Kept folders of which nothing is there, as of a disk that was taken out."""
    return [folder.path for folder in store.folders() if folder.state != FORGOTTEN and _is_bare(folder.path)]


def _is_bare(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except NotADirectoryError:
        return False
    except OSError:
        return True
