"""The daemon's writer: takes requests from any thread, and changes the index in a thread of its own.

Owns what a request means beside indexing without requests. Calls `app.sync.indexer`, which decides
what is done next; both call `app.sync.steps`, which does it. Queries never wait for it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app import paths
from app.api import Folder, Progress, ProgressCallback, Status, SyncReport
from app.config import Config
from app.folders.rules import rules_of
from app.maintenance import leftovers
from app.model import MISSING, TextModel
from app.open_index import OpenIndex
from app.sync.change_queue import ChangeQueue
from app.sync.during_walk import added_up
from app.sync.indexer import Indexer
from app.sync.steps import IndexingSteps
from app.sync.sync_run import RunOptions
from app.sync.watcher import Watcher
from app.sync.writer import REFRESH_BYTES
from index.extract import recognizer
from index.store import scans
from index.types import Stamp

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
        self.queue = ChangeQueue()
        self._steps = IndexingSteps(index, model, config.reading, stored, resting)
        self.indexer = Indexer(
            self._steps, self.queue, Watcher(self.queue, ignored=rules_of(config.reading).own), config.daemon
        )
        self._index = index
        self._model = model
        self._notices = notices
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
        self._steps.close()

    def release(self) -> None:
        """Release memory; it is taken again for the next file. Called where there is no work."""
        self._steps.release()

    @property
    def is_warm(self) -> bool:
        return self._steps.is_warm

    # Requests (`app.library.Writer`): run in the one thread that writes

    @property
    def progress(self) -> Progress:
        return self._steps.progress

    def add(self, paths: Sequence[str]) -> tuple[Folder, ...]:
        return self.indexer.run(lambda: self._steps.add(paths))

    def forget(self, path: str) -> int:
        return self.indexer.run(lambda: self._steps.forget(path))

    def sync(
        self, paths: Sequence[str] | None = None, progress: ProgressCallback | None = None
    ) -> SyncReport:
        """A sync that the user requested: missing files get no grace, and progress is reported.

        One at a time: two would cancel each other for ever.
        """
        while not self._syncing.acquire(timeout=TURN_SECONDS):
            if progress is not None:
                progress(self.progress)
        options = RunOptions(progress, self.indexer.cancel, self.indexer.priority_paths, pictures=False)
        try:
            total = SyncReport()
            while True:
                report = self.indexer.run(lambda: self._steps.sync(paths, options))
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

    def prefer(self, texts: Sequence[int]) -> None:
        self._steps.asked.extend(reversed(texts))

    def pause(self) -> None:
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
        progress = status.progress
        left = leftovers.LEFT_BEHIND if self._steps.left_behind else ""
        # The phase says "paused"; and a failure is over once a further try, which can take hours, has stored.
        because = "" if self.indexer.paused else self.indexer.waiting_because
        goes_on = progress.phase == "embedding" and progress.passages_done > 0
        failure = "" if goes_on else self.indexer.notice
        own = (*self._notices(), failure, because, left)
        if progress.phase == "idle" and self.indexer.waiting_because:
            progress = replace(progress, phase="paused")
        elif progress.phase == "idle" and len(self.queue):
            progress = replace(progress, phase="waiting")
        return replace(
            status,
            folders=tuple(self._with_watch_state(folder) for folder in status.folders),
            pending=status.pending + self.waiting,
            progress=progress,
            notices=(*status.notices, *(note for note in own if note)),
        )

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

    def _with_watch_state(self, folder: Folder) -> Folder:
        watch = self.indexer.watches.get(folder.path)
        if self.indexer.paused:
            return replace(folder, state="paused")
        if watch is None or folder.state == "missing":
            return folder
        return replace(folder, state=watch.state, note=watch.note or folder.note)
