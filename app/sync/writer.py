"""Changes the index in the calling thread, for commands that run without the daemon.

Owns the write lock during one change. `app.sync.background` does the same in a thread of its own, for the
daemon.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from app import paths
from app.api import Folder, Progress, ProgressCallback, Status, SyncReport
from app.config import ReadingConfig
from app.errors import PathInvalid
from app.folders.roots import FORGOTTEN, RootSet, is_under
from app.folders.rules import rules_of
from app.folders.typed_paths import absolute_path, indexable_path
from app.folders.why import covered, folder_now
from app.lock import WriteLock
from app.maintenance.leftovers import LEFT_BEHIND
from app.model import MISSING, TextModel, fingerprint_of
from app.open_index import OpenIndex
from app.sync.pipeline import Pipeline
from app.sync.sync_run import RunOptions
from index.errors import IndexBusy, IndexUnreachable
from index.passages.chunker import MAX_TOKENS, chunker_version
from index.store.store import Store
from index.walk.walker import Rules

REFRESH_BYTES = 64 * 1024
"""Bytes of changed files among the hits up to which they are indexed again before the answer."""


class CommandWriter:
    """`app.library.Writer` in the calling thread; holds the write lock while it writes."""

    in_background = False

    def __init__(self, index: OpenIndex, model: TextModel, reading: ReadingConfig, purpose: str) -> None:
        """`purpose` is what other processes show while they wait for this one."""
        self.progress = Progress("idle")
        self._index = index
        self._model = model
        self._reading = reading
        self._lock = WriteLock(purpose, index.path.with_name(paths.lock_path().name))
        self._guard = threading.RLock()
        self._cancel = threading.Event()
        self._left_behind = False
        """Whether forgotten texts are not overwritten on the disk yet."""

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        with self._writing() as store:
            return add_roots(store, paths, rules_of(self._reading))

    def forget(self, path: str) -> int:
        with self._writing() as store:
            dropped = forget_path(store, path)
            self._left_behind = not store.wipe("all")
            return dropped

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        def tell(now: Progress) -> None:
            self.progress = now
            if progress is not None:
                progress(now)

        self._cancel.clear()
        fingerprint = fingerprint_of(self._model)
        try:
            with self._writing(fingerprint) as store:
                report = self._pipeline(store).sync(
                    roots_to_sync(store, paths), RunOptions(tell, self._cancel)
                )
                store.wipe("due")
                store.wipe("quick")
                return report
        except KeyboardInterrupt:
            return SyncReport(interrupted=True)
        finally:
            self.progress = Progress("idle")

    def refresh(self, changed: dict[str, int]) -> bool:
        """Index changed files (path to bytes) again now if they are small and no other process writes."""
        if sum(changed.values()) > REFRESH_BYTES:
            return False
        if not self._guard.acquire(blocking=False):
            return False  # a sync of this process is at work, and takes them in
        try:
            with self._writing(fingerprint_of(self._model)) as store:
                self._pipeline(store).take(list(changed), RunOptions(pictures=False))
                store.wipe("quick")
        except (IndexBusy, IndexUnreachable):
            return False
        finally:
            self._guard.release()
        return True

    def prefer(self, texts: Sequence[int]) -> None:
        """Does nothing: this process embeds what it stores, and answers before or after."""

    def pause(self) -> None:
        """Cancel a `sync` in progress; finished work is kept."""
        self._cancel.set()

    def resume(self) -> None:
        """Does nothing: the next command continues."""

    @property
    def embedding_note(self) -> str:
        return "`ken index` goes on." if self._model.present else MISSING

    @property
    def waiting(self) -> int:
        return 0

    def add_writer_state(self, status: Status) -> Status:
        left = (LEFT_BEHIND,) if self._left_behind else ()
        return replace(status, notices=(*status.notices, *left))

    def close(self) -> None:
        self._cancel.set()

    @contextmanager
    def _writing(self, fingerprint: str = "") -> Iterator[Store]:
        """The store, with the write lock held. `fingerprint`: the vectors that will be written."""
        with self._guard, self._lock:
            if fingerprint:
                with Store(self._index.path, fingerprint=fingerprint, chunker=chunker_of(self._reading)):
                    """Opening records what makes vectors and passages."""
            yield self._index.made()

    def _pipeline(self, store: Store) -> Pipeline:
        return Pipeline(
            store,
            self._model,
            rules_of(self._reading),
            count=self._reading.processes,
            passage_tokens=self._reading.passage_tokens,
        )


def chunker_of(reading: ReadingConfig) -> str:
    """What names how passages are cut by these settings."""
    return chunker_version(reading.passage_tokens or MAX_TOKENS)


def add_roots(store: Store, paths: Sequence[str], rules: Rules) -> tuple[Folder, ...]:
    """Keep these folders or files from now on. Raises `PathInvalid`."""
    wanted = list(map(RootSet(store.roots()).as_kept, map(indexable_path, paths)))
    for path in wanted:
        kept = RootSet(store.roots())
        if kept.innermost(path) == path and kept.forgotten(path):
            store.forget(path)
            kept = RootSet(store.roots())
        if not covered(path, kept, rules):
            store.add_root(path)
    return tuple(folder_now(store, folder) for folder in store.roots() if folder.path in wanted)


def forget_path(store: Store, path: str) -> int:
    """Drop everything at or under an absolute path; returns the files dropped.

    Raises `PathInvalid` where there is nothing.
    """
    known = any(is_under(folder.path, path) for folder in store.roots()) or bool(store.files(path))
    if not known:
        raise PathInvalid(f"Nothing under {path} is in the index.", "`ken status` lists what is.")
    dropped = store.forget(path)
    if RootSet(store.roots()).root_of(path) is not None:
        store.add_root(path)
        store.set_root_state(path, FORGOTTEN)
    return dropped


def roots_to_sync(store: Store, paths: Sequence[str] | None) -> list[str]:
    """The roots to scan for `paths`; None: all roots."""
    kept = RootSet(store.roots())
    return kept.roots if paths is None else kept.related(kept.as_kept(absolute_path(path)) for path in paths)
