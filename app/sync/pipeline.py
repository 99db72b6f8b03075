"""From differences to an index that has them: reading, cutting, storing and embedding, overlapped.

Reader threads read and cut, one thread embeds, and the thread that calls does all the storing: a
file's words are committed as soon as it is read, vectors follow batch by batch. What is committed
stays; whatever stops the work, the next run goes on from there. Knows nothing of watching.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from typing import Any

from app import folders
from app.library import ProgressCallback, SyncReport
from app.model import TextModel
from app.sync.embedding import Embedding
from app.sync.meter import Meter
from app.sync.reading import Reading, Taken
from app.sync.reconciler import Differences, compare
from index.store import Store
from index.types import FileRecord
from index.walk import Found, Rules

Content = tuple[bytes, int, str, str]
"""What makes two files the same to a reader: hash, size, kind and language."""
STORE_PASSAGES = 1000
STORE_FILES = 200
STORE_SECONDS = 0.5
TICK = 0.2


class Pipeline:
    """One writing process's way from disk to index. One `sync` or `take` runs at a time.

    `readers` child processes read (0: one for each two cores); `passage_tokens` is the longest
    passage (0: the default).
    """

    def __init__(
        self, store: Store, model: TextModel, rules: Rules, *, readers: int = 0, passage_tokens: int = 0
    ) -> None:
        self._store = store
        self._model = model
        self._rules = rules
        self._readers = readers or max(1, min(4, (os.cpu_count() or 2) // 2))
        self._passage_tokens = passage_tokens
        self._guard = threading.Lock()

    def sync(
        self,
        roots: Sequence[str],
        progress: ProgressCallback | None = None,
        cancel: threading.Event | None = None,
    ) -> SyncReport:
        """Bring everything under `roots` level with the disk; returns early once `cancel` is set."""
        with self._guard:
            run = self._run(progress, cancel)
            known = self._known(roots)
            kept = folders.Kept(self._store.folders())
            differences = compare(list(roots), known, self._rules, run.meter.seen, verdicts=kept.walk)
            return run.apply(differences, known)

    def take(self, paths: Sequence[str], cancel: threading.Event | None = None) -> SyncReport:
        """The same for single paths under kept folders: what is new there, changed or gone."""
        with self._guard:
            known = self._known(paths)
            kept = folders.Kept(self._store.folders())
            differences = compare(list(paths), known, self._rules, verdicts=kept.verdicts, careful=False)
            return self._run(None, cancel).apply(differences, known)

    def _known(self, paths: Sequence[str]) -> dict[str, FileRecord]:
        return {path: record for one in paths for path, record in self._store.files(one).items()}

    def _run(self, progress: ProgressCallback | None, cancel: threading.Event | None) -> _Run:
        reading = Reading(self._model, self._readers, self._passage_tokens)
        return _Run(self._store, reading, Embedding(self._store, self._model), Meter(progress), cancel)


class _Run:
    """One run from differences to a report."""

    def __init__(
        self,
        store: Store,
        reading: Reading,
        embedding: Embedding,
        meter: Meter,
        cancel: threading.Event | None,
    ) -> None:
        self.meter = meter
        self._store = store
        self._reading = reading
        self._embedding = embedding
        self._cancel = cancel or threading.Event()
        self._started = self._stored_at = time.monotonic()
        self._report = SyncReport()
        self._ready: list[Taken] = []
        self._known: dict[str, FileRecord] = {}
        self._gone: dict[str, FileRecord] = {}
        self._gone_content: dict[Content, str] = {}

    def apply(self, differences: Differences, known: dict[str, FileRecord]) -> SyncReport:
        """Do what `differences` say; an interrupt ends it early, with all that was done kept."""
        self._known = known
        self._gone = {record.path: record for record in differences.gone}
        self._gone_content = {_content(record): path for path, record in self._gone.items() if record.hash}
        self._tell_missing(differences)
        try:
            self._keep_moved(differences)
            self._work(differences.read)
            self._drop_gone()
        except KeyboardInterrupt:
            self._cancel.set()
        finally:
            self._reading.close()
            self._embedding.close()
        seconds = time.monotonic() - self._started
        return replace(self._report, seconds=seconds, interrupted=self._cancel.is_set())

    def _tell_missing(self, differences: Differences) -> None:
        for root, reason in differences.missing:
            self._store.set_folder_state(root, "missing", reason)
        missing = tuple(f"{root}: {reason}" for root, reason in differences.missing)
        self._report = replace(
            self._report, unchanged=differences.unchanged, notices=(*missing, *differences.notices)
        )

    def _keep_moved(self, differences: Differences) -> None:
        for old, record in differences.moved:
            self._store.move(old, record.path, record)
        if differences.skipped:
            self._store.put([(record, ()) for record in differences.skipped])
        self._count(moved=len(differences.moved), skipped=len(differences.skipped))

    def _drop_gone(self) -> None:
        """Last of all, so that a text that only moved is in use again before it is let go."""
        if not self._cancel.is_set():
            self._count(removed=self._store.remove(list(self._gone)))

    def _work(self, files: Sequence[Found]) -> None:
        self._reading.begin(files)
        self.meter.begin(len(files), self._store.counts().pending)
        while not self._cancel.is_set():
            self._embedding.fill()
            running: set[Future[Any]] = {*self._reading.running, *self._embedding.running}
            if not running and not self._ready:
                return
            if running:
                wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
            self._collect()

    def _collect(self) -> None:
        taken, files = self._reading.finished()
        self._ready += taken
        self.meter.tell(files_done=files, path=taken[-1].record.path if taken else "")
        self._store_ready()
        passages, tokens = self._embedding.finished()
        if passages:
            self.meter.embedded(passages, tokens)
            self._count(embedded=passages)
        if not self._reading.running:
            self.meter.tell(phase="embedding")

    def _store_ready(self) -> None:
        """Commit what was read: many files at once, but soon."""
        passages = sum(len(taken.passages) for taken in self._ready)
        full = len(self._ready) >= STORE_FILES or passages >= STORE_PASSAGES
        late = time.monotonic() - self._stored_at > STORE_SECONDS
        if not self._ready or not (full or late or not self._reading.running):
            return
        new = [taken for taken in self._ready if not self._kept(taken.record)]
        waiting = self._store.put([(taken.record, taken.passages) for taken in new])
        if waiting:
            self._embedding.more()
            self.meter.tell(passages_total=waiting)
        for taken in new:
            self._count_taken(taken)
        self._ready.clear()
        self._stored_at = time.monotonic()

    def _kept(self, record: FileRecord) -> bool:
        """Whether the index has this content already: this file's, or that of one that is gone."""
        before = self._known.get(record.path)
        if record.state != "indexed":
            return False
        if before is not None:
            same = before.state == "indexed" and before.hash == record.hash and before.kind == record.kind
            if same:
                self._store.move(record.path, record.path, record)
                self._count(unchanged=1)
            return same
        old = self._gone_content.pop(_content(record), None)
        if old is None:
            return False
        del self._gone[old]
        self._store.move(old, record.path, record)
        self._count(moved=1)
        return True

    def _count_taken(self, taken: Taken) -> None:
        record = taken.record
        if record.state == "skipped":
            self._count(skipped=1)
        elif record.state == "failed":
            self._count(failed=1)
        elif record.path in self._known:
            self._count(changed=1, passages=len(taken.passages))
        else:
            self._count(added=1, passages=len(taken.passages))

    def _count(self, **more: int) -> None:
        counts = {name: getattr(self._report, name) + number for name, number in more.items()}
        self._report = replace(self._report, **counts)


def _content(record: FileRecord) -> Content:
    return record.hash, record.size, record.kind, record.language
