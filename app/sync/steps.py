"""The steps that change the index in the daemon: what its indexing thread does, one at a time.

Owns the write lock from the first change to the end, the connection that writes, the readers and the
pipeline. Knows nothing of threads or of when a step is due: `app.sync.indexer` decides that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from app import paths
from app.api import Folder, Progress, ProgressCallback, SyncReport
from app.config import ReadingConfig
from app.folders.roots import FORGOTTEN, RootSet
from app.folders.rules import rules_of
from app.lock import DAEMON, WriteLock
from app.maintenance import leftovers
from app.model import TextModel, fingerprint_of
from app.open_index import OpenIndex
from app.sync.embed_stage import AskedTexts
from app.sync.extract_stage import ReaderPools
from app.sync.pipeline import Pipeline, readers_for
from app.sync.retry_schedule import RetrySchedule
from app.sync.sync_run import RunOptions
from app.sync.writer import add_roots, chunker_of, forget_path, roots_to_sync
from index.errors import IndexingError
from index.store.store import Store, StoredRoot

log = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds a missing file stays in the index. Editors that save by deleting and writing again, and moves by
copying, bring it back within that time."""
MOST_ASKED = 200
"""Places that a search has shown and that wait to be embedded first; older ones have their usual turn."""
LOCK_WAIT = 1.0
"""Seconds to wait for another process that writes."""


class IndexingSteps:
    """`app.sync.indexer.Steps`, and what users request. One thread calls the methods that change the index.

    `stored` gets the files with new content; `resting` is called when there is no work.
    """

    def __init__(
        self,
        index: OpenIndex,
        model: TextModel,
        reading: ReadingConfig,
        stored: Callable[[Sequence[str]], None],
        resting: Callable[[], None],
    ) -> None:
        self.progress = Progress("idle")
        self.asked: AskedTexts = AskedTexts(maxlen=MOST_ASKED)
        """What is embedded first; any thread adds to it."""
        self.left_behind = False
        """Whether forgotten texts are not overwritten on the disk yet."""
        self._index = index
        self._model = model
        self._reading = reading
        self._on_stored = stored
        self._resting = resting
        self._lock = WriteLock(DAEMON, index.path.with_name(paths.lock_path().name))
        self._store: Store | None = None
        self._fingerprint = ""
        self._remembered: tuple[StoredRoot, ...] = ()
        """The roots, kept in case the index file is removed."""
        self._pipeline: Pipeline | None = None
        self._readers: ReaderPools | None = None
        self._retry_schedule = RetrySchedule(GRACE)

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        with self._writing() as store:
            return add_roots(store, paths, rules_of(self._reading))

    def forget(self, path: str) -> int:
        with self._writing() as store:
            dropped = forget_path(store, path)
            self.left_behind = not store.wipe("all")
            return dropped

    def sync(self, paths: Sequence[str] | None, options: RunOptions) -> SyncReport:
        """Compare the roots of `paths` with the index; None: all roots."""
        roots = roots_to_sync(self._index.made(), paths)
        return self._run(options, lambda pipeline, options: pipeline.sync(roots, options))

    def take(self, paths: Sequence[str], options: RunOptions) -> SyncReport:
        """Index single paths."""
        return self._run(options, lambda pipeline, options: pipeline.take(paths, options))

    def roots(self) -> list[str]:
        self._recreate_lost_index()
        return RootSet(self._index.made().roots()).roots

    def due(self) -> dict[str, float]:
        return self._retry_schedule.due

    @property
    def lacks_model(self) -> bool:
        """Whether files were indexed without the model although it is here now."""
        return self._store is not None and not self._fingerprint and self._model.present

    def rest(self) -> None:
        if self._store is not None:
            self.left_behind &= not self._store.wipe("due")
        self._resting()

    def release(self) -> None:
        """End the reader processes; the next file to read starts them again."""
        readers, self._readers, self._pipeline = self._readers, None, None
        if readers is not None:
            readers.close()

    @property
    def is_warm(self) -> bool:
        return self._readers is not None

    def close(self) -> None:
        self.release()
        self._close_store()
        self._lock.release()

    def _run(self, options: RunOptions, do: Callable[[Pipeline, RunOptions], SyncReport]) -> SyncReport:
        options = replace(options, progress=self._recording(options.progress))
        try:
            with self._writing(fingerprint_of(self._model)) as store:
                pipeline = self._pipeline_over(store)
                report = do(pipeline, options)
                store.wipe("due")
            self._report_stored(pipeline.stored())
            return report
        finally:
            self.progress = Progress("idle")

    def _recording(self, progress: ProgressCallback | None) -> ProgressCallback:
        def record(now: Progress) -> None:
            self.progress = now
            if progress is not None:
                progress(now)

        return record

    def _report_stored(self, paths: Sequence[str]) -> None:
        """Run the saved searches; their failure does not stop indexing."""
        try:
            self._on_stored(paths)
        except Exception:
            log.exception("saved searches failed")

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
                asked=self.asked,
            )
        return self._pipeline

    @contextmanager
    def _writing(self, fingerprint: str = "") -> Iterator[Store]:
        """The connection that writes. It stays open until the model changes."""
        self._lock.acquire(LOCK_WAIT)
        if self._store is None or (fingerprint and fingerprint != self._fingerprint):
            self._close_store()
            self._store = Store(self._index.path, fingerprint=fingerprint, chunker=chunker_of(self._reading))
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
        with self._index.guard:
            self._index.close()
            self._close_store()
            with self._writing() as store:
                for folder in self._remembered if not store.roots() else ():
                    store.add_root(folder.path)
                    if folder.state == FORGOTTEN:
                        store.set_root_state(folder.path, FORGOTTEN)
            self._index.renewed()
