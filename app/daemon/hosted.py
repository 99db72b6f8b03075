"""The library as the daemon hosts it: the model in a process of its own, all writing by the keeper.

Questions are answered in the thread that asks, from reading connections only, so that they never
wait for indexing.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property

import psutil

from app import __version__, paths
from app.api import Answer, Folder, Progress, ProgressCallback, Status, SyncReport
from app.config import Config
from app.daemon.model import DaemonModel
from app.daemon.protocol import Closed, DaemonInfo
from app.library import REFRESH_BYTES, LocalLibrary, file_identity
from app.lock import DAEMON
from app.places import absolute
from app.roots import FORGOTTEN, Kept
from app.saved_searches import Asker
from app.sync.change_queue import DirtyQueue
from app.sync.extract_stage import Readers
from app.sync.indexer import Keeper
from app.sync.later import Later
from app.sync.pipeline import Pipeline, readers_for
from app.sync.run import Urgent
from app.sync.watcher import Watcher
from index.errors import IndexUnreachable
from index.search.searcher import Searcher
from index.store.store import Store, StoredFolder
from index.types import Filter, Mode, Stamp

log = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds a file may be away before the index lets go of it: saves by deleting and writing anew, and
moves by copying, come back within."""
LOCK_WAIT = 1.0
MUCH = 64
"""Passages that wait from which on they are embedded apart from questions."""
REFRESH_SECONDS = 0.2
"""How long an answer waits for files among its hits that have changed to be read again."""
STEP = 0.01
TURN_SECONDS = 0.5
"""Seconds between two words to somebody who waits for another's sync to end."""
FOLLOW_BUSY = 0.25
"""Seconds between two looks at the status for those who follow it, while something goes on."""
FOLLOW_IDLE = 1.0
"""The same while nothing does."""
FOLLOW_AGAIN = 15.0
"""Seconds after which a follower is told what it knows: one that left is noticed by that alone."""


class HostedLibrary(LocalLibrary):
    """What the server answers from. Open from `start` to `close`."""

    goes_on = "It goes on by itself."

    def __init__(self, config: Config) -> None:
        self.daemon_model = DaemonModel(config, self._has_much)
        super().__init__(config, self.daemon_model, resident=True, purpose=DAEMON)
        self.queue = DirtyQueue()
        watcher = Watcher(self.queue, ignored=self.rules.own)
        self.keeper = Keeper(self, self.queue, watcher, config.daemon)
        self._standing = Asker(notify=config.daemon.notify)
        self._keeping: Store | None = None
        self._lost = False
        """Whether the index file was removed or replaced, and is not made anew yet."""
        self._remembered: tuple[StoredFolder, ...] = ()
        self._made: Pipeline | None = None
        self._readers: Readers | None = None
        self._later = Later(GRACE)
        self._warm = False
        self._noted = ""
        self._syncing = threading.Lock()
        self._ended = threading.Event()
        self._started = time.time()
        self._asked_at = time.monotonic()

    def start(self) -> None:
        self._store(create=True)
        if paths.pause_mark().exists():
            self.keeper.pause()
        self.keeper.start()

    def close(self) -> None:
        self._ended.set()
        self.keeper.stop()
        if self._readers is not None:
            self._readers.close()
        self._close_keeping()
        super().close()
        self.lock.release()

    # -- asking

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        filter: Filter | None = None,  # noqa: A002
        explain: bool = False,
        typing: bool = False,
    ) -> Answer:
        self._asked_at = time.monotonic()
        answer = super().search(query, limit=limit, mode=mode, filter=filter, explain=explain, typing=typing)
        return replace(answer, waiting=max(answer.waiting, self.waiting))

    def _refreshed(self, changed: dict[str, int]) -> bool:
        """Have what changed read again at once, and wait for it a little; else it is marked in the answer."""
        for path in changed:
            self.queue.mark(path, at_once=True)
        if not self.keeper.may_be_waited_for or sum(changed.values()) > REFRESH_BYTES:
            return False
        deadline = time.monotonic() + REFRESH_SECONDS
        while not all(map(self._is_level, changed)):
            if time.monotonic() > deadline:
                return False
            time.sleep(STEP)
        return True

    def _is_level(self, path: str) -> bool:
        """Whether the index has the file as it is, vectors and all."""
        try:
            stat = os.stat(path)  # noqa: PTH116
        except OSError:
            return False
        record = self._reading().files(path).get(path)
        same = record is not None and record.stamp.same(Stamp.of(stat))
        return same and not self._reading().counts(path).pending

    @property
    def waiting(self) -> int:
        """Files known to have changed that are not taken in yet."""
        now = self._progress
        return len(self.queue) + max(0, now.files_total - now.files_done)

    # -- keeping, all of it by the keeper

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        wanted = [absolute(path) for path in paths]
        return self.keeper.run(lambda: super(HostedLibrary, self).add(wanted))

    def forget(self, path: str) -> int:
        path = absolute(path)
        return self.keeper.run(lambda: super(HostedLibrary, self).forget(path))

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        """As asked for by a person: nothing waits out its grace, and it is told how it goes.

        One at a time: two would interrupt each other for ever.
        """
        wanted = None if paths is None else [absolute(path) for path in paths]
        tell = _Teller(progress)
        while not self._syncing.acquire(timeout=TURN_SECONDS):
            tell(self._progress)
        try:
            return self._sync(wanted, tell)
        finally:
            self._syncing.release()

    def _sync(self, wanted: Sequence[str] | None, tell: ProgressCallback) -> SyncReport:
        total = SyncReport()
        while True:
            report = self.keeper.run(lambda: self._scan(wanted, self.keeper.urgent, patient=False, tell=tell))
            total = _sum(total, report)
            if not report.interrupted or self.keeper.paused or self._ended.is_set():
                return total

    def pause(self) -> None:
        super().pause()
        self.keeper.pause()

    def resume(self) -> None:
        super().resume()
        self.keeper.resume()

    # -- what the keeper has done (`app.sync.indexer.Work`)

    def roots(self) -> list[str]:
        self._recover()
        return Kept(self._reading().folders()).roots

    def scan(self, roots: Sequence[str] | None, urgent: Urgent) -> SyncReport:
        return self._scan(roots, urgent, patient=True, tell=None)

    def take(self, paths: Sequence[str], urgent: Urgent) -> SyncReport:
        return self._work(
            lambda pipeline: pipeline.take(paths, self._told(None), self._cancel, urgent=urgent, patient=True)
        )

    def due(self) -> dict[str, float]:
        return self._later.due

    def interrupt(self) -> None:
        self._cancel.set()

    def rest(self) -> None:
        """Let the model and what it needs go when nobody needed them for a while."""
        self.daemon_model.rest()
        if self._keeping is not None:
            self._keeping.wipe()
        idle = min(self.daemon_model.idle_for, time.monotonic() - self._asked_at)
        if self._warm and idle > 60 * self.config.daemon.idle_minutes:
            self._warm = False
            self.daemon_model.release()
            self._release()
            _trim()

    # -- knowing

    def status(self) -> Status:
        status = super().status()
        told = (*self._faults, *self.daemon_model.notices, self.keeper.notice, self.keeper.waiting_because)
        notices = [note for note in told if note]
        progress = status.progress
        if progress.phase == "idle" and self.keeper.waiting_because:
            progress = replace(progress, phase="paused")
        elif progress.phase == "idle" and len(self.queue):
            progress = replace(progress, phase="waiting")
        return replace(
            status,
            folders=tuple(self._followed(folder) for folder in status.folders),
            pending=status.pending + self.waiting,
            progress=progress,
            daemon=True,
            notices=(*status.notices, *notices),
        )

    def daemon(self) -> DaemonInfo:
        """Of this process and those it started."""
        own = psutil.Process()
        memory = cpu = 0.0
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.Error):
                memory += process.memory_info().rss
                times = process.cpu_times()
                cpu += times.user + times.system
        loaded = self.daemon_model.loaded
        return DaemonInfo(os.getpid(), __version__, self._started, memory / (1 << 20), cpu, loaded)

    def follow(self, progress: Callable[[Status], None]) -> None:
        last, told, pause = None, 0.0, 0.0
        while not self._ended.wait(pause):
            status = self.status()
            if status != last or time.monotonic() - told > FOLLOW_AGAIN:
                progress(status)
                last, told = status, time.monotonic()
            pause = FOLLOW_IDLE if status.progress.phase in ("idle", "paused") else FOLLOW_BUSY

    def _followed(self, folder: Folder) -> Folder:
        watch = self.keeper.watches.get(folder.path)
        if self.keeper.paused:
            return replace(folder, state="paused")
        if watch is None or folder.state == "missing":
            return folder
        return replace(folder, state=watch.state, note=watch.note or folder.note)

    # -- parts

    def _has_much(self) -> bool:
        return self._progress.passages_total - self._progress.passages_done > MUCH

    def _begin(self) -> None:
        """Whoever waits for the keeper has set `_cancel` after queueing: do not lose that."""
        self._cancel.clear()
        if self.keeper.has_calls:
            self._cancel.set()

    def _scan(
        self,
        wanted: Sequence[str] | None,
        urgent: Urgent,
        *,
        patient: bool,
        tell: ProgressCallback | None,
    ) -> SyncReport:
        kept = Kept(self._reading().folders())
        roots = kept.roots if wanted is None else kept.related(wanted)
        return self._work(
            lambda pipeline: pipeline.sync(
                roots, self._told(tell), self._cancel, urgent=urgent, patient=patient
            )
        )

    def _work(self, do: Callable[[Pipeline], SyncReport]) -> SyncReport:
        self._begin()
        try:
            with self._writing(self.model.fingerprint) as store:
                pipeline = self._pipeline(store)
                report = do(pipeline)
                store.wipe()
            self._ask_standing(pipeline.stored())
            return report
        finally:
            self._progress = Progress("idle")

    def _ask_standing(self, stored: Sequence[str]) -> None:
        """What a standing question or its answer makes fail stops no indexing."""
        try:
            self._standing.ask(stored, self)
        except Exception:
            log.exception("standing questions could not be asked")

    def _told(self, tell: ProgressCallback | None) -> ProgressCallback:
        def told(now: Progress) -> None:
            self._progress = now
            if tell is not None:
                tell(now)

        return told

    def _reading(self) -> Store:
        """The index as answers read it: never in the keeper's way, nor it in theirs."""
        store = self._store(create=True)
        assert store is not None
        return store

    @contextmanager
    def _writing(self, fingerprint: str = "") -> Iterator[Store]:
        """The write lock is taken once and kept; so is the connection that writes, opened anew where what
        makes vectors is another."""
        with self._write_guard:
            self.lock.acquire(LOCK_WAIT)
            if self._keeping is None or (fingerprint and fingerprint != self._noted):
                self._close_keeping()
                self._keeping = Store(self.index, fingerprint=fingerprint, chunker=self._chunker)
                self._noted = fingerprint
                self._identity = file_identity(self.index)
            yield self._keeping
            self._remembered = self._keeping.folders()

    def _let_go_of_replaced(self) -> None:
        """Answers stop until the keeper has made the index anew: it must close every connection before.

        SQLite deletes the write-ahead log by its name when the last connection to a file is closed, also
        where that name is another file's by then.
        """
        if not self._lost and self._identity is not None and self._identity != file_identity(self.index):
            self._lost = True
            self.keeper.scan_soon("the index file was removed or replaced")
        if self._lost and threading.current_thread() is not self.keeper.thread:
            raise IndexUnreachable(
                f"{self.index} was removed or replaced while ken had it open.",
                "It is made anew from the folders; ask again in a moment.",
            )

    def _recover(self) -> None:
        """Make the index anew where its file was removed or replaced, with the folders that were kept."""
        if not self._lost and self._identity in (None, file_identity(self.index)):
            return
        log.warning("the index file was removed or replaced; %s is opened anew", self.index)
        with self._write_guard, self._guard:
            self._lost = True
            for part in (self._opened, self._asked):
                if part is not None:
                    part.close()
            self._opened = self._asked = self._identity = None
            self._close_keeping()
            self._documents.clear()
            with self._writing() as store:
                for folder in self._remembered if not store.folders() else ():
                    store.add_folder(folder.path)
                    if folder.state == FORGOTTEN:
                        store.set_folder_state(folder.path, FORGOTTEN)
            self._lost = False

    def _close_keeping(self) -> None:
        store, self._keeping, self._made = self._keeping, None, None
        if store is not None:
            store.close()

    def _pipeline(self, store: Store) -> Pipeline:
        self._warm = True
        reading = self.config.reading
        if self._made is None:
            self._readers = self._readers or Readers(readers_for(reading.processes))
            self._made = Pipeline(
                store,
                self.model,
                self.rules,
                passage_tokens=reading.passage_tokens,
                readers=self._readers,
                later=self._later,
            )
        return self._made

    def _searcher(self) -> Searcher:
        self._warm = True
        return super()._searcher()

    @cached_property
    def _faults(self) -> list[str]:
        """Of the processor, which stays the same: looked for once."""
        return super()._searcher().faults

    def _release(self) -> None:
        """Close what holds memory; each part is opened again when it is next needed."""
        with self._guard:
            parts: list[Searcher | Readers | None] = [self._asked, self._readers]
            self._asked = self._readers = self._made = None
        for part in parts:
            if part is not None:
                part.close()
        self._documents.clear()


def _sum(first: SyncReport, then: SyncReport) -> SyncReport:
    """What two parts of one sync did together: what the first had done, the second finds unchanged."""
    counted = ("added", "changed", "moved", "removed", "failed", "passages", "embedded", "seconds", "starved")
    return replace(then, **{name: getattr(first, name) + getattr(then, name) for name in counted})


class _Teller:
    """Passes progress on to a client; where the client is gone, the work goes on without it."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress

    def __call__(self, now: Progress) -> None:
        if self._progress is not None:
            try:
                self._progress(now)
            except Closed:
                self._progress = None


def _trim() -> None:
    """Ask the C library to return freed memory (malloc_trim, glibc)."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
