"""One run: stores the differences between disk and index.

Owns the order of the stages extract, store and embed. Reader processes extract, threads embed, the calling
thread stores: the words of a file are committed as soon as it is extracted, approximate vectors follow at
once, vectors in batches. After a crash or a cancel the next run continues. An error at one file affects that
file alone. Knows nothing of watching.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from typing import Any

from app.api import ProgressCallback, SyncReport
from app.errors import TITLED_ERRORS, TitledError
from app.sync.approximate_stage import ApproximateStage
from app.sync.embed_stage import EmbedStage
from app.sync.extract_stage import ExtractedFile, ExtractStage
from app.sync.one_by_one import do_all
from app.sync.progress import ProgressMeter
from app.sync.recognize_stage import Recognizing
from app.sync.reconciler import Differences, unread_record
from app.sync.retry_schedule import RetrySchedule
from embedder.errors import EmbedderError
from index.store.store import Store
from index.types import FileRecord

Content = tuple[bytes, int, str, str, str]
"""What two files have in common if their passages are equal: hash, size, kind, language, title."""
PriorityPaths = Callable[[], Sequence[str]]
STORE_PASSAGES = 1000
"""Extracted passages that are stored at once, at the latest: a transaction of some 50 ms."""
STORE_FILES = 200
"""Extracted files that are stored at once, at the latest."""
STORE_SECONDS = 0.5
"""Seconds until extracted files are stored at the latest, so that their words are found soon."""
DROP_SECONDS = 1.0
"""Seconds between two looks at which deleted files are to be removed, while passages are embedded."""
TICK = 0.05
"""Seconds between two checks for priority paths and for a cancel."""
PRIORITY_FILES = 64
"""Up to so many priority files are each stored as soon as they are extracted."""


def no_priority_paths() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the caller of a run decides."""

    progress: ProgressCallback | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    """Set: the run ends at the next safe point; finished work is kept."""
    priority_paths: PriorityPaths = no_priority_paths
    """Called often; returns paths that go before all others."""
    with_grace: bool = False
    """A missing file stays in the index for a while."""
    pictures: bool = True
    """Pictures are read last, which may take hours."""


class SyncRun:
    """One run from differences to a report."""

    def __init__(
        self,
        store: Store,
        reading: ExtractStage,
        embedding: EmbedStage,
        approximating: ApproximateStage,
        options: RunOptions,
        look: Callable[[Sequence[str]], tuple[Differences, dict[str, FileRecord]]],
        retry_schedule: RetrySchedule,
        stored: list[str],
        *,
        nested: bool = False,
        recognizing: Recognizing | None = None,
    ) -> None:
        """`nested`: part of a longer run, which does the embedding and settles the retries."""
        self.meter = ProgressMeter(options.progress)
        self._store = store
        self._reading = reading
        self._embedding = embedding
        self._approximating = approximating
        self._cancel = options.cancel
        self._priority_paths = options.priority_paths
        self._look = look
        self._retry_schedule = retry_schedule
        self._stored = stored
        self._with_grace = options.with_grace
        self._nested = nested
        self._recognizing = recognizing
        self._started = self._stored_at = time.monotonic()
        self._starved = self._drop_next = 0.0
        self._report = SyncReport()
        self._ready: list[ExtractedFile] = []
        self._store_at_once = False
        self._known: dict[str, FileRecord] = {}
        self._moved: set[str] = set()
        self._gone: dict[str, FileRecord] = {}
        self._gone_content: dict[Content, str] = {}
        self._failure: TitledError | None = None

    def apply(
        self, differences: Differences, known: dict[str, FileRecord], *, first: bool = False
    ) -> SyncReport:
        """Store `differences`. A cancel ends it early; finished work is kept.

        `first`: all files to read have priority. Raises the model's error after everything that needs no
        model is done.
        """
        try:
            self._accept(differences, known)
            if first:
                self._extract_priority(differences)
            else:
                self._reading.begin(differences.read)
            self.meter.begin(len(differences.read), *self._store.pending_totals())
            self._work()
            self._drop_gone()
            self._recognize()
        except KeyboardInterrupt:
            self._cancel.set()
        finally:
            self._reading.close()
            self._embedding.close()
            self._approximating.close()
            if self._recognizing is not None:
                self._recognizing.close()
            if not self._nested:
                self._retry_schedule.retries.settle()
        if self._failure is not None and not self._cancel.is_set():
            raise self._failure
        seconds = time.monotonic() - self._started
        interrupted = self._cancel.is_set()
        notices = (*self._report.notices, *filter(None, [self._approximating.notice]))
        return replace(
            self._report,
            notices=notices,
            seconds=seconds,
            starved=self._starved,
            interrupted=interrupted,
        )

    def _accept(self, differences: Differences, known: dict[str, FileRecord]) -> None:
        self._known.update(known)
        for path in known:
            self._gone.pop(path, None)
        self._gone.update((record.path, record) for record in differences.gone)
        self._gone_content = {_content(record): path for path, record in self._gone.items() if record.hash}
        for path in differences.unreadable:
            self._retry_schedule.retries.failed(path)
        self._note_missing(differences)
        self._keep_moved(differences)
        self._note(differences.noted)
        self._put([ExtractedFile(record) for record in differences.skipped])
        self._count(skipped=len(differences.skipped))

    def _accept_priority(self) -> None:
        """Accept the priority paths that came during this run."""
        paths = self._priority_paths()
        if not paths:
            return
        differences, known = self._look(paths)
        self._accept(differences, known)
        self._extract_priority(differences)
        self.meter.add(files_total=len(differences.read))

    def _extract_priority(self, differences: Differences) -> None:
        self._reading.first(differences.read)
        self._store_at_once = self._store_at_once or 0 < len(differences.read) <= PRIORITY_FILES

    def _note_missing(self, differences: Differences) -> None:
        missing = tuple(f"{root}: {reason}" for root, reason in differences.missing)
        notices = (*self._report.notices, *missing, *differences.notices)
        unchanged = self._report.unchanged + differences.unchanged
        self._report = replace(self._report, unchanged=unchanged, notices=tuple(dict.fromkeys(notices)))

    def _keep_moved(self, differences: Differences) -> None:
        failures = do_all(self._store.move_all, differences.moved)
        not_moved = {record.path for (_, record), _ in failures}
        for old, record in differences.moved:
            if record.path in not_moved:
                self._retry_schedule.retries.failed(record.path)
                continue
            self._known.pop(old, None)
            self._known[record.path] = record
            self._moved.add(record.path)
        self._count(moved=len(differences.moved) - len(not_moved))

    def _note(self, records: Sequence[FileRecord]) -> None:
        do_all(self._store.note, records)
        for record in records:
            self._known[record.path] = record
            if record.path in self._gone:
                self._gone[record.path] = record

    def _drop_gone(self) -> None:
        """Remove deleted files. Comes after all reading: a text that was only moved is in use again then."""
        if self._cancel.is_set():
            return
        there = [path for path in self._known if path not in self._gone]
        over = self._retry_schedule.grace.over(list(self._gone), there, with_grace=self._with_grace)
        failures = do_all(self._store.remove, over)
        for path in over:
            del self._gone[path]
            self._known.pop(path, None)
        self._gone_content = {
            content: path for content, path in self._gone_content.items() if path in self._gone
        }
        self._count(removed=len(over) - len(failures))

    def _work(self) -> None:
        while not self._cancel.is_set():
            self._accept_priority()
            if not self._nested:
                self._embedding.fill()
                self._approximating.fill(self._embedding.busy)
            vectors = self._embedding.running | self._approximating.running
            running: set[Future[Any]] = self._reading.running | vectors
            if not running and not self._ready:
                return
            began, starved = time.monotonic(), bool(self._reading.running and self._embedding.starves)
            if running:
                wait(running, timeout=TICK, return_when=FIRST_COMPLETED)
            self._collect()
            if starved:
                self._starved += time.monotonic() - began
            self._drop_gone_early()

    def _drop_gone_early(self) -> None:
        """Remove deleted files once all is read: the vectors of a large folder take hours."""
        read = not (self._reading.running or self._ready)
        if read and self._gone and time.monotonic() >= self._drop_next:
            self._drop_gone()
            self._drop_next = time.monotonic() + DROP_SECONDS

    def _recognize(self) -> None:
        """Read pictures while nothing else is to be done; what comes meanwhile goes first."""
        pages = self._recognizing
        while pages is not None and not self._cancel.is_set() and pages.begin_next():
            while pages.running and not self._cancel.is_set():
                wait(pages.running, timeout=TICK)
                for path, waiting in pages.finished():
                    self.meter.waiting(waiting, 0)
                    self.meter.add(path=path)
                    self._stored += [path] if waiting else []
                    self._continue_embedding()
                self._work()
            self._drop_gone()

    def _collect(self) -> None:
        taken, files = self._reading.finished()
        self._ready += taken
        self.meter.add(files_done=files, path=taken[-1].record.path if taken else "")
        self._store_ready()
        self._approximating.finished()
        try:
            passages, tokens = self._embedding.finished()
        except TITLED_ERRORS as error:
            if not isinstance(error, EmbedderError):
                raise
            self._failure, passages, tokens = error, 0, 0
        if passages:
            self.meter.embedded(passages, tokens)
            self._approximating.more(passages)
            self._count(embedded=passages)
        if not self._reading.running:
            self.meter.add(phase="embedding")

    def _continue_embedding(self, *, priority: bool = False) -> None:
        """The store may have new texts without vectors."""
        self._embedding.more(priority=priority)
        self._approximating.more()

    def _store_ready(self) -> None:
        """Store extracted files: many in one transaction, but soon, and at once if the model is idle."""
        passages = sum(len(taken.passages) for taken in self._ready)
        full = len(self._ready) >= STORE_FILES or passages >= STORE_PASSAGES
        late = time.monotonic() - self._stored_at > STORE_SECONDS
        store_now = self._store_at_once or (passages and self._embedding.starves)
        if not self._ready or not (full or late or store_now or not self._reading.running):
            return
        ready, self._ready = self._ready, []
        new = [taken for taken in ready if not (self._kept_unread(taken) or self._has_content(taken.record))]
        waiting, stored = self._put(new)
        if waiting:
            self._continue_embedding(priority=self._store_at_once)
            tokens = sum(passage.tokens for taken in stored for passage in taken.passages)
            self.meter.waiting(waiting, tokens * waiting // sum(len(taken.passages) for taken in stored))
        self._store_at_once = self._store_at_once and self._reading.has_priority
        self._stored += [taken.record.path for taken in stored if taken.passages]
        for taken in stored:
            self._count_taken(taken)
        self._stored_at = time.monotonic()

    def _put(self, new: Sequence[ExtractedFile]) -> tuple[int, list[ExtractedFile]]:
        """Store files; returns how many texts now wait for vectors, and the files as stored."""
        waiting, refused = self._store.put_each([(taken.record, taken.passages) for taken in new])
        paths = {record.path for record in refused}
        stored = [taken for taken in new if taken.record.path not in paths]
        return waiting, stored + [ExtractedFile(record) for record in refused]

    def _kept_unread(self, taken: ExtractedFile) -> bool:
        """Whether the file cannot be read for now; passages that the index has of it stay."""
        if not taken.unreadable:
            return False
        path = taken.record.path
        self._retry_schedule.retries.failed(path)
        record = unread_record(self._known.get(path), path, taken.record.reason)
        if record.state == "indexed":
            self._note([record])
        else:
            self._put([ExtractedFile(record)])
        self._count(failed=1)
        return True

    def _has_content(self, record: FileRecord) -> bool:
        """Whether the index has this content already, under this path or that of a deleted file."""
        before = self._known.get(record.path)
        if record.state not in ("indexed", "named"):
            return False
        if before is not None and record.state == "named":
            kept = _is_known(before, record) and self._keep_as(
                record.path, replace(record, state=before.state, reason=before.reason, hash=before.hash)
            )
            self._count(unchanged=int(kept and record.path not in self._moved))
            return kept
        if before is not None:
            same = before.state == "indexed" and before.hash == record.hash and before.kind == record.kind
            kept = same and self._keep_as(record.path, record)
            self._count(unchanged=int(kept and record.path not in self._moved))
            return kept
        old = self._gone_content.pop(_content(record), None) if record.hash else None
        if old is None or not self._keep_as(old, record):
            return False
        del self._gone[old]
        self._known[record.path] = record
        self._known.pop(old, None)
        self._count(moved=1)
        return True

    def _keep_as(self, old: str, record: FileRecord) -> bool:
        """Move the passages of the file at `old` to this one; returns whether that succeeded."""
        return not do_all(self._store.move_all, [(old, record)])

    def _count_taken(self, taken: ExtractedFile) -> None:
        record = taken.record
        if record.state == "named":
            self._count(named=1)
        elif record.state == "skipped":
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


def _is_known(before: FileRecord, record: FileRecord) -> bool:
    """Whether a file without text of its own is the one that the index has, of which pages may be read."""
    same = before.hash == record.hash if record.hash else before.stamp[:3] == record.stamp[:3]
    return same and before.kind == record.kind and before.state in ("indexed", "named")


def _content(record: FileRecord) -> Content:
    return record.hash, record.size, record.kind, record.language, record.title
