"""Checks each hit against its file before it is shown, and words what the user has to know of that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from app.folders.roots import FORGOTTEN
from app.sanitize import plain_line, plain_path
from index.errors import FileUnreadable
from index.extract.opening import error_of_errno
from index.store import approximate
from index.store.store import Store
from index.types import Hit, Stamp


@dataclass(frozen=True, slots=True)
class CheckedHits:
    """The hits whose file exists, and which of those files changed since they were indexed."""

    hits: tuple[Hit, ...]
    changed: dict[str, int]
    """Path to the present size; to the indexed size if the file cannot be read for now."""
    gone: int


def check_hits(hits: Iterable[Hit]) -> CheckedHits:
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
    return CheckedHits(tuple(kept), changed, gone)


def incomplete_note(store: Store | None, embedding_note: str) -> str:
    """The notice while passages lack vectors; `embedding_note` says how they get them."""
    found = "some passages are found by their words only"
    if store is not None and approximate.are_complete(store):
        found = "the meaning of some passages is approximate until the model has read them"
    return f"Indexing is not finished: {found}. {embedding_note}"


def absent_root_note(store: Store | None) -> str:
    """The notice for a root that is missing in whole or in part, an unmounted disk for one; empty if none."""
    for folder in store.roots() if store else ():
        if folder.state != FORGOTTEN and _is_bare(folder.path):
            return f"{plain_path(folder.path)} is not there now; nothing that lies in it is shown."
        if folder.state != FORGOTTEN and folder.note:
            return plain_line(f"{folder.path}: {folder.note}")
    return ""


def join_sentences(*sentences: str) -> str:
    """The sentences that are not empty, joined by blanks."""
    return " ".join(sentence for sentence in sentences if sentence)


def _is_bare(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except NotADirectoryError:
        return False
    except OSError:
        return True
