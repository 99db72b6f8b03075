"""Whether a hit is still true: its file is looked at before it is shown; and what is to be told of that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from app.folders.roots import FORGOTTEN
from app.sanitize import plain_line, plain_path
from index.errors import FileUnreadable
from index.extract.opening import error_of_errno
from index.store.store import Store
from index.types import Hit, Stamp


@dataclass(frozen=True, slots=True)
class Checked:
    """Hits whose file is there, and among their paths those whose file changed since it was indexed."""

    hits: tuple[Hit, ...]
    changed: dict[str, int]
    """Path to the size it has now, or had where it cannot be looked at just now."""
    gone: int


def check(hits: Iterable[Hit]) -> Checked:
    kept: list[Hit] = []
    changed: dict[str, int] = {}
    gone = 0
    for hit in hits:
        try:
            stat = os.stat(hit.path)  # noqa: PTH116
        except OSError as error:
            if not isinstance(error_of_errno(error.errno or 0), FileUnreadable):
                gone += 1
                continue
            changed[hit.path] = hit.size
        else:
            if not hit.stamp.same(Stamp.of(stat)):
                changed[hit.path] = stat.st_size
        kept.append(hit)
    return Checked(tuple(kept), changed, gone)


def unfinished(goes_on: str) -> str:
    """What to say of an answer while passages have no vector; `goes_on` says how they get it."""
    return f"Indexing is not finished: some passages are found by their words only. {goes_on}"


def away(store: Store | None) -> str:
    """What to say of a kept folder that is not there, in whole or in part: a disk may have been taken out."""
    for folder in store.roots() if store else ():
        if folder.state != FORGOTTEN and _is_bare(folder.path):
            return f"{plain_path(folder.path)} is not there now; nothing that lies in it is shown."
        if folder.state != FORGOTTEN and folder.note:
            return plain_line(f"{folder.path}: {folder.note}")
    return ""


def together(*sentences: str) -> str:
    """Those that say something, one after the other."""
    return " ".join(sentence for sentence in sentences if sentence)


def _is_bare(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except NotADirectoryError:
        return False
    except OSError:
        return True
