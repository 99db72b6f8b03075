"""The daemon's writer: changes the index in a thread of its own, so that it follows the disk.

Owns the write lock from the first change to the end, the connection that writes, and the readers.
`app.sync.indexer` decides what to do next; this module does it. Queries never wait for it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from app import paths
from app.api import Folder, Progress, ProgressCallback, Status, SyncReport
from app.config import Config
from app.folders.roots import FORGOTTEN, RootSet
from app.folders.rules import rules_of
from app.lock import DAEMON, WriteLock
from app.maintenance import leftovers
from app.model import MISSING, TextModel, fingerprint_of
from app.open_index import OpenIndex
from app.sync.change_queue import ChangeQueue
from app.sync.during_walk import added_up
from app.sync.extract_stage import ReaderPools
from app.sync.indexer import Indexer
from app.sync.pipeline import Pipeline, readers_for
from app.sync.retry_schedule import RetrySchedule
from app.sync.sync_run import PriorityPaths
from app.sync.watcher import Watcher
from app.sync.writer import REFRESH_BYTES, add_roots, chunker_of, forget_path, roots_to_sync
from index.errors import IndexingError
from index.extract import recognizer
from index.store import scans
from index.store.store import Store, StoredRoot
from index.types import Stamp

log = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds a missing file stays in the index. Editors that save by deleting and writing again, and moves by
copying, bring it back within that time."""
LOCK_WAIT = 1.0
"""Seconds to wait for another process that writes."""
BACKLOG = 64
"""Passages without vectors from which on a second process embeds them, so that queries do not wait."""
REFRESH_SECONDS = 0.2
"""Seconds an answer waits until changed files among its hits are read again."""
STEP = 0.01
"""Seconds between two checks whether they are."""
TURN_SECONDS = 0.5
"""Seconds between two progress reports to a caller that waits for another sync to end."""


class BackgroundWriter:
    """`app.library.Writer` over a thread that writes; open from `start` to `close`.

    `stored` gets the files with new content, `resting` is called when there is no work, and `notices`
    returns what else the user should know.
    """

    in_background = True

    def __init__(
        self,
        index: OpenIndex,
        model: TextModel,
        config: Config,
        *,
        stored: Callable[[Sequence[str]], None] = lambda paths: None,
        resting: Callable[[], None] = lambda: None,
        notices: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        self.progress = Progress("idle")
        self.queue = ChangeQueue()
        self.indexer = Indexer(
            self, self.queue, Watcher(self.queue, ignored=rules_of(config.reading).own), config.daemon
        )
        self._index = index
        self._model = model
        self._reading = config.reading
        self._on_stored = stored
        self._resting = resting
        self._notices = notices
        self._lock = WriteLock(DAEMON, index.path.with_name(paths.lock_path().name))
        self._guard = threading.RLock()
        self._cancel = threading.Event()
        self._store: Store | None = None
        self._fingerprint = ""
        self._left_behind = False
        """Whether forgotten texts are not overwritten on the disk yet."""
        self._remembered: tuple[StoredRoot, ...] = ()
        """The roots, kept in case the index file is removed."""
        self._pipeline: Pipeline | None = None
        self._readers: ReaderPools | None = None
        self._retry_schedule = RetrySchedule(GRACE)
        self._syncing = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin to follow the disk; a pause set by the user stays in force."""
        self._index.recreated_by(
            self.indexer.thread, lambda: self.indexer.scan_soon("the index file was removed or replaced")
        )
        self._index.made()
        if paths.pause_mark().exists():
            self.indexer.pause()
        self.indexer.start()

    def close(self) -> None:
        self._ended.set()
        self.indexer.stop()
        self.release()
        self._close_store()
        self._lock.release()

    # Requests (`app.library.Writer`): run in the one thread that writes

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        def add() -> tuple[Folder, ...]:
            with self._writing() as store:
                return add_roots(store, paths, rules_of(self._reading))

        return self.indexer.run(add)

    def forget(self, path: str) -> int:
        def forget() -> int:
            with self._writing() as store:
                dropped = forget_path(store, path)
                self._left_behind = not store.wipe("all")
                return dropped

        return self.indexer.run(forget)

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        """A sync that the user requested: missing files get no grace, and progress is reported.

        One at a time: two would cancel each other for ever.
        """
        while not self._syncing.acquire(timeout=TURN_SECONDS):
            if progress is not None:
                progress(self.progress)
        try:
            total = SyncReport()
            while True:
                report = self.indexer.run(
                    lambda: self._sync(
                        paths, self.indexer.priority_paths, with_grace=False, progress=progress
                    )
                )
                total = added_up(total, report)
                if not report.interrupted or self.indexer.paused or self._ended.is_set():
                    if recognizer.is_installed() and scans.waiting(self._index.made()):
                        self.indexer.scan_soon("pictures wait")
                    return total
        finally:
            self._syncing.release()

    def refresh(self, changed: dict[str, int]) -> bool:
        """Read changed files again now and wait briefly; False if that takes longer."""
        for path in changed:
            self.queue.mark(path, priority=True)
        if not self.indexer.answers_may_wait or sum(changed.values()) > REFRESH_BYTES:
            return False
        deadline = time.monotonic() + REFRESH_SECONDS
        while not all(map(self._is_level, changed)):
            if time.monotonic() > deadline:
                return False
            time.sleep(STEP)
        return True

    def pause(self) -> None:
        self._cancel.set()
        self.indexer.pause()

    def resume(self) -> None:
        self.indexer.resume()

    @property
    def waiting(self) -> int:
        now = self.progress
        return len(self.queue) + max(0, now.files_total - now.files_done)

    @property
    def has_backlog(self) -> bool:
        """Whether so many passages lack vectors that embedding them would delay queries."""
        return self.progress.passages_total - self.progress.passages_done > BACKLOG

    @property
    def embedding_note(self) -> str:
        if because := self.indexer.waiting_because:
            return f"It is {because}."
        held = ("" if self._model.present else MISSING, self.indexer.notice, *self._notices())
        return next(filter(None, held), "It goes on by itself.")

    def add_writer_state(self, status: Status) -> Status:
        left = leftovers.LEFT_BEHIND if self._left_behind else ""
        told = (*self._notices(), self.indexer.notice, self.indexer.waiting_because, left)
        progress = status.progress
        if progress.phase == "idle" and self.indexer.waiting_because:
            progress = replace(progress, phase="paused")
        elif progress.phase == "idle" and len(self.queue):
            progress = replace(progress, phase="waiting")
        return replace(
            status,
            folders=tuple(self._watched(folder) for folder in status.folders),
            pending=status.pending + self.waiting,
            progress=progress,
            notices=(*status.notices, *(note for note in told if note)),
        )

    # Steps that the indexer calls (`app.sync.indexer.Work`)

    def roots(self) -> list[str]:
        self._recreate_lost_index()
        return RootSet(self._index.made().roots()).roots

    def scan(self, roots: Sequence[str] | None, priority_paths: PriorityPaths) -> SyncReport:
        return self._sync(roots, priority_paths, with_grace=True, progress=None)

    def take(self, paths: Sequence[str], priority_paths: PriorityPaths) -> SyncReport:
        return self._work(
            lambda pipeline: pipeline.take(
                paths,
                self._record_progress(None),
                self._cancel,
                priority_paths=priority_paths,
                with_grace=True,
                pictures=True,
            )
        )

    def due(self) -> dict[str, float]:
        return self._retry_schedule.due

    def cancel(self) -> None:
        self._cancel.set()

    def rest(self) -> None:
        if self._store is not None:
            self._left_behind &= not self._store.wipe("due")
            self._notice_model()
        self._resting()

    # Parts

    def _notice_model(self) -> None:
        """Embed what was indexed without a model as soon as there is one."""
        if not self._fingerprint and self._model.present:
            self.indexer.scan_soon("the model is there")

    def release(self) -> None:
        """End the reader processes; the next file to read starts them again."""
        readers, self._readers, self._pipeline = self._readers, None, None
        if readers is not None:
            readers.close()

    @property
    def is_warm(self) -> bool:
        return self._readers is not None

    def _is_level(self, path: str) -> bool:
        """Whether the index has the present content of the file, vectors included."""
        try:
            stat = os.stat(path)  # noqa: PTH116
        except OSError:
            return False
        store = self._index.made()
        record = store.files(path).get(path)
        same = record is not None and record.stamp.same(Stamp.of(stat))
        return same and not (self._model.present and store.counts(path).pending)

    def _watched(self, folder: Folder) -> Folder:
        watch = self.indexer.watches.get(folder.path)
        if self.indexer.paused:
            return replace(folder, state="paused")
        if watch is None or folder.state == "missing":
            return folder
        return replace(folder, state=watch.state, note=watch.note or folder.note)

    def _sync(
        self,
        wanted: Sequence[str] | None,
        priority_paths: PriorityPaths,
        *,
        with_grace: bool,
        progress: ProgressCallback | None,
    ) -> SyncReport:
        roots = roots_to_sync(self._index.made(), wanted)
        return self._work(
            lambda pipeline: pipeline.sync(
                roots,
                self._record_progress(progress),
                self._cancel,
                priority_paths=priority_paths,
                with_grace=with_grace,
                pictures=with_grace,
            )
        )

    def _work(self, do: Callable[[Pipeline], SyncReport]) -> SyncReport:
        self._cancel.clear()
        if self.indexer.has_calls:  # a caller sets `_cancel` after it queued its call
            self._cancel.set()
        try:
            with self._writing(fingerprint_of(self._model)) as store:
                pipeline = self._pipeline_over(store)
                report = do(pipeline)
                store.wipe("due")
            self._report_stored(pipeline.stored())
            return report
        finally:
            self.progress = Progress("idle")

    def _report_stored(self, paths: Sequence[str]) -> None:
        """Run the saved searches; their failure does not stop indexing."""
        try:
            self._on_stored(paths)
        except Exception:
            log.exception("saved searches failed")

    def _record_progress(self, progress: ProgressCallback | None) -> ProgressCallback:
        def told(now: Progress) -> None:
            self.progress = now
            if progress is not None:
                progress(now)

        return told

    def _pipeline_over(self, store: Store) -> Pipeline:
        if self._pipeline is None:
            self._readers = self._readers or ReaderPools(readers_for(self._reading.processes))
            self._pipeline = Pipeline(
                store,
                self._model,
                rules_of(self._reading),
                passage_tokens=self._reading.passage_tokens,
                readers=self._readers,
                retry_schedule=self._retry_schedule,
            )
        return self._pipeline

    @contextmanager
    def _writing(self, fingerprint: str = "") -> Iterator[Store]:
        """The connection that writes. It stays open until the model changes."""
        with self._guard:
            self._lock.acquire(LOCK_WAIT)
            if self._store is None or (fingerprint and fingerprint != self._fingerprint):
                self._close_store()
                self._store = Store(
                    self._index.path, fingerprint=fingerprint, chunker=chunker_of(self._reading)
                )
                self._fingerprint = fingerprint
                leftovers.delete_old()
            yield self._store
            self._remembered = self._store.roots()

    def _close_store(self) -> None:
        store, self._store, self._pipeline = self._store, None, None
        if store is not None:
            with suppress(IndexingError):
                store.wipe("quick")
            store.close()

    def _recreate_lost_index(self) -> None:
        """If the index file was removed or replaced, close the old one and add its roots to the new one."""
        if not self._index.is_lost:
            return
        log.warning("the index file was removed or replaced; opening %s again", self._index.path)
        with self._guard, self._index.guard:
            self._index.close()
            self._close_store()
            with self._writing() as store:
                for folder in self._remembered if not store.roots() else ():
                    store.add_root(folder.path)
                    if folder.state == FORGOTTEN:
                        store.set_root_state(folder.path, FORGOTTEN)
            self._index.renewed()
