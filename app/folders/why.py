"""Why a path is or is not indexed, by the roots, the rules and the disk; and the state of a root."""

from __future__ import annotations

import os
import shlex
from typing import Literal, cast, get_args

from app.api import Folder, Problem, ProblemState
from app.folders.roots import FORGOTTEN_RULE, RootSet
from index.store.store import Store, StoredRoot
from index.types import FileRecord, FileState
from index.walk import ignore_levels
from index.walk.walker import FoundFile, Rules, check_path

FolderState = Literal["watching", "polling", "paused", "missing", "unwatched"]
FOLDER_STATES = get_args(FolderState)
_PROBLEMS: dict[FileState, ProblemState] = {"failed": "failed", "skipped": "skipped", "named": "skipped",
                                         "indexed": "partial"}  # fmt: skip


def folder_now(store: Store, folder: StoredRoot) -> Folder:
    """A root with its counts and its present state."""
    counts = store.counts(folder.path)
    there = os.path.lexists(folder.path)
    state = folder.state if there and folder.state in FOLDER_STATES else "unwatched" if there else "missing"
    return Folder(
        path=folder.path,
        files=counts.files,
        passages=counts.passages,
        problems=counts.problems,
        state=cast(FolderState, state),
        note=folder.note or ("" if there else "It is missing. Its files stay in the index until it is back."),
    )


def problem_of(record: FileRecord) -> Problem:
    """A record with a reason, as a problem for the user."""
    return Problem(record.path, _PROBLEMS[record.state], record.reason, record.kind)


def problems_above(kept: RootSet, rules: Rules) -> list[Problem]:
    """Ignore files above the roots that do not hold in them as written; the index has no record of these."""
    if not rules.ignore_files:
        return []
    found = {path: why for root in kept.roots for path, why in ignore_levels.faults_above(root).items()}
    return [Problem(path, "skipped", why, "") for path, why in found.items() if kept.root_of(path) is None]


def covered(path: str, kept: RootSet, rules: Rules) -> bool:
    """Whether a root indexes `path` already. A path that the rules leave out may be a root of its own."""
    root = kept.root_of(path)
    if root is None or root == path:
        return root == path
    verdict = check_path(path, root, rules)
    return isinstance(verdict, FoundFile) or verdict.rule == "folder"


def verdict_on(path: str, kept: RootSet, rules: Rules) -> tuple[str, str, str]:
    """State, rule and reason of a path, from the roots and the rules alone."""
    if kept.forgotten(path):
        return "skipped", FORGOTTEN_RULE, f"It was forgotten; `ken index {shlex.quote(path)}` keeps it again."
    root = kept.root_of(path)
    if not os.path.lexists(path):
        rule = "not kept" if root is None else f"kept with {root}"
        return "missing", rule, "There is nothing at this path."
    if root is None:
        return "unknown", "not kept", "It is in no folder that ken indexes; `ken index PATH` adds one."
    verdict = check_path(path, root, rules)
    if isinstance(verdict, FoundFile):
        return "found", f"kept with {root}", "It has not been read yet."
    if verdict.rule == "folder":
        return "found", f"kept with {root}", "A folder: its files are indexed unless a rule says otherwise."
    return "skipped", verdict.rule, verdict.reason
