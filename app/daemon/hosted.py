"""The library as the daemon hosts it: the model in a process of its own, all writing by the keeper.

Questions are answered in the thread that asks, from reading connections only, so that they never
wait for indexing.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from app import __version__, paths
from app.config import Config
from app.daemon.keeper import Keeper
from app.daemon.model_process import ModelProcess
from app.daemon.protocol import Closed, DaemonInfo
from app.folders import Kept
from app.library import Answer, Folder, Progress, ProgressCallback, Status, SyncReport
from app.local import LocalLibrary
from app.model import LazyModel
from app.places import absolute
from app.standing import Asker
from app.sync.pipeline import Pipeline, readers_for
from app.sync.queue import DirtyQueue
from app.sync.watcher import Watcher
from index.extract import ReaderPool
from index.search import Searcher
from index.store import Store
from index.types import Filter, Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedder import Embedder

GRACE = 10.0
"""Seconds a file may be away before the index lets go of it: saves by deleting and writing anew, and
moves by copying, come back within."""
LOCK_WAIT = 1.0
MUCH = 64
"""Passages that wait from which on they are embedded apart from questions."""
SECOND_IDLE = 20.0
"""Seconds without work after which the process for much work ends."""
CHANGES_INTERVAL = 0.25
"""Seconds between two looks at the status for those who subscribed."""


class DaemonModel(LazyModel):
    """The settings' model, its engine in processes of its own.

    On a processor without a GPU a question would wait for the passage that is being computed, 200 ms and
    more: much work goes to a second process there, which steps back behind the first. `much` says
    whether much waits.
    """

    def __init__(self, config: Config, much: Callable[[], bool]) -> None:
        super().__init__(config.model)
        self.process = ModelProcess(config.model)
        self.second = ModelProcess(config.model, nice=config.daemon.nice)
        self._much = much

    def embedder(self) -> Embedder:
        return self.process  # type: ignore[return-value]

    def embed_documents(
        self, texts: Sequence[str], titles: Sequence[str | None] | None = None
    ) -> NDArray[np.float32]:
        apart = self.engine == "openvino" and (self.second.loaded or self._much())
        return (self.second if apart else self.process).embed_documents(texts, titles)

    @property
    def loaded(self) -> bool:
        return self.process.loaded or self.second.loaded

    def release(self) -> None:
        """Give back the engine and the tokenizer's tables."""
        self.process.release()
        self.second.release()
        self._counter = None

    def close(self) -> None:
        self.process.close()
        self.second.close()


class HostedLibrary(LocalLibrary):
    """What the server answers from. Open from `start` to `close`."""

    def __init__(self, config: Config) -> None:
        self.daemon_model = DaemonModel(config, self._has_much)
        super().__init__(config, self.daemon_model, resident=True, purpose="ken daemon")
        self.queue = DirtyQueue()
        watcher = Watcher(self.queue, ignored=os.path.realpath(paths.home()))
        self.keeper = Keeper(self, self.queue, watcher, config.daemon)
        self._standing = Asker(notify=config.daemon.notify)
        self._made: Pipeline | None = None
        self._pool: ReaderPool | None = None
        self._warm = False
        self._noted = ""
        self._ended = threading.Event()
        self._started = time.time()
        self._asked_at = time.monotonic()

    def start(self) -> None:
        self._store(create=True)
        if _pause_mark().exists():
            self.keeper.pause()
        self.keeper.start()

    def close(self) -> None:
        self._ended.set()
        self.keeper.stop()
        if self._pool is not None:
            self._pool.close()
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
        """What changed is marked in the answer and read again at once, without keeping the answer back."""
        for path in changed:
            self.queue.mark(path)
        return False

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
        """As asked for by a person: nothing waits out its grace, and it is told how it goes."""
        wanted = None if paths is None else [absolute(path) for path in paths]
        tell = _Teller(progress)
        total = SyncReport()
        while True:
            report = self.keeper.run(lambda: self._scan(wanted, self.keeper.urgent, patient=False, tell=tell))
            total = _sum(total, report)
            if not report.interrupted or self.keeper.paused or self._ended.is_set():
                return total

    def pause(self) -> None:
        _pause_mark().touch(mode=0o600)
        self.keeper.pause()

    def resume(self) -> None:
        _pause_mark().unlink(missing_ok=True)
        self.keeper.resume()

    # -- what the keeper has done (`app.daemon.keeper.Work`)

    def roots(self) -> list[str]:
        store = self._store(create=True)
        return Kept(store.folders()).roots if store else []

    def scan(self, roots: Sequence[str] | None, urgent: Callable[[], list[str]]) -> SyncReport:
        return self._scan(roots, urgent, patient=True, tell=None)

    def take(self, paths: Sequence[str], urgent: Callable[[], list[str]]) -> SyncReport:
        self._begin()
        with self._writing(self.model.fingerprint) as store:
            pipeline = self._pipeline(store)
            report = pipeline.take(paths, self._cancel, urgent=urgent, patient=True)
        self._standing.ask(pipeline.stored(), self)
        return report

    def away(self) -> dict[str, float]:
        return self._made.away if self._made is not None else {}

    def interrupt(self) -> None:
        self._cancel.set()

    def rest(self) -> None:
        """Let the model and what it needs go when nobody needed them for a while."""
        if self.daemon_model.second.loaded and self.daemon_model.second.idle_for > SECOND_IDLE:
            self.daemon_model.second.release()
        idle = min(self.daemon_model.process.idle_for, time.monotonic() - self._asked_at)
        if self._warm and idle > 60 * self.config.daemon.idle_minutes:
            self._warm = False
            self.daemon_model.release()
            self._release()
            _trim()

    # -- knowing

    def status(self) -> Status:
        status = super().status()
        notices = [note for note in (self.keeper.notice, self.keeper.waiting_because) if note]
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

    def changes(self, progress: Callable[[Status], None]) -> None:
        """Tell the status now and each time it changes, until the daemon ends or `progress` raises."""
        last: Status | None = None
        while not self._ended.wait(CHANGES_INTERVAL if last is not None else 0.0):
            status = self.status()
            if status != last:
                progress(status)
                last = status

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
        urgent: Callable[[], Sequence[str]],
        *,
        patient: bool,
        tell: ProgressCallback | None,
    ) -> SyncReport:
        def told(now: Progress) -> None:
            self._progress = now
            if tell is not None:
                tell(now)

        self._begin()
        try:
            with self._writing(self.model.fingerprint) as store:
                kept = Kept(store.folders())
                roots = kept.roots if wanted is None else kept.related(wanted)
                pipeline = self._pipeline(store)
                report = pipeline.sync(roots, told, self._cancel, urgent=urgent, patient=patient)
            self._standing.ask(pipeline.stored(), self)
            return report
        finally:
            self._progress = Progress("idle")

    @contextmanager
    def _writing(self, fingerprint: str = "") -> Iterator[Store]:
        """The write lock is taken once and kept; what makes vectors is noted once."""
        with self._write_guard:
            self.lock.acquire(LOCK_WAIT)
            if fingerprint and fingerprint != self._noted:
                with Store(self.index, fingerprint=fingerprint, chunker=self._chunker):
                    self._noted = fingerprint
            store = self._store(create=True)
            assert store is not None
            yield store

    def _pipeline(self, store: Store) -> Pipeline:
        self._warm = True
        reading = self.config.reading
        if self._made is None:
            self._pool = self._pool or ReaderPool(readers_for(reading.processes))
            self._made = Pipeline(
                store,
                self.model,
                self.rules,
                readers=reading.processes,
                passage_tokens=reading.passage_tokens,
                pool=self._pool,
                grace=GRACE,
            )
        return self._made

    def _searcher(self) -> Searcher:
        self._warm = True
        return super()._searcher()

    def _release(self) -> None:
        """Close what holds memory; each part is opened again when it is next needed."""
        with self._guard:
            parts: list[Searcher | ReaderPool | None] = [self._asked]
            self._asked = None
            if not self.away():
                parts.append(self._pool)
                self._pool = self._made = None
        for part in parts:
            if part is not None:
                part.close()
        self._documents.clear()


def _sum(first: SyncReport, then: SyncReport) -> SyncReport:
    """What two parts of one sync did together: what the first had done, the second finds unchanged."""
    counted = ("added", "changed", "moved", "removed", "failed", "passages", "embedded", "seconds")
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


def _pause_mark() -> Path:
    """A file that is there while a person has paused indexing: it outlives the daemon."""
    return paths.home() / "paused"


def _trim() -> None:
    """Ask the C library to return freed memory (malloc_trim, glibc)."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
